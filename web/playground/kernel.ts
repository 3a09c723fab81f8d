/** Convolutions of stride 1, the one part that takes time: in WebAssembly where the browser allows it, else in plain numbers. */

import compiled from "./kernel.wat";

/** Addresses are indices into `memory`, strides and spans are numbers of floats; see kernel.wat for how values lie. */
export interface Convolution {
  input: number;
  weights: number;
  bias: number;
  output: number;
  height: number;
  width: number;
  row: number;
  pixel: number;
  rows: number;
  span: number;
  channels: number;
}

export interface Kernel {
  name: "WebAssembly" | "JavaScript";
  memory: Float32Array;
  convolve(of: Convolution): void;
}

const PAGE = 65536 / 4;

/** Something that computes, with memory for so many floats. */
export function kernel(floats: number, plain = false): Kernel {
  return (plain ? null : inWebAssembly(floats)) ?? inJavaScript(floats);
}

function inWebAssembly(floats: number): Kernel | null {
  let memory: WebAssembly.Memory, convolve: (...numbers: number[]) => void;
  try {
    const code = Uint8Array.from(atob(compiled), (letter) => letter.charCodeAt(0));
    const parts = new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
    memory = parts.memory as WebAssembly.Memory;
    convolve = parts.convolve as typeof convolve;
    memory.grow(Math.ceil(floats / PAGE));
  } catch {
    return null; // no SIMD, or a policy that allows no WebAssembly
  }
  return {
    name: "WebAssembly",
    memory: new Float32Array(memory.buffer),
    convolve: (c) =>
      convolve(c.input * 4, c.weights * 4, c.bias * 4, c.output * 4, c.height, c.width, c.row * 4, c.pixel * 4, c.rows, c.span * 4, c.channels),
  };
}

function inJavaScript(floats: number): Kernel {
  const memory = new Float32Array(floats);
  return { name: "JavaScript", memory, convolve: (of) => convolvePlainly(memory, of) };
}

/** What kernel.wat does, two results of two pixels at once. */
function convolvePlainly(m: Float32Array, c: Convolution): void {
  for (let n = 0; n < c.channels; n += 2) {
    const first = c.weights + (n >> 3) * c.rows * c.span * 8 + (n & 7);
    const b0 = m[c.bias + n], b1 = m[c.bias + n + 1];
    for (let y = 0; y < c.height; y++) {
      for (let x = 0; x < c.width; x += 2) {
        const next = x + 1 < c.width ? c.pixel : 0;
        let s00 = b0, s01 = b1, s10 = b0, s11 = b1, w = first;
        for (let r = 0; r < c.rows; r++) {
          const start = c.input + (y + r) * c.row + x * c.pixel, end = start + c.span;
          for (let a = start; a < end; a++, w += 8) {
            const p = m[a], q = m[a + next], u = m[w], v = m[w + 1];
            s00 += p * u;
            s01 += p * v;
            s10 += q * u;
            s11 += q * v;
          }
        }
        const to = c.output + (y * c.width + x) * c.channels + n;
        m[to] = s00;
        m[to + 1] = s01;
        if (next) {
          m[to + c.channels] = s10;
          m[to + c.channels + 1] = s11;
        }
      }
    }
  }
}
