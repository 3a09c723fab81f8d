/** Numbers as pictures: pixels, feature maps, class maps. */

import type { Maps } from "./network";

export function canvas(side: number, attributes: Record<string, string> = {}): HTMLCanvasElement {
  const made = document.createElement("canvas");
  made.width = made.height = side;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** uint8 `(size, size, 3)` on a canvas, each pixel a square. */
export function drawPixels(to: HTMLCanvasElement, pixels: Uint8Array, size: number): void {
  const context = to.getContext("2d")!;
  context.imageSmoothingEnabled = size > to.width;
  context.drawImage(pixelCanvas(pixels, size), 0, 0, to.width, to.height);
}

export function pixelCanvas(pixels: Uint8Array, size: number): HTMLCanvasElement {
  const made = canvas(size), image = new ImageData(size, size);
  for (let i = 0, at = 0; i < pixels.length; i += 3, at += 4) {
    image.data[at] = pixels[i];
    image.data[at + 1] = pixels[i + 1];
    image.data[at + 2] = pixels[i + 2];
    image.data[at + 3] = 255;
  }
  made.getContext("2d")!.putImageData(image, 0, 0);
  return made;
}

/** Matplotlib's inferno at eleven places: equal steps of value look like equal steps. */
const INFERNO = [
  [0, 0, 4], [22, 11, 57], [66, 10, 104], [106, 23, 110], [147, 38, 103], [188, 55, 84], [221, 81, 58], [243, 120, 25], [252, 165, 10], [246, 215, 70], [252, 255, 164],
];

/** One channel of maps, dark where it is 0 or less, bright at `most`. */
export function drawMap(to: HTMLCanvasElement, maps: Maps, channel: number, most: number): void {
  const { width, height, stride, values } = maps;
  if (to.width !== width || to.height !== height) [to.width, to.height] = [width, height];
  const image = new ImageData(width, height);
  for (let p = 0; p < width * height; p++) {
    const value = Math.max(0, Math.min(1, values[p * stride + channel] / (most || 1))) * (INFERNO.length - 1);
    const low = Math.min(INFERNO.length - 2, Math.floor(value)), part = value - low;
    for (let c = 0; c < 3; c++) image.data[p * 4 + c] = INFERNO[low][c] * (1 - part) + INFERNO[low + 1][c] * part;
    image.data[p * 4 + 3] = 255;
  }
  to.getContext("2d")!.putImageData(image, 0, 0);
}

/** A class map laid over a canvas: orange for, blue against, clear where it says nothing. */
export function layMap(to: HTMLCanvasElement, map: Float32Array, width: number): void {
  const small = canvas(width), height = map.length / width;
  small.height = height;
  const most = map.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12), image = new ImageData(width, height);
  map.forEach((value, p) => {
    image.data.set(value > 0 ? [255, 140, 20] : [40, 120, 255], p * 4);
    image.data[p * 4 + 3] = 180 * Math.min(1, Math.abs(value) / most) ** 0.8;
  });
  small.getContext("2d")!.putImageData(image, 0, 0);
  const context = to.getContext("2d")!;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, to.width, to.height);
}

/** The channels of maps, the one with the largest mean size of its values first. */
export function strongest(maps: Maps): number[] {
  const sums = new Float64Array(maps.channels);
  for (let at = 0; at < maps.values.length; at += maps.stride) for (let c = 0; c < maps.channels; c++) sums[c] += Math.abs(maps.values[at + c]);
  return Array.from(sums.keys()).sort((a, b) => sums[b] - sums[a]);
}

export function largestOf(maps: Maps, channels: number[]): number {
  let most = 0;
  for (let at = 0; at < maps.values.length; at += maps.stride) for (const c of channels) most = Math.max(most, maps.values[at + c]);
  return most;
}
