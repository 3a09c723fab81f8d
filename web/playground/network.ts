/** The network itself: pixels in; logits, features and feature maps out. Layer by layer what Python computes (src/seefar/networks). */

import { type Kernel, kernel } from "./kernel";
import type { Layer, Model, Reference } from "./model";

/** Maps of channels, pixel by pixel: value `[(y * width + x) * stride + channel]`. */
export interface Maps {
  values: Float32Array;
  height: number;
  width: number;
  channels: number;
  stride: number;
}

/** A convolution and what follows it before the next: what comes in (with its border of zeros), and what comes out. */
export interface Block {
  place: number; // of the convolution among the layers
  name: string;
  input: Maps;
  output: Maps;
}

export interface Pass {
  logits: Float32Array;
  features: Float32Array;
  last: Maps; // what the head gets
  blocks: Block[]; // only where they were asked for
}

/** Called after each layer with its place and what it gave: maps, or numbers as maps of one pixel. */
export type Watch = (place: number, layer: Layer, value: Maps) => void;

interface Value {
  at: number; // in the kernel's memory
  height: number;
  width: number;
  channels: number;
  stride: number;
}

interface Prepared {
  layer: Layer;
  output: Value;
  padded?: Value; // of a convolution: its input with the border
  weights?: number;
  bias?: number;
  rows?: number;
  columns?: number;
}

const eight = (n: number): number => Math.ceil(n / 8) * 8;

export class Network {
  readonly kernel: Kernel;
  readonly products: number; // multiplications an image, of the convolutions
  private readonly steps: Prepared[] = [];
  private readonly kept: Value[] = [];

  constructor(
    readonly model: Model,
    private readonly weights: Float32Array,
    plain = false,
  ) {
    let floats = 16, products = 0;
    const room = (height: number, width: number, channels: number, stride: number): Value => {
      const value = { at: floats, height, width, channels, stride };
      floats += Math.ceil((height * width * stride) / 4) * 4;
      return value;
    };
    let value = room(model.size, model.size, 3, 3), kept = value;
    for (const layer of this.convolutional()) {
      const step: Prepared = { layer, output: value };
      if (layer.kind === "conv") {
        const [filters, , rows, columns] = layer.weight.shape;
        const { height, width, channels, stride } = value;
        step.padded = room(height + 2 * layer.pad, width + 2 * layer.pad, channels, stride);
        step.weights = floats;
        floats += eight(filters) * rows * columns * stride;
        step.bias = floats;
        floats += eight(filters);
        Object.assign(step, { rows, columns });
        value = room(height + 2 * layer.pad - rows + 1, width + 2 * layer.pad - columns + 1, filters, eight(filters));
        products += value.height * value.width * filters * rows * columns * channels;
      } else if (layer.kind === "pool") {
        value = room(value.height >> 1, value.width >> 1, value.channels, value.stride);
      } else if (layer.kind === "keep") {
        kept = room(value.height, value.width, value.channels, value.stride);
      }
      if (layer.kind === "keep" || layer.kind === "add") this.kept.push(kept);
      step.output = value;
      this.steps.push(step);
    }
    this.products = products;
    this.kernel = kernel(floats, plain);
    for (const step of this.steps) this.lay(step);
  }

  /** The answer to an image, uint8 `(size, size, 3)` in a row. */
  run(pixels: Uint8Array, withBlocks = false, watch?: Watch): Pass {
    const m = this.kernel.memory, blocks: Block[] = [];
    let value: Value = this.steps[0].output, turn = 0;
    this.steps.forEach((step, place) => {
      const { layer, output } = step;
      if (layer.kind === "scale") scale(m, pixels, layer, output);
      else if (layer.kind === "conv") {
        if (withBlocks && blocks.length) blocks[blocks.length - 1].output = this.copy(value);
        this.convolve(step, value);
        if (withBlocks) blocks.push({ place, name: layer.name, input: this.copy(step.padded!), output: NOTHING });
      } else if (layer.kind === "pool") pool(m, value, output);
      else if (layer.kind === "norm") norm(m, output, this.numbers(layer.scale), this.numbers(layer.shift));
      else if (layer.kind === "relu") relu(m, output.at, size(output));
      else if (layer.kind === "gelu") gelu(m, output.at, size(output));
      else if (layer.kind === "keep") m.copyWithin(this.kept[turn++].at, value.at, value.at + size(value));
      else if (layer.kind === "add") add(m, this.kept[turn++].at, output.at, size(output));
      value = output;
      watch?.(place, layer, this.view(value));
    });
    const last = this.copy(value);
    if (withBlocks) blocks[blocks.length - 1].output = last;
    let features: Float32Array = new Float32Array(), numbers: Float32Array = new Float32Array();
    this.head((layer, into, place) => {
      if (layer.kind === "dense") features = into;
      numbers = this.apply(layer, into, last);
      watch?.(place, layer, asMaps(numbers));
      return numbers;
    });
    return { logits: numbers, features, last, blocks };
  }

