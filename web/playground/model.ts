/** What Python wrote of a trained network (src/seefar/playing/folder.py), checked before any of it is used. */

export interface Reference {
  at: number; // in floats, within the weights
  shape: number[];
}

export type Layer =
  | { kind: "scale"; mean: number[]; deviation: number[] }
  | { kind: "conv"; name: string; weight: Reference; bias: Reference | null; pad: number }
  | { kind: "norm"; scale: Reference; shift: Reference }
  | { kind: "dense"; name: string; weight: Reference; bias: Reference | null }
  | { kind: "pool" | "relu" | "gelu" | "keep" | "add" | "max" | "flatten" }
  | { kind: "multiply"; by: number };

/** Pictures side by side in rows of `columns`, each `size` pixels high and wide, as one image file in a data URL. */
export interface Sheet {
  url: string;
  columns: number;
  count: number;
}

export interface Example {
  label: string | null; // what it shows, where that is known
  kind: "right" | "mistake" | "foreign" | "example";
}

export interface Model {
  format: number;
  name: string;
  recipe: string;
  data: string | null;
  accuracy: { value: number; low: number; high: number } | null; // on validation images
  validation: number; // how many they are
  classes: string[];
  size: number;
  background: [number, number, number];
  temperature: number | null;
  sure: number | null;
  familiar: { threshold: number; means: Reference } | null;
  layers: Layer[];
  floats: number;
  check: number; // CRC-32 of the bytes of the weights
  weights: string; // float32, little endian, in base64
  tray: { sheet: Sheet; entries: Example[] };
  bank: { sheet: Sheet; labels: number[] } | null; // training images
  confusion: { counts: number[][]; sheet: Sheet; pairs: [number, number][] } | null; // of each picture its class and what it was taken for
}

export class DamagedError extends Error {}

const FORMAT = 1;

/** The model itself and its weights. Throws DamagedError if something is missing or cut. */
export function opened(found: unknown): { model: Model; weights: Float32Array } {
  const model = found as Model;
  const whole =
    typeof model === "object" && model !== null && Array.isArray(model.classes) && Array.isArray(model.layers) && typeof model.weights === "string";
  if (!whole || model.classes.length < 2 || !(model.size >= 1 && model.size <= 1024)) throw new DamagedError("cut");
  if (model.format !== FORMAT) throw new DamagedError("format");
  let bytes: Uint8Array;
  try {
    const text = atob(model.weights);
    bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  } catch {
    throw new DamagedError("cut");
  }
  if (bytes.length !== 4 * model.floats || crc32(bytes) !== model.check) throw new DamagedError("cut");
  const weights = new Float32Array(bytes.buffer);
  for (const reference of references(model)) {
    const length = reference.shape.reduce((a, b) => a * b, 1);
    if (!(reference.at >= 0 && reference.at + length <= weights.length)) throw new DamagedError("cut");
  }
  return { model, weights };
}

/** The model in the text of a `data.js`, for one that is chosen as a file. Throws DamagedError. */
export function fromText(text: string): unknown {
  const start = text.indexOf("{"), end = text.lastIndexOf("}");
  if (!text.startsWith("(window.seefarModels") || start < 0) throw new DamagedError("foreign");
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    throw new DamagedError("cut");
  }
}

function references(model: Model): Reference[] {
  const found: (Reference | null | undefined)[] = [model.familiar?.means];
  for (const layer of model.layers) {
    if (layer.kind === "conv" || layer.kind === "dense") found.push(layer.weight, layer.bias);
    if (layer.kind === "norm") found.push(layer.scale, layer.shift);
  }
  return found.filter((one): one is Reference => !!one);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** As zlib computes it. */
export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = TABLE[(sum ^ bytes[i]) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
