/** Picture files, looked into before a browser decodes them: which format, how many pixels, how they are to be turned. */

export const MOST_BYTES = 50_000_000;
export const MOST_PIXELS = 16_000_000; // as in src/seefar/data/decode.py

export interface Facts {
  format: "PNG" | "JPEG" | "WEBP" | "GIF" | "BMP";
  width: number;
  height: number;
  orientation: number; // of EXIF, 1 to 8
  exact: boolean; // whether the browser gives the colours that Pillow gives
}

/**
 * What the first bytes of a file say; null if it is of no format that is read, or cut. Its orientation is set to 1 in the bytes: browsers
 * do not agree on whether they turn a picture.
 */
export function look(bytes: Uint8Array): Facts | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return png(view);
    if (starts(bytes, [0xff, 0xd8, 0xff])) return jpeg(view);
    if (text(view, 0, 4) === "RIFF" && text(view, 8, 4) === "WEBP") return webp(view);
    if (/^GIF8[79]a/.test(text(view, 0, 6))) return plain("GIF", view.getUint16(6, true), view.getUint16(8, true));
    if (text(view, 0, 2) === "BM") return plain("BMP", Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

function plain(format: Facts["format"], width: number, height: number): Facts {
  return { format, width, height, orientation: 1, exact: true };
}

function png(view: DataView): Facts {
  const facts = plain("PNG", view.getUint32(16), view.getUint32(20));
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const kind = text(view, at + 4, 4);
    if (kind === "eXIf") facts.orientation = orientation(view, at + 8);
    if (kind === "IDAT" || kind === "IEND") break;
  }
  return facts;
}

function jpeg(view: DataView): Facts {
  let turn = 1;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint16(at);
    if (marker === 0xffe1 && text(view, at + 4, 4) === "Exif") turn = orientation(view, at + 10);
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      const facts = plain("JPEG", view.getUint16(at + 7), view.getUint16(at + 5));
      return { ...facts, orientation: turn, exact: view.getUint8(at + 9) !== 4 }; // four components: inks
    }
    if (marker === 0xffda || marker === 0xffd9 || marker < 0xff00) throw new RangeError("no picture");
  }
}

function webp(view: DataView): Facts {
  const kind = text(view, 12, 4);
  if (kind === "VP8 ") return plain("WEBP", view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return plain("WEBP", (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
  }
  const facts = plain("WEBP", (view.getUint32(24, true) & 0xffffff) + 1, (view.getUint32(27, true) & 0xffffff) + 1);
  for (let at = 12; at + 8 <= view.byteLength; at += 8 + ((view.getUint32(at + 4, true) + 1) & ~1)) {
    if (text(view, at, 4) === "EXIF") facts.orientation = orientation(view, text(view, at + 8, 4) === "Exif" ? at + 14 : at + 8);
  }
  return facts;
}

/** The orientation in a TIFF structure, 1 where there is none. */
function orientation(view: DataView, start: number): number {
  try {
    const little = text(view, start, 2) === "II";
    const table = start + view.getUint32(start + 4, little);
    for (let i = 0; i < view.getUint16(table, little); i++) {
      const entry = table + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) {
        const found = view.getUint16(entry + 8, little);
        view.setUint16(entry + 8, 1, little);
        return found >= 1 && found <= 8 ? found : 1;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

function starts(bytes: Uint8Array, with_: number[]): boolean {
  return with_.every((one, i) => bytes[i] === one);
}

function text(view: DataView, at: number, length: number): string {
  let found = "";
  for (let i = 0; i < length; i++) found += String.fromCharCode(view.getUint8(at + i));
  return found;
}
