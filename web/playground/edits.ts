/** What one can do to an image before the network sees it: moved, turned, enlarged, blurred, recoloured, noisy, painted over. */

export interface Edits {
  across: number; // shares of the side, to the right and down
  down: number;
  turn: number; // degrees, clockwise
  zoom: number; // a factor
  blur: number; // standard deviation in pixels
  hue: number; // degrees
  saturation: number; // factors
  light: number;
  noise: number; // standard deviation in grey levels
}

export const NEUTRAL: Edits = { across: 0, down: 0, turn: 0, zoom: 1, blur: 0, hue: 0, saturation: 1, light: 1, noise: 0 };

/** Range and step of each, in the order in which they are offered. */
export const RANGES: [keyof Edits, number, number, number][] = [
  ["across", -0.5, 0.5, 0.01],
  ["down", -0.5, 0.5, 0.01],
  ["turn", -180, 180, 1],
  ["zoom", 0.5, 3, 0.01],
  ["blur", 0, 4, 0.05],
  ["hue", -180, 180, 1],
  ["saturation", 0, 3, 0.02],
  ["light", 0, 2, 0.02],
  ["noise", 0, 100, 1],
];

/** uint8 `(size, size, 3)` changed; what is neutral changes nothing, bit for bit. */
export function edited(pixels: Uint8Array, size: number, edits: Edits): Uint8Array {
  let values: Float64Array = Float64Array.from(pixels);
  if (edits.across || edits.down || edits.turn || edits.zoom !== 1) values = moved(values, size, edits);
  if (edits.blur) values = blurred(values, size, edits.blur);
  if (edits.hue || edits.saturation !== 1 || edits.light !== 1) recolour(values, edits);
  if (edits.noise) disturb(values, edits.noise);
  return Uint8Array.from(values, (one) => Math.max(0, Math.min(255, Math.round(one))));
}

/** Beyond the edges the image is mirrored, as in training. */
function moved(values: Float64Array, size: number, { across, down, turn, zoom }: Edits): Float64Array {
  const made = new Float64Array(values.length), middle = (size - 1) / 2, angle = (-turn * Math.PI) / 180;
  const cos = Math.cos(angle) / zoom, sin = Math.sin(angle) / zoom;
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 3) {
      const u = x - middle - across * size, v = y - middle - down * size;
      sample(values, size, cos * u - sin * v + middle, sin * u + cos * v + middle, made, at);
    }
  }
  return made;
}

function sample(values: Float64Array, size: number, x: number, y: number, to: Float64Array, at: number): void {
  const left = Math.floor(x), top = Math.floor(y), right = x - left, low = y - top;
  for (let c = 0; c < 3; c++) {
    const value = (i: number, j: number): number => values[(mirrored(top + j, size) * size + mirrored(left + i, size)) * 3 + c];
    to[at + c] = (value(0, 0) * (1 - right) + value(1, 0) * right) * (1 - low) + (value(0, 1) * (1 - right) + value(1, 1) * right) * low;
  }
}

function mirrored(place: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1), inside = ((place % period) + period) % period;
  return inside < size ? inside : period - inside;
}

function blurred(values: Float64Array, size: number, deviation: number): Float64Array {
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * deviation ** 2)));
  const sum = weights.reduce((a, b) => a + b);
  const pass = (from: Float64Array, step: (line: number, place: number) => number): Float64Array => {
    const made = new Float64Array(from.length);
    for (let line = 0; line < size; line++) {
      for (let place = 0; place < size; place++) {
        for (let c = 0; c < 3; c++) {
          let total = 0;
          weights.forEach((by, i) => (total += by * from[step(line, mirrored(place + i - reach, size)) * 3 + c]));
          made[step(line, place) * 3 + c] = total / sum;
        }
      }
    }
    return made;
  };
  const rows = pass(values, (line, place) => line * size + place);
  return pass(rows, (line, place) => place * size + line);
}

/** Hue turned around the grey axis, distance from grey and brightness multiplied. */
function recolour(values: Float64Array, { hue, saturation, light }: Edits): void {
  const angle = (hue * Math.PI) / 180, cos = Math.cos(angle), part = (1 - cos) / 3, other = Math.sin(angle) / Math.sqrt(3);
  for (let at = 0; at < values.length; at += 3) {
    const r = values[at], g = values[at + 1], b = values[at + 2];
    const turned = [
      r * (cos + part) + g * (part - other) + b * (part + other),
      r * (part + other) + g * (cos + part) + b * (part - other),
      r * (part - other) + g * (part + other) + b * (cos + part),
    ];
    const grey = 0.299 * turned[0] + 0.587 * turned[1] + 0.114 * turned[2];
    for (let c = 0; c < 3; c++) values[at + c] = (grey + (turned[c] - grey) * saturation) * light;
  }
}

/** The same noise each time, so that a moved slider changes its strength alone. */
function disturb(values: Float64Array, deviation: number): void {
  const random = generator(20);
  for (let i = 0; i < values.length; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    values[i] += deviation * radius * Math.cos(2 * Math.PI * random());
  }
}

/** Mulberry32: numbers from 0 to below 1. */
export function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
