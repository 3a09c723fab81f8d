/** The smallest patch of one colour that is found to change the answer. */

import { h } from "../shared/dom";
import { answer } from "./answer";
import { canvas, drawPixels } from "./draw";
import type { Network } from "./network";
import { say } from "./sentences";
import type { Studio } from "./studio";

const SLICE = 14; // milliseconds of searching at a time
const LEVELS = [0, 255];
const COLOURS = [...LEVELS.flatMap((r) => LEVELS.flatMap((g) => LEVELS.map((b) => [r, g, b]))), [128, 128, 128]];

export interface Patch {
  side: number;
  x: number;
  y: number;
  colour: number[];
  label: number; // what the patched image is called
}

/**
 * For sides from large to small: places half a patch apart in all colours; of the side that turns the answer the smallest. Between two
 * sides the search halves; then it steps down one by one from the best place as long as its neighbourhood still turns the answer.
 *
 * `tick` is called between images; it may wait, and gives false to end the search.
 */
export async function search(network: Network, pixels: Uint8Array, tick: (side: number, tried: number) => Promise<boolean>): Promise<Patch | null> {
  const { size } = network.model, first = network.run(pixels).logits, label = first.indexOf(Math.max(...first));
  let tried = 0, stopped = false;
  const margin = (patch: Omit<Patch, "label">): { margin: number; label: number } => {
    const { logits } = network.run(patched(pixels, size, patch));
    let other = label ? 0 : 1;
    for (let i = 0; i < logits.length; i++) if (i !== label && logits[i] > logits[other]) other = i;
    return { margin: logits[label] - logits[other], label: other };
  };
  const best = async (side: number, places: [number, number][], colours: number[][]): Promise<Patch | null> => {
    let found: Patch | null = null, least = 0;
    for (const [x, y] of places) {
      for (const colour of colours) {
        if (stopped ||= !(await tick(side, ++tried))) return found;
        const one = margin({ side, x, y, colour });
        if (one.margin < least) {
          least = one.margin;
          found = { side, x, y, colour, label: one.label };
        }
      }
    }
    return found;
  };
  const grid = (side: number): [number, number][] => {
    const step = Math.max(1, Math.floor(side / 2)), stops: number[] = [];
    for (let at = 0; at < size - side; at += step) stops.push(at);
    stops.push(size - side);
    return stops.flatMap((y) => stops.map((x): [number, number] => [x, y]));
  };
  let found: Patch | null = null, low = 1, high = Math.ceil(size * 0.75);
  while (low <= high && !stopped) {
    const side = Math.floor((low + high) / 2), here = await best(side, grid(side), COLOURS);
    if (here) [found, high] = [here, side - 1];
    else low = side + 1;
  }
  while (found && found.side > 1 && !stopped) {
    const around: [number, number][] = [];
    for (let y = found.y - 1; y <= found.y + 2; y++) {
      for (let x = found.x - 1; x <= found.x + 2; x++) if (x >= 0 && y >= 0 && x + found.side - 1 <= size && y + found.side - 1 <= size) around.push([x, y]);
    }
    const smaller = await best(found.side - 1, around, COLOURS);
    if (!smaller) break;
    found = smaller;
  }
  return found;
}

export function patched(pixels: Uint8Array, size: number, { side, x, y, colour }: Omit<Patch, "label">): Uint8Array {
  const made = pixels.slice();
  for (let v = y; v < y + side; v++) for (let u = x; u < x + side; u++) made.set(colour, (v * size + u) * 3);
  return made;
}

export function fool(studio: Studio): HTMLElement {
  const { size, classes } = studio.model;
  const start = h("button", { type: "button", class: "first" }, say.foolStart), said = h("p", { role: "status" });
  const before = canvas(192, { "aria-hidden": "true" }), after = canvas(192, { "aria-hidden": "true" });
  const use = h("button", { type: "button", hidden: true }, say.foolUse);
  let running = false, result: Uint8Array | null = null;
  use.addEventListener("click", () => {
    if (result) studio.take(result);
    window.scrollTo({ top: 0, behavior: "smooth" });
  });
  start.addEventListener("click", async () => {
    if (running || !studio.shown) {
      running = false;
      return;
    }
    running = true;
    start.textContent = say.foolStop;
    use.hidden = true;
    const { pixels, answer: said0 } = studio.shown;
    drawPixels(before, pixels, size);
    drawPixels(after, pixels, size);
    let began = performance.now();
    const found = await search(studio.network, pixels, async (side, tried) => {
      if (performance.now() - began > SLICE) {
        said.textContent = say.foolBusy(side, tried);
        await new Promise((resolve) => setTimeout(resolve));
        began = performance.now();
      }
      return running;
    });
    running = false;
    start.textContent = say.foolStart;
    said.textContent = found ? say.foolFound(found.side, size, classes[said0.best], classes[found.label]) : say.foolNone;
    if (!found) return;
    result = patched(pixels, size, found);
    drawPixels(after, result, size);
    const now = answer(studio.network, studio.network.run(result));
    said.textContent += ` ${say.barName(classes[now.best], now.probabilities[now.best])}.`;
    use.hidden = false;
  });
  studio.follow((shown) => {
    if (running || !shown.fresh) return;
    drawPixels(before, shown.pixels, size);
    drawPixels(after, shown.pixels, size);
    said.textContent = "";
    use.hidden = true;
  });
  return h(
    "section",
    { class: "card fool", "aria-labelledby": "fool-title" },
    h("h2", { id: "fool-title" }, say.foolTitle),
    h("p", { class: "soft lead" }, say.foolLead),
    h("div", { class: "pair" }, before, h("span", { class: "sign", "aria-hidden": "true" }, "→"), after),
    said,
    h("div", { class: "row" }, start, use),
  );
}
