/** From a picture of any size to what the network gets: the same steps, in the same order, as src/seefar/data/decode.py and Pillow. */

/** Red, green, blue, alpha in a row, as canvases have them. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array | Float32Array;
}

/** Pixels uint8 `(size, size, 3)` in a row: reduced like a large JPEG, turned, cut to its centre square, resized. */
export function prepared(picture: Picture, size: number, how: { by?: number; orientation?: number } = {}): Uint8Array {
  let one = rgbOf(picture);
  if (how.by && how.by > 1) one = reduced(one, how.by);
  if (how.orientation && how.orientation > 1) one = turned(one, how.orientation);
  one = square(one);
  return one.width === size ? Uint8Array.from(one.data, Math.round) : resized(one, size);
}

interface Plain {
  width: number;
  height: number;
  data: Uint8Array | Float32Array; // red, green, blue; fractions are kept where libjpeg would round once and a browser has rounded before
}

function rgbOf({ width, height, data }: Picture): Plain {
  const made = data instanceof Float32Array ? new Float32Array(width * height * 3) : new Uint8Array(width * height * 3);
  for (let i = 0, at = 0; at < made.length; i += 4, at += 3) {
    made[at] = data[i];
    made[at + 1] = data[i + 1];
    made[at + 2] = data[i + 2];
  }
  return { width, height, data: made };
}

/** By how much Pillow lets libjpeg reduce a JPEG, whose shorter side is given: 1, 2, 4 or 8, so that twice the size is left. */
export function reduction(shorter: number, size: number): number {
  if (shorter <= 4 * size) return 1;
  return [8, 4, 2].find((one) => Math.floor(shorter / (2 * size)) >= one) ?? 1;
}

/** A JPEG as it is stored: brightness, blueness, redness; colours often with half as many pixels across and down. */
export interface Planes {
  width: number;
  height: number;
  planes: { data: Uint8Array; stride: number; width: number; height: number; across: number; down: number }[];
}

/** As libjpeg decodes at a fraction: every plane gets the mean of what lies under a pixel of the result, and only then become they colours. */
export function fromPlanes({ width, height, planes }: Planes, by: number): Picture {
  const wide = Math.ceil(width / by), high = Math.ceil(height / by), data = new Float32Array(wide * high * 4);
  const means = planes.map((plane) => {
    const across = by / plane.across, down = by / plane.down, made = new Float64Array(wide * high);
    for (let y = 0; y < high; y++) {
      for (let x = 0; x < wide; x++) {
        let sum = 0;
        for (let v = y * down; v < (y + 1) * down; v++) {
          const row = Math.min(v, plane.height - 1) * plane.stride;
          for (let u = x * across; u < (x + 1) * across; u++) sum += plane.data[row + Math.min(u, plane.width - 1)];
        }
        made[y * wide + x] = sum / (across * down);
      }
    }
    return made;
  });
  for (let i = 0; i < wide * high; i++) {
    const y = means[0][i], blue = means[1][i] - 128, red = means[2][i] - 128;
    data.set([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue].map((one) => Math.max(0, Math.min(255, one))), 4 * i);
  }
  return { width: wide, height: high, data };
}

/** Nearly as libjpeg decodes at a fraction, where only colours are known: the mean of each square of `by` pixels; at the far edges the last pixels stand for what is missing. */
function reduced(one: Plain, by: number): Plain {
  if (by === 1) return one;
  const width = Math.ceil(one.width / by), height = Math.ceil(one.height / by), data = new Uint8Array(width * height * 3);
  const line = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    for (let dy = 0; dy < by; dy++) {
      const row = Math.min(y * by + dy, one.height - 1) * one.width;
      for (let x = 0; x < width * by; x++) {
        const from = (row + Math.min(x, one.width - 1)) * 3, to = Math.floor(x / by) * 3;
        line[to] += one.data[from];
        line[to + 1] += one.data[from + 1];
        line[to + 2] += one.data[from + 2];
      }
    }
    for (let i = 0; i < line.length; i++) data[y * width * 3 + i] = Math.round(line[i] / (by * by));
  }
  return { width, height, data };
}

/** As the EXIF orientation asks, 2 to 8. */
export function turned(one: Plain, orientation: number): Plain {
  const { width, height } = one, swapped = orientation > 4;
  const made = { width: swapped ? height : width, height: swapped ? width : height, data: one.data.slice() };
  for (let y = 0, at = 0; y < made.height; y++) {
    for (let x = 0; x < made.width; x++, at += 3) {
      const [u, v] = swapped ? [y, x] : [x, y]; // where it was, but for mirroring
      const from = ((FLIPPED_DOWN.includes(orientation) ? height - 1 - v : v) * width + (FLIPPED_ACROSS.includes(orientation) ? width - 1 - u : u)) * 3;
      made.data[at] = one.data[from];
      made.data[at + 1] = one.data[from + 1];
      made.data[at + 2] = one.data[from + 2];
    }
  }
  return made;
}

const FLIPPED_ACROSS = [2, 3, 7, 8], FLIPPED_DOWN = [3, 4, 6, 7];

function square(one: Plain): Plain {
  const side = Math.min(one.width, one.height);
  if (one.width === one.height) return one;
  const left = Math.floor((one.width - side) / 2), top = Math.floor((one.height - side) / 2), data = one.data.slice(0, side * side * 3);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * one.width + left) * 3;
    data.set(one.data.subarray(from, from + side * 3), y * side * 3);
  }
  return { width: side, height: side, data };
}

/** Pillow's bicubic resampling, its rounding included (ImagingResample, 8 bits a channel): rows first, then columns. */
function resized(one: Plain, size: number): Uint8Array {
  const side = one.width, weights = coefficients(side, size);
  const narrow = new Uint8Array(side * size * 3), made = new Uint8Array(size * size * 3);
  for (let y = 0; y < side; y++) pass(one.data, y * side * 3, 3, narrow, y * size * 3, 3, weights);
  for (let x = 0; x < size; x++) pass(narrow, x * 3, size * 3, made, x * 3, size * 3, weights);
  return made;
}

interface Weights {
  first: number;
  by: Float64Array;
}

const ONE = 2 ** 22; // as fixed-point numbers have it

function pass(from: Uint8Array | Float32Array, start: number, step: number, to: Uint8Array, at: number, stride: number, weights: Weights[]): void {
  for (const { first, by } of weights) {
    for (let channel = 0; channel < 3; channel++) {
      let sum = ONE / 2;
      for (let i = 0, place = start + first * step + channel; i < by.length; i++, place += step) sum += from[place] * by[i];
      to[at + channel] = Math.max(0, Math.min(255, Math.floor(sum / ONE)));
    }
    at += stride;
  }
}

function coefficients(from: number, to: number): Weights[] {
  const scale = from / to, wide = Math.max(scale, 1), support = 2 * wide;
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5)), end = Math.min(from, Math.trunc(centre + support + 0.5));
    const by = Float64Array.from({ length: end - first }, (_, i) => bicubic((i + first - centre + 0.5) / wide));
    const sum = by.reduce((a, b) => a + b, 0);
    return { first, by: by.map((one) => Math.trunc((one / sum) * ONE + (one < 0 ? -0.5 : 0.5))) };
  });
}

function bicubic(distance: number): number {
  const x = Math.abs(distance), a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
