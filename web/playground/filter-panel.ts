/** One filter in full: its map with a place that can be moved, the arithmetic of that place, the training images that excite it. */

import { h } from "../shared/dom";
import { type Explained, explained, field } from "./arithmetic";
import type { Bank } from "./bank";
import { blockName } from "./block-name";
import { canvas, drawMap, largestOf, pixelCanvas } from "./draw";
import { say } from "./sentences";
import type { Studio } from "./studio";

const TOLD = 3; // channels whose products are written out
const SLIDE = 140; // milliseconds for a place

export interface Picked {
  block: number;
  filter: number;
}

export interface FilterPanel {
  element: HTMLElement;
  show(picked: Picked | null): void;
  refresh(): void;
  place(): [number, number];
}

export function filterPanel(studio: Studio, bank: Bank, moved: () => void): FilterPanel {
  const view = canvas(8, { class: "large", tabindex: "0", role: "img" });
  const marker = h("span", { class: "marker" });
  const title = h("h3", {}), where = h("p", { class: "where", "aria-live": "polite" });
  const patches = h("div", { class: "patches" }), note = h("p", { class: "soft" });
  const sums = h("div", { class: "sums" });
  const slide = h("button", { type: "button" }, say.slide);
  const element = h(
    "div",
    { class: "filter" },
    h("div", { class: "map-side" }, title, h("div", { class: "frame" }, view, marker), where, slide, h("p", { class: "soft small" }, say.pixelHint)),
    h("div", { class: "sum-side" }, h("h4", {}, say.arithmetic), sums),
    h("div", { class: "patch-side" }, h("h4", {}, say.exciting), patches, note),
  );
  let picked: Picked | null = null, y = 0, x = 0, timer = 0;

  const output = () => studio.shown!.pass.blocks[picked!.block].output;

  const draw = (): void => {
    if (!picked || !studio.shown) return;
    const maps = output();
    drawMap(view, maps, picked.filter, largestOf(maps, [picked.filter]));
    y = Math.min(y, maps.height - 1);
    x = Math.min(x, maps.width - 1);
    marker.style.left = `${(100 * x) / maps.width}%`;
    marker.style.top = `${(100 * y) / maps.height}%`;
    marker.style.width = `${100 / maps.width}%`;
    marker.style.height = `${100 / maps.height}%`;
    const found = explained(studio.network, studio.shown.pass, picked.block, picked.filter, y, x);
    where.textContent = say.place(y, x, say.number(found.value));
    sums.replaceChildren(...written(found, picked.block, studio));
  };

  const drawPatches = (): void => {
    if (!picked) return;
    if (bank.none) {
      note.textContent = say.noBank;
      return;
    }
    note.textContent = bank.done < bank.all || !bank.all ? say.excitingWait(bank.done, bank.all || bank.labels.length) : say.excitingSome(bank.all);
    const { size, classes } = studio.model, seen = field(studio.model.layers, studio.shown!.pass.blocks[picked.block].place);
    patches.replaceChildren(
      ...bank.exciting(picked.block, picked.filter).map(({ image, y: v, x: u }) => {
        const side = Math.min(seen.size, size), patch = canvas(72, { role: "img", "aria-label": classes[bank.labels[image]], title: classes[bank.labels[image]] });
        const from = (place: number): number => Math.max(0, Math.min(size - side, seen.start + place * seen.jump));
        const context = patch.getContext("2d")!;
        context.imageSmoothingEnabled = false;
        context.drawImage(pixelCanvas(bank.pictures[image], size), from(u), from(v), side, side, 0, 0, 72, 72);
        return patch;
      }),
    );
  };

  const move = (toY: number, toX: number): void => {
    const { height, width } = output();
    y = Math.max(0, Math.min(height - 1, toY));
    x = Math.max(0, Math.min(width - 1, toX));
    draw();
    moved();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = 0;
    slide.textContent = say.slide;
  };
  view.addEventListener("pointermove", (event) => point(event));
  view.addEventListener("pointerdown", (event) => point(event));
  function point(event: PointerEvent): void {
    if (!picked) return;
    stop();
    const box = view.getBoundingClientRect(), { height, width } = output();
    move(Math.floor(((event.clientY - box.top) / box.height) * height), Math.floor(((event.clientX - box.left) / box.width) * width));
  }
  view.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    stop();
    move(y + step[0], x + step[1]);
  });
  slide.addEventListener("click", () => {
    if (timer) return stop();
    slide.textContent = say.stop;
    timer = window.setInterval(() => {
      const { height, width } = output(), next = y * width + x + 1;
      if (next >= height * width) stop();
      else move(Math.floor(next / width), next % width);
    }, SLIDE);
  });
  bank.follow(drawPatches);

  return {
    element,
    place: () => [y, x],
    refresh: draw,
    show: (one) => {
      if (!one || !studio.shown) return;
      const same = picked?.block === one.block && picked.filter === one.filter;
      picked = one;
      const name = say.filterName(blockName(studio, one.block), one.filter);
      title.textContent = name;
      view.setAttribute("aria-label", say.mapLabel(name));
      if (!same) {
        stop();
        [y, x] = brightest(output().values, output(), one.filter);
        drawPatches();
      }
      draw();
    },
  };
}

