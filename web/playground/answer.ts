/** From logits and features to what is said: calibrated probabilities, and whether the image is like those of the training. */

import type { Network, Pass } from "./network";

export interface Answer {
  probabilities: Float64Array;
  best: number; // the most probable class
  similarity: number | null; // the largest cosine to the mean features of a class
  verdict: "unlike" | "unsure" | "sure" | "plain"; // plain: nobody measured from where on it can be trusted
}

export function answer(network: Network, pass: Pass): Answer {
  const { temperature, familiar, sure } = network.model;
  const probabilities = softmax(pass.logits, temperature ?? 1);
  const best = probabilities.indexOf(Math.max(...probabilities));
  const near = familiar ? similarity(pass.features, network.numbers(familiar.means), familiar.means.shape[0]) : null;
  let verdict: Answer["verdict"] = sure === null ? "plain" : probabilities[best] >= sure ? "sure" : "unsure";
  if (familiar && near !== null && near < familiar.threshold) verdict = "unlike";
  return { probabilities, best, similarity: near, verdict };
}

export function softmax(logits: Float32Array, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits, (one) => one / temperature), largest = Math.max(...scaled);
  const powers = scaled.map((one) => Math.exp(one - largest)), sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((one) => one / sum);
}

/** The largest cosine of the features and a row of the means; rows of zeros are near nothing. */
function similarity(features: Float32Array, means: Float32Array, rows: number): number {
  const d = features.length;
  let best = -1;
  for (let row = 0; row < rows; row++) best = Math.max(best, cosine(features, means.subarray(row * d, (row + 1) * d)));
  return best;
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
}
