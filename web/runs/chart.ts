/** Curves of runs laid over each other. */

import { h } from "../shared/dom";
import type { Curves } from "./client";
import { ends, scale, ticks } from "./scale";
import { duration, figure, percent, said } from "./sentences";
import { path, s, sized } from "./svg";

export interface Line {
  name: string;
  slot: number;
  curves: Curves;
}

const LEFT = 48;
const RIGHT = 12;
const TOP = 10;
const BELOW = 30;
const METRICS = ["validation_accuracy", "accuracy", "validation_loss", "loss", "rate"];

/** A drawing with the choice of what is shown; what was chosen is kept in `choice`. */
export function chart(lines: Line[], choice: { metric: string; axis: string }): HTMLElement {
  const element = h("div", { class: "chart" });

  function draw(): void {
    const metrics = h(
      "select",
      { "aria-label": said.chart.metric, onchange: (event: Event) => choose("metric", event) },
      ...METRICS.map((name) => h("option", { value: name, selected: name === choice.metric }, said.chart.metrics[name])),
    );
    const axes = h(
      "select",
      { "aria-label": said.chart.over, onchange: (event: Event) => choose("axis", event) },
      ...["epoch", "seconds"].map((name) => h("option", { value: name, selected: name === choice.axis }, said.chart.axes[name])),
    );
    element.replaceChildren(
      h("div", { class: "chart-choice" }, metrics, h("span", { class: "soft" }, said.chart.over), axes),
      sized((wide) => drawing(lines, choice.metric, choice.axis, wide), "sized"),
    );
  }

  function choose(what: "metric" | "axis", event: Event): void {
    const place = what === "metric" ? 0 : 1;
    choice[what] = (event.target as HTMLSelectElement).value;
    draw();
    element.querySelectorAll("select")[place].focus();
  }

  draw();
  return element;
}

function drawing(lines: Line[], metric: string, axis: string, wide: number): HTMLElement[] {
  const high = Math.round(Math.max(170, Math.min(300, wide * 0.55)));
  const xs = ends(lines.flatMap((line) => line.curves[axis] ?? []));
  const ys = ends(lines.flatMap((line) => line.curves[metric] ?? []));
  if (!xs || !ys) return [h("p", { class: "soft" }, said.chart.none)];
  const shares = metric.endsWith("accuracy");
  const say = (value: number) => (shares ? percent(value) : figure(value));
  const x = scale(xs[0], xs[1], LEFT, wide - RIGHT);
  const y = scale(ys[0] - (ys[1] - ys[0]) * 0.04, ys[1] + (ys[1] - ys[0]) * 0.04, high - BELOW, TOP);
  const along = ticks(x.low, x.high, 6).filter((value) => axis === "seconds" || Number.isInteger(value));
  const label = said.chart.label(said.chart.metrics[metric], said.chart.axes[axis], lines.length);
  const ruler = s("line", { class: "ruler", y1: TOP, y2: high - BELOW, visibility: "hidden" });
  const svg = s(
    "svg",
    { viewBox: `0 0 ${wide} ${high}`, height: high, role: "img", "aria-label": label, tabindex: 0 },
    ...ticks(y.low, y.high, 5).flatMap((value) => [
      s("line", { class: "grid", x1: LEFT, x2: wide - RIGHT, y1: y.at(value), y2: y.at(value) }),
      s("text", { x: LEFT - 8, y: y.at(value) + 4, "text-anchor": "end" }, shares ? percent(value, 0) : figure(value)),
    ]),
    ...along.map((value) => s("text", { x: x.at(value), y: high - BELOW + 20, "text-anchor": "middle" }, axis === "seconds" ? figure(value) : String(value))),
    ...lines.map((line) => {
      const values = line.curves[metric] ?? [];
      const at = line.curves[axis] ?? [];
      const places = values.map((value, i): [number, number] | null => (value === null || at[i] === null ? null : [x.at(at[i]), y.at(value)]));
      const single = places.length === 1 && places[0] ? s("circle", { r: 3, cx: places[0][0], cy: places[0][1] }) : null;
      return s("g", { class: `line slot-${line.slot}` }, s("path", { d: path(places) }), ...(single ? [single] : []));
    }),
    ruler,
  );
  const readout = h("p", { class: "readout", role: "status" });

  function read(value: number, ruled = true): void {
    ruler.setAttribute("x1", String(x.at(value)));
    ruler.setAttribute("x2", String(x.at(value)));
    ruler.setAttribute("visibility", ruled ? "visible" : "hidden");
    const at = said.chart.at(said.chart.axes[axis], axis === "seconds" ? duration(value) : String(Math.round(value)));
    readout.replaceChildren(
      at,
      ...lines.flatMap((line) => {
        const found = nearest(line.curves[axis] ?? [], value);
        const shown = found === null ? null : line.curves[metric]?.[found];
        return shown === null || shown === undefined ? [] : [h("span", { class: `value slot-${line.slot}` }, say(shown))];
      }),
    );
  }

  let cursor = xs[1];
  read(cursor, false);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * wide;
    const value = x.low + ((place - LEFT) / (wide - RIGHT - LEFT)) * (x.high - x.low);
    read((cursor = Math.max(xs[0], Math.min(xs[1], value))));
  });
  svg.addEventListener("keydown", (event) => {
    const step = axis === "epoch" ? 1 : (xs[1] - xs[0]) / 50;
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    cursor = Math.max(xs[0], Math.min(xs[1], cursor + (event.key === "ArrowLeft" ? -step : step)));
    read(cursor);
  });
  return [h("figure", {}, svg as unknown as HTMLElement), readout];
}

/** The place of the value that is nearest; null if there is none. */
export function nearest(values: (number | null)[], wanted: number): number | null {
  let best: number | null = null;
  values.forEach((value, i) => {
    if (value !== null && (best === null || Math.abs(value - wanted) < Math.abs((values[best] as number) - wanted))) best = i;
  });
  return best;
}