/** Where a filter's map is largest. */
function brightest(values: Float32Array, { width, stride }: { width: number; stride: number }, filter: number): [number, number] {
  let best = filter;
  for (let at = filter; at < values.length; at += stride) if (values[at] > values[best]) best = at;
  const place = (best - filter) / stride;
  return [Math.floor(place / width), place % width];
}

/** The arithmetic as rows: what comes in, times the kernel, for the channels that add most; then the sum, and what is done with it. */
function written(found: Explained, block: number, studio: Studio): HTMLElement[] {
  const told = found.contributions.slice(0, TOLD), rest = found.contributions.slice(TOLD);
  const most = Math.max(...told.flatMap((part) => part.patch.map(Math.abs)), 1e-9), weights = Math.max(...told.flatMap((part) => part.kernel.map(Math.abs)), 1e-9);
  const name = (channel: number): string => (block ? say.filterName(blockName(studio, block - 1), channel) : say.fromImage[channel]);
  const rows = told.map((part) =>
    h(
      "div",
      { class: "product" },
      h("p", { class: "channel soft" }, name(part.channel)),
      numbers(part.patch, found.columns, most, say.inputs),
      h("span", { class: "sign", "aria-hidden": "true" }, "×"),
      numbers(part.kernel, found.columns, weights, say.kernel),
      h("span", { class: "sign", "aria-hidden": "true" }, "="),
      h("output", { title: say.products }, say.number(part.sum)),
    ),
  );
  const after = found.after.map((step) => {
    if (step.kind === "pool") return say.pooled;
    if (step.kind === "norm") return say.normed(say.number(step.scale), say.number(step.shift), say.number(step.value));
    if (step.kind === "add") return say.added(say.number(step.added), say.number(step.value));
    return step.kind === "relu" ? say.relu(say.number(step.value)) : say.gelu(say.number(step.value));
  });
  const sentences = [
    ...(rest.length ? [say.rest(rest.length, say.number(rest.reduce((a, part) => a + part.sum, 0)))] : []),
    ...(found.bias ? [say.bias(say.number(found.bias))] : []),
    say.sumIs(say.number(found.sum)),
    ...after,
  ];
  return [...rows, h("ol", { class: "steps" }, ...sentences.map((one) => h("li", {}, one)))];
}

function numbers(values: number[], columns: number, most: number, label: string): HTMLElement {
  const cells = values.map((value) => {
    const cell = h("span", {}, say.number(value));
    cell.style.setProperty("--strength", String(Math.abs(value) / most));
    cell.className = value < 0 ? "against" : "for";
    return cell;
  });
  const box = h("div", { class: "numbers", role: "img", "aria-label": `${label}: ${values.map(say.number).join(", ")}` }, ...cells);
  box.style.setProperty("--columns", String(columns));
  return box;
}