  /**
   * Class-activation maps of the last stage, as src/seefar/networks/class_maps.py defines them: `[class][y * width + x]`.
   */
  classMaps(pass: Pass): Float32Array[] {
    const { height, width, channels, stride, values } = pass.last;
    const places = height * width;
    let known: Float32Array[] = Array.from({ length: places }, (_, p) => values.slice(p * stride, p * stride + channels));
    let pooled = false;
    this.head((layer, into) => {
      const numbers = this.apply(layer, into, pass.last);
      pooled ||= layer.kind === "max";
      if (layer.kind === "dense") {
        const weight = this.numbers(layer.weight), [units, inputs] = layer.weight.shape;
        const byPlace = pooled || known[0].length === inputs;
        known = known.map((row, p) => {
          const made = new Float32Array(units);
          for (let u = 0; u < units; u++) {
            let sum = 0;
            if (byPlace) for (let c = 0; c < inputs; c++) sum += row[c] * weight[u * inputs + c];
            else for (let c = 0; c < channels; c++) sum += row[c] * weight[u * inputs + c * places + p];
            made[u] = sum;
          }
          return made;
        });
        pooled = true;
      } else if (layer.kind === "norm") {
        const by = this.numbers(layer.scale);
        known.forEach((row) => row.forEach((one, u) => (row[u] = one * by[u])));
      } else if (layer.kind === "relu") {
        known.forEach((row) => row.forEach((one, u) => (row[u] = into[u] > 0 ? one : 0)));
      } else if (layer.kind === "multiply") {
        known.forEach((row) => row.forEach((one, u) => (row[u] = one * layer.by)));
      }
      return numbers;
    });
    return this.model.classes.map((_, label) => Float32Array.from(known, (row) => row[label]));
  }

  numbers(reference: Reference): Float32Array {
    const length = reference.shape.reduce((a, b) => a * b, 1);
    return this.weights.subarray(reference.at, reference.at + length);
  }

  private convolutional(): Layer[] {
    const end = this.model.layers.findIndex((layer) => layer.kind === "max" || layer.kind === "flatten");
    return this.model.layers.slice(0, end);
  }

  private head(visit: (layer: Layer, into: Float32Array, place: number) => Float32Array): void {
    let numbers: Float32Array = new Float32Array();
    for (let place = this.steps.length; place < this.model.layers.length; place++) numbers = visit(this.model.layers[place], numbers, place);
  }

  private apply(layer: Layer, into: Float32Array, last: Maps): Float32Array {
    if (layer.kind === "max") return largest(last);
    if (layer.kind === "flatten") return flat(last);
    if (layer.kind === "dense") return this.dense(layer, into);
    const made = into.slice();
    if (layer.kind === "multiply") made.forEach((one, i) => (made[i] = one * layer.by));
    else if (layer.kind === "relu") relu(made, 0, made.length);
    else if (layer.kind === "norm") {
      const by = this.numbers(layer.scale), shift = this.numbers(layer.shift);
      made.forEach((one, i) => (made[i] = one * by[i] + shift[i]));
    }
    return made;
  }

  private dense(layer: Extract<Layer, { kind: "dense" }>, into: Float32Array): Float32Array {
    const [units, inputs] = layer.weight.shape, weight = this.numbers(layer.weight);
    const bias = layer.bias && this.numbers(layer.bias), made = new Float32Array(units);
    for (let u = 0; u < units; u++) {
      let sum = bias ? bias[u] : 0;
      for (let i = 0, w = u * inputs; i < inputs; i++, w++) sum += into[i] * weight[w];
      made[u] = sum;
    }
    return made;
  }

