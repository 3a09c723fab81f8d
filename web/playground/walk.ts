/** A walk from one image to another, pixel by pixel, and where the answer turns on the way. */

import { h } from "../shared/dom";
import { answer } from "./answer";
import { canvas, drawPixels } from "./draw";
import { say } from "./sentences";
import { picturesOf } from "./sheets";
import type { Studio } from "./studio";

const STEPS = 40;
const SLICE = 12; // milliseconds of computing at a time
const SVG = "http://www.w3.org/2000/svg";
const WIDE = 400, HIGH = 140;

export function walk(studio: Studio): HTMLElement {
  const { size, classes } = studio.model;
  const ends: (Uint8Array | null)[] = [null, null];
  const slots = [say.walkFrom, say.walkTo].map((name, end) => {
    const small = canvas(96, { role: "img", "aria-label": name });
    const take = h("button", { type: "button", "aria-label": `${name}: ${say.walkTake}`, onclick: () => {
      if (studio.shown) place(end, studio.shown.pixels);
    } }, say.walkTake);
    return { small, element: h("div", { class: "end" }, h("h3", {}, name), small, take) };
  });
  const slider = h("input", { type: "range", min: 0, max: STEPS, value: STEPS / 2, "aria-label": say.walkSlider });
  const mixed = canvas(192, { class: "mixed", role: "img", "aria-label": say.walkMix(0.5) });
  const said = h("p", { class: "said", "aria-live": "polite" });
  const chart = document.createElementNS(SVG, "svg");
  chart.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  chart.setAttribute("class", "chart");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", say.walkTitle);
  chart.setAttribute("preserveAspectRatio", "none");
  const key = h("ul", { class: "key" });
  const marker = document.createElementNS(SVG, "line");
  let rows: Float64Array[] = [];

  const mixture = (share: number): Uint8Array => Uint8Array.from(ends[0]!, (one, i) => Math.round(one * (1 - share) + ends[1]![i] * share));
  let seen = false, turn = 0;
  const compute = async (): Promise<void> => {
    if (!ends[0] || !ends[1] || !seen) return;
    const mine = ++turn, found: Float64Array[] = [];
    for (let step = 0, began = performance.now(); step <= STEPS; step++) {
      found.push(answer(studio.network, studio.network.run(mixture(step / STEPS))).probabilities);
      if (performance.now() - began < SLICE) continue;
      await new Promise((resolve) => setTimeout(resolve));
      if (mine !== turn) return; // other ends were chosen
      began = performance.now();
    }
    rows = found;
    const told = classes.map((_, label) => label).filter((label) => rows.some((row) => row[label] > 0.15)).sort((a, b) => peak(rows, a) - peak(rows, b)).slice(0, 6);
    chart.replaceChildren(
      ...told.map((label) => {
        const line = document.createElementNS(SVG, "path");
        line.setAttribute("d", `M${rows.map((row, step) => `${(step / STEPS) * WIDE},${HIGH - 4 - row[label] * (HIGH - 8)}`).join("L")}`);
        line.setAttribute("class", `line c${label % 10}`);
        return line;
      }),
      marker,
    );
    key.replaceChildren(...told.map((label) => h("li", {}, h("i", { class: `c${label % 10}` }), classes[label])));
    const best = rows.map((row) => classes[row.indexOf(Math.max(...row))]);
    chart.setAttribute("aria-label", say.walkChart(best.filter((name, step) => name !== best[step - 1]).join(", ")));
    show();
  };
  const show = (): void => {
    if (!ends[0] || !ends[1]) return;
    const step = slider.valueAsNumber, share = step / STEPS;
    drawPixels(mixed, mixture(share), size);
    mixed.setAttribute("aria-label", say.walkMix(share));
    if (!rows.length) return;
    const row = rows[step], best = row.indexOf(Math.max(...row));
    said.textContent = say.barName(classes[best], row[best]);
    slider.setAttribute("aria-valuetext", `${say.walkMix(share)}: ${said.textContent}`);
    for (const [name, value] of Object.entries({ x1: share * WIDE, x2: share * WIDE, y1: 0, y2: HIGH, class: "marker" })) marker.setAttribute(name, String(value));
  };
  const place = (end: number, pixels: Uint8Array): void => {
    ends[end] = pixels.slice();
    drawPixels(slots[end].small, pixels, size);
    show();
    void compute();
  };
  slider.addEventListener("input", show);

  void picturesOf(studio.model.tray.sheet, size).then((pictures) => {
    const { entries } = studio.model.tray;
    const other = entries.findIndex((entry, i) => i > 0 && entry.kind !== "foreign" && entry.label !== entries[0].label);
    place(0, pictures[0]);
    place(1, pictures[Math.max(other, 0)]);
  });

  const section = h(
    "section",
    { class: "card walk", "aria-labelledby": "walk-title" },
    h("h2", { id: "walk-title" }, say.walkTitle),
    h("p", { class: "soft lead" }, say.walkLead),
    h("div", { class: "ends" }, slots[0].element, h("div", { class: "middle" }, mixed, said), slots[1].element),
    slider,
    chart,
    key,
  );
  new IntersectionObserver(([one], observer) => {
    if (!one.isIntersecting) return;
    seen = true; // nobody waits for what nobody sees
    observer.disconnect();
    void compute();
  }).observe(section);
  return section;
}

/** Where along the walk a class is most probable. */
function peak(rows: Float64Array[], label: number): number {
  return rows.reduce((best, row, step) => (row[label] > rows[best][label] ? step : best), 0);
}
