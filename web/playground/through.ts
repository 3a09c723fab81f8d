/** The way through the network: the output of each convolution, strongest filters first, what feeds a filter, and how its numbers arise. */

import { h } from "../shared/dom";
import { explained } from "./arithmetic";
import type { Bank } from "./bank";
import { canvas, drawMap, drawPixels, largestOf, strongest } from "./draw";
import { filterPanel, type Picked } from "./filter-panel";
import { blockName } from "./block-name";
import type { Block } from "./network";
import { say } from "./sentences";
import type { Shown, Studio } from "./studio";

const FEW = 12; // maps in a column at first
const FEEDING = 4; // lines to the filters that add most
const SVG = "http://www.w3.org/2000/svg";

interface Column {
  element: HTMLElement;
  grid: HTMLElement;
  all: boolean;
  order: number[];
  maps: Map<number, { button: HTMLElement; canvas: HTMLCanvasElement }>;
}

export function through(studio: Studio, bank: Bank): HTMLElement {
  const { size } = studio.model;
  const small = canvas(size, { class: "source", "aria-hidden": "true" });
  const said = h("ul", { class: "said-last" });
  const lines = document.createElementNS(SVG, "svg");
  lines.setAttribute("class", "lines");
  lines.setAttribute("aria-hidden", "true");
  const way = h("div", { class: "way" });
  const scroller = h("div", { class: "scroller" }, way);
  const columns: Column[] = [];
  let pinned: Picked | null = null, hovered: Picked | null = null;
  const panel = filterPanel(studio, bank, () => drawLines());
  way.append(h("div", { class: "column" }, h("h3", {}, say.imageColumn), h("p", { class: "soft" }, `${size} x ${size}`), small));

  const picked = (): Picked | null => hovered ?? pinned;
  const pick = (one: Picked | null, pin: boolean): void => {
    if (pin) pinned = one;
    else hovered = one;
    columns.forEach((column, block) => {
      for (const [filter, { button }] of column.maps) {
        button.setAttribute("aria-pressed", String(pinned?.block === block && pinned.filter === filter));
        button.classList.toggle("lit", picked()?.block === block && picked()?.filter === filter);
      }
    });
    panel.show(picked());
    drawLines();
  };

  const build = (shown: Shown): void => {
    shown.pass.blocks.forEach((block, place) => {
      const grid = h("div", { class: "grid", role: "group", "aria-label": blockName(studio, place) });
      const column: Column = { element: h("div", { class: "column" }), grid, all: false, order: [], maps: new Map() };
      const { channels, height, width } = block.output;
      column.element.append(h("h3", {}, blockName(studio, place)), h("p", { class: "soft" }, say.blockShape(channels, height, width)), grid);
      if (channels > FEW) {
        const more = h("button", { type: "button", class: "more", "aria-expanded": "false" }, say.allFilters(channels));
        more.addEventListener("click", () => {
          column.all = !column.all;
          more.textContent = column.all ? say.fewerFilters : say.allFilters(channels);
          more.setAttribute("aria-expanded", String(column.all));
          fill(column, place, studio.shown!);
          pick(pinned, true);
        });
        column.element.append(more);
      }
      grid.addEventListener("keydown", (event) => walkGrid(event, grid));
      columns.push(column);
      way.append(column.element);
    });
    way.append(h("div", { class: "column" }, h("h3", {}, say.answerColumn), h("p", { class: "soft" }, say.answerShape(studio.model.classes.length)), said), lines);
  };

  const fill = (column: Column, place: number, shown: Shown): void => {
    const block = shown.pass.blocks[place], wanted = column.all ? column.order : column.order.slice(0, FEW);
    column.maps.clear();
    column.grid.replaceChildren(
      ...wanted.map((filter, i) => {
        const picture = canvas(block.output.width, { "aria-hidden": "true" });
        const one = { block: place, filter };
        const button = h("button", {
          type: "button",
          class: "map",
          tabindex: i ? -1 : 0,
          "aria-label": say.filterName(blockName(studio, place), filter),
          "aria-pressed": "false",
          onclick: () => pick(one, true),
          onpointerenter: (event: PointerEvent) => event.pointerType === "mouse" && pick(one, false),
          onpointerleave: () => pick(null, false),
          onfocus: () => pick(one, false),
          onblur: () => pick(null, false),
        }, picture);
        column.maps.set(filter, { button, canvas: picture });
        return button;
      }),
    );
    paint(column, block);
  };

  const paint = (column: Column, block: Block): void => {
    const most = largestOf(block.output, [...column.maps.keys()]);
    for (const [filter, { canvas: picture }] of column.maps) drawMap(picture, block.output, filter, most);
  };

  function drawLines(): void {
    lines.replaceChildren();
    for (const element of way.querySelectorAll(".feeds")) element.classList.remove("feeds");
    const one = picked(), shown = studio.shown;
    const target = one && columns[one.block]?.maps.get(one.filter)?.button;
    if (!one || !shown || !target) return;
    const box = way.getBoundingClientRect();
    lines.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    const [y, x] = panel.place(), parts = explained(studio.network, shown.pass, one.block, one.filter, y, x).contributions;
    const sources = one.block ? columns[one.block - 1].maps : null, most = Math.abs(parts[0]?.sum ?? 1) || 1;
    const seen = parts.filter((part) => !sources || sources.has(part.channel)).slice(0, FEEDING);
    for (const part of seen) {
      const source = sources ? sources.get(part.channel)!.button : small;
      if (sources) source.classList.add("feeds");
      const from = source.getBoundingClientRect(), to = target.getBoundingClientRect();
      const x0 = from.right - box.left, y0 = from.top + from.height / 2 - box.top, x1 = to.left - box.left, y1 = to.top + to.height / 2 - box.top;
      const path = document.createElementNS(SVG, "path"), bend = Math.max(18, (x1 - x0) / 2);
      path.setAttribute("d", `M${x0},${y0}C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`);
      path.setAttribute("class", part.sum > 0 ? "for" : "against");
      path.setAttribute("stroke-width", String(1 + 4 * (Math.abs(part.sum) / most)));
      lines.append(path);
    }
  }

  studio.follow((shown) => {
    if (!columns.length) build(shown);
    drawPixels(small, shown.pixels, size);
    said.replaceChildren(...ranked(shown).map((label) => h("li", { class: label === shown.answer.best ? "best" : "" }, h("span", {}, studio.model.classes[label]), h("span", {}, say.percent(shown.answer.probabilities[label])))));
    columns.forEach((column, place) => {
      const block = shown.pass.blocks[place];
      if (shown.fresh || !column.order.length) {
        column.order = strongest(block.output);
        fill(column, place, shown);
      } else paint(column, block);
    });
    if (shown.fresh || !pinned) {
      const block = Math.floor(columns.length / 2);
      pick(pinned && columns[pinned.block].maps.has(pinned.filter) ? pinned : { block, filter: columns[block].order[0] }, true);
    } else panel.refresh();
  });
  new ResizeObserver(() => drawLines()).observe(way);

  return h(
    "section",
    { class: "through card", "aria-labelledby": "through-title" },
    h("h2", { id: "through-title" }, say.throughTitle),
    h("p", { class: "soft lead" }, say.throughLead),
    scroller,
    panel.element,
  );
}

/** The most probable classes, as many as there is room for beside the maps. */
function ranked(shown: Shown): number[] {
  const { probabilities } = shown.answer;
  return Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 6);
}

/** One stop for the tab key in each grid; arrow keys move within it. */
function walkGrid(event: KeyboardEvent, grid: HTMLElement): void {
  const buttons = [...grid.children] as HTMLElement[], here = buttons.indexOf(event.target as HTMLElement);
  const across = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
  const next = step === undefined ? undefined : buttons[here + step];
  if (!next || here < 0) return;
  event.preventDefault();
  buttons[here].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