  private convolve(step: Prepared, value: Value): void {
    const m = this.kernel.memory, padded = step.padded!, pad = (padded.height - value.height) / 2;
    const line = value.width * value.stride, row = padded.width * padded.stride;
    for (let y = 0; y < value.height; y++) {
      const from = value.at + y * line;
      m.copyWithin(padded.at + (y + pad) * row + pad * padded.stride, from, from + line);
    }
    this.kernel.convolve({
      input: padded.at,
      weights: step.weights!,
      bias: step.bias!,
      output: step.output.at,
      height: step.output.height,
      width: step.output.width,
      row,
      pixel: padded.stride,
      rows: step.rows!,
      span: step.columns! * padded.stride,
      channels: step.output.stride,
    });
  }

  /** Weights `(filters, channels, rows, columns)` as the kernel takes them. */
  private lay(step: Prepared): void {
    if (step.layer.kind !== "conv") return;
    const m = this.kernel.memory, from = this.numbers(step.layer.weight), stride = step.padded!.stride;
    const [filters, channels, rows, columns] = step.layer.weight.shape;
    for (let n = 0, at = 0; n < filters; n++) {
      for (let c = 0; c < channels; c++) {
        for (let r = 0; r < rows; r++) {
          for (let k = 0; k < columns; k++, at++) {
            m[step.weights! + (((n >> 3) * rows + r) * columns * stride + k * stride + c) * 8 + (n & 7)] = from[at];
          }
        }
      }
    }
    if (step.layer.bias) m.set(this.numbers(step.layer.bias), step.bias!);
  }

  private copy(value: Value): Maps {
    return { ...value, values: this.kernel.memory.slice(value.at, value.at + size(value)) };
  }

  private view(value: Value): Maps {
    return { ...value, values: this.kernel.memory.subarray(value.at, value.at + size(value)) };
  }
}

const NOTHING: Maps = { values: new Float32Array(), height: 0, width: 0, channels: 0, stride: 0 };

function size(value: Value): number {
  return value.height * value.width * value.stride;
}

function asMaps(numbers: Float32Array): Maps {
  return { values: numbers, height: 1, width: 1, channels: numbers.length, stride: numbers.length };
}

function scale(m: Float32Array, pixels: Uint8Array, layer: Extract<Layer, { kind: "scale" }>, to: Value): void {
  for (let i = 0, at = to.at; i < pixels.length; i++, at++) m[at] = (pixels[i] / 255 - layer.mean[i % 3]) / layer.deviation[i % 3];
}

function pool(m: Float32Array, from: Value, to: Value): void {
  const line = from.width * from.stride, stride = from.stride;
  for (let y = 0, at = to.at; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      let a = from.at + 2 * y * line + 2 * x * stride;
      for (let c = 0; c < stride; c++, a++, at++) {
        m[at] = Math.max(m[a], m[a + stride], m[a + line], m[a + line + stride]);
      }
    }
  }
}

function norm(m: Float32Array, of: Value, by: Float32Array, shift: Float32Array): void {
  for (let at = of.at, end = of.at + size(of); at < end; at += of.stride) {
    for (let c = 0; c < of.channels; c++) m[at + c] = m[at + c] * by[c] + shift[c];
  }
}

function relu(m: Float32Array, at: number, length: number): void {
  for (const end = at + length; at < end; at++) if (m[at] < 0) m[at] = 0;
}

function gelu(m: Float32Array, at: number, length: number): void {
  for (const end = at + length; at < end; at++) m[at] = 0.5 * m[at] * (1 + erf(m[at] * Math.SQRT1_2));
}

function add(m: Float32Array, from: number, to: number, length: number): void {
  for (let i = 0; i < length; i++) m[to + i] += m[from + i];
}

/** Abramowitz and Stegun 1964, equation 7.1.26: wrong by 1.5e-7 at most. */
export function erf(x: number): number {
  const z = x < 0 ? -x : x, t = 1 / (1 + 0.3275911 * z);
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-z * z);
  return x < 0 ? -y : y;
}

function largest(maps: Maps): Float32Array {
  const made = new Float32Array(maps.channels).fill(-Infinity);
  for (let at = 0; at < maps.values.length; at += maps.stride) {
    for (let c = 0; c < maps.channels; c++) if (maps.values[at + c] > made[c]) made[c] = maps.values[at + c];
  }
  return made;
}

/** Channel after channel, as torch flattens. */
function flat(maps: Maps): Float32Array {
  const places = maps.height * maps.width, made = new Float32Array(maps.channels * places);
  for (let p = 0; p < places; p++) for (let c = 0; c < maps.channels; c++) made[c * places + p] = maps.values[p * maps.stride + c];
  return made;
}
