/** The smallest patch of one colour that is found to change the answer. */

import { gliding, h } from "../shared/dom";
import { answer } from "./answer";
import { canvas, drawPixels } from "./draw";
import type { Network } from "./network";
import { say } from "./sentences";
import type { Studio } from "./studio";

const SLICE = 14; // milliseconds of searching at a time
const STOPS = 10; // places a side that are tried: more find smaller patches, and take longer (chosen by hand)
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
 * The side is halved in: of each, places over the whole image are tried in all colours until one turns the answer. Then the patch
 * shrinks pixel by pixel as long as one near its place still does.
 *
 * `tick` is called between images; it may wait, and gives false to end the search.
 */
export async function search(network: Network, pixels: Uint8Array, tick: (side: number, tried: number) => Promise<boolean>): Promise<Patch | null> {
  const { size } = network.model, first = network.run(pixels).logits, label = first.indexOf(Math.max(...first));
  let tried = 0, stopped = false;
  const calledWith = (patch: Omit<Patch, "label">): number => {
    const { logits } = network.run(patched(pixels, size, patch));
    return logits.indexOf(Math.max(...logits));
  };
  const firstOf = async (side: number, places: [number, number][]): Promise<Patch | null> => {
    for (const [x, y] of places) {
      for (const colour of COLOURS) {
        if (stopped ||= !(await tick(side, ++tried))) return null;
        const called = calledWith({ side, x, y, colour });
        if (called !== label) return { side, x, y, colour, label: called };
      }
    }
    return null;
  };
  const grid = (side: number): [number, number][] => {
    const count = Math.min(STOPS, Math.ceil((2 * size) / side) - 1, size - side + 1);
    const stops = Array.from({ length: count }, (_, i) => Math.round((i * (size - side)) / Math.max(1, count - 1)));
    return stops.flatMap((y) => stops.map((x): [number, number] => [x, y]));
  };
  let found: Patch | null = null, low = 1, high = Math.ceil(size * 0.75);
  while (low <= high && !stopped) {
    const side = Math.floor((low + high) / 2), here = await firstOf(side, grid(side));
    if (here) [found, high] = [here, side - 1];
    else low = side + 1;
  }
  while (found && found.side > 1 && !stopped) {
    const around: [number, number][] = [];
    for (let y = found.y - 1; y <= found.y + 2; y++) {
      for (let x = found.x - 1; x <= found.x + 2; x++) if (x >= 0 && y >= 0 && x + found.side - 1 <= size && y + found.side - 1 <= size) around.push([x, y]);
    }
    const smaller = await firstOf(found.side - 1, around);
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
    window.scrollTo({ top: 0, behavior: gliding() });
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
