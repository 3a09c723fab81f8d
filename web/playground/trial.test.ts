import { readFileSync } from "node:fs";
import { it } from "vitest";
import { fromText, opened } from "./model";
import { Network } from "./network";
import { answer } from "./answer";
it("times", () => {
  const { model, weights } = opened(fromText(readFileSync(process.env.DATA!, "utf8")));
  for (const plain of [false, true]) {
    const network = new Network(model, weights, plain);
    const pixels = Uint8Array.from({ length: 3072 }, (_, i) => (i * 7919) % 256);
    const times: number[] = [];
    for (let i = 0; i < 40; i++) { const t = performance.now(); network.run(pixels); times.push(performance.now() - t); }
    const a = answer(network, network.run(pixels));
    console.log(network.kernel.name, network.products / 1e6, "median", times.sort((x, y) => x - y)[20], "first", times[39], [...a.probabilities].map((p) => p.toFixed(5)).join(" "), a.verdict, a.similarity);
  }
});
