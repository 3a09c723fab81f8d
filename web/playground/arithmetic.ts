/** How one number of a feature map comes about: the kernel on its place, product by product, and what is done with the sum. */

import type { Layer } from "./model";
import { erf, type Network, type Pass } from "./network";

/** What one channel that comes in adds to the sum. */
export interface Contribution {
  channel: number;
  sum: number;
  patch: number[]; // what the kernel covers, row after row
  kernel: number[];
}

export type After =
  | { kind: "pool" }
  | { kind: "norm"; scale: number; shift: number; value: number }
  | { kind: "relu" | "gelu"; value: number }
  | { kind: "add"; added: number; value: number };

export interface Explained {
  y: number; // of the convolution's output; where four neighbours are pooled, of the largest
  x: number;
  rows: number;
  columns: number;
  contributions: Contribution[]; // largest first
  bias: number;
  sum: number;
  after: After[];
  value: number;
}

type Conv = Extract<Layer, { kind: "conv" }>;

/** The number at row y and column x of a filter's output, block by block as `run` gives them. */
export function explained(network: Network, pass: Pass, number: number, filter: number, y: number, x: number): Explained {
  const block = pass.blocks[number], layers = network.model.layers, conv = layers[block.place] as Conv;
  const [, channels, rows, columns] = conv.weight.shape, weight = network.numbers(conv.weight);
  const bias = conv.bias ? network.numbers(conv.bias)[filter] : 0;
  const at = (v: number, u: number): Contribution[] =>
    Array.from({ length: channels }, (_, channel) => {
      const patch: number[] = [], kernel: number[] = [];
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < columns; k++) {
          patch.push(block.input.values[((v + r) * block.input.width + u + k) * block.input.stride + channel]);
          kernel.push(weight[((filter * channels + channel) * rows + r) * columns + k]);
        }
      }
      return { channel, patch, kernel, sum: patch.reduce((total, one, i) => total + one * kernel[i], 0) };
    });
  const total = (parts: Contribution[]): number => parts.reduce((a, part) => a + part.sum, bias);
  const tail = tailOf(layers, block.place), pooled = tail.some((layer) => layer.kind === "pool");
  const places = pooled ? [[2 * y, 2 * x], [2 * y, 2 * x + 1], [2 * y + 1, 2 * x], [2 * y + 1, 2 * x + 1]] : [[y, x]];
  const tried = places.map(([v, u]) => ({ v, u, parts: at(v, u) }));
  const best = tried.reduce((a, b) => (total(b.parts) > total(a.parts) ? b : a));
  const sum = total(best.parts), after: After[] = [];
  let value = sum;
  for (const layer of tail) {
    if (layer.kind === "pool") after.push({ kind: "pool" });
    else if (layer.kind === "norm") {
      const scale = network.numbers(layer.scale)[filter], shift = network.numbers(layer.shift)[filter];
      after.push({ kind: "norm", scale, shift, value: (value = value * scale + shift) });
    } else if (layer.kind === "add") {
      const kept = pass.blocks[number - 2].output, added = kept.values[(y * kept.width + x) * kept.stride + filter];
      after.push({ kind: "add", added, value: (value += added) });
    } else if (layer.kind === "relu" || layer.kind === "gelu") {
      value = layer.kind === "relu" ? Math.max(0, value) : 0.5 * value * (1 + erf(value * Math.SQRT1_2));
      after.push({ kind: layer.kind, value });
    }
  }
  best.parts.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  return { y: best.v, x: best.u, rows, columns, contributions: best.parts, bias, sum, after, value };
}


/** The layers behind a convolution, up to the next one or the head. */
function tailOf(layers: Layer[], place: number): Layer[] {
  const rest = layers.slice(place + 1), end = rest.findIndex((layer) => ["conv", "max", "flatten"].includes(layer.kind));
  return rest.slice(0, end);
}

/** The pixels that a place of a block's output depends on: `size` of them from `start + place * jump` on. Araujo et al. 2019. */
export function field(layers: Layer[], place: number): { size: number; jump: number; start: number } {
  const found = { size: 1, jump: 1, start: 0 };
  for (const layer of [...layers.slice(0, place + 1), ...tailOf(layers, place)]) {
    if (layer.kind !== "conv" && layer.kind !== "pool") continue;
    const [kernel, stride, pad] = layer.kind === "conv" ? [layer.weight.shape[2], 1, layer.pad] : [2, 2, 0];
    found.size += (kernel - 1) * found.jump;
    found.start -= pad * found.jump;
    found.jump *= stride;
  }
  return found;
}
