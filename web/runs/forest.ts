/** A forest plot: differences with their intervals, one below the other, and the line of no difference. */

import { h } from "../shared/dom";
import { scale, ticks } from "./scale";
import { points } from "./sentences";
import { s } from "./svg";

export interface Effect {
  name: string;
  value: number;
  low: number | null;
  high: number | null;
  /** "helps", "hurts", or neither. */
  verdict: string;
}

const WIDE = 640;
const ROW = 30;
const NAMES = 220;
const VALUES = 118;
const BELOW = 30;

/** The drawing; values are shares. */
export function forest(effects: Effect[], label: string): HTMLElement {
  const all = effects.flatMap((one) => [one.value, one.low ?? one.value, one.high ?? one.value, 0]);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const margin = (high - low || 0.01) * 0.06;
  const x = scale(low - margin, high + margin, NAMES, WIDE - VALUES);
  const height = effects.length * ROW + BELOW + 4;
  const spoken = effects.map((one) => `${one.name} ${points(one.value)}${interval(one)}`).join("; ");
  return h(
    "figure",
    { class: "forest" },
    s(
      "svg",
      { viewBox: `0 0 ${WIDE} ${height}`, role: "img", "aria-label": `${label}: ${spoken}` },
      ...ticks(100 * x.low, 100 * x.high, 5).flatMap((value) => [
        s("line", { class: value === 0 ? "zero" : "grid", x1: x.at(value / 100), x2: x.at(value / 100), y1: 0, y2: height - BELOW }),
        s("text", { x: x.at(value / 100), y: height - 10, "text-anchor": "middle" }, value > 0 ? `+${value}` : String(value).replace("-", "\u2212")),
      ]),
      ...effects.map((one, i) => {
        const y = i * ROW + ROW / 2 + 2;
        const bar = one.low === null || one.high === null ? [] : [s("line", { class: "bar", x1: x.at(one.low), x2: x.at(one.high), y1: y, y2: y })];
        return s(
          "g",
          { class: `effect ${one.verdict.replaceAll(" ", "-")}` },
          s("text", { x: 0, y: y + 4 }, clipped(one.name, 34)),
          ...bar,
          s("rect", { x: x.at(one.value) - 4.5, y: y - 4.5, width: 9, height: 9 }),
          s("text", { class: "value", x: WIDE, y: y + 4, "text-anchor": "end" }, points(one.value) + interval(one)),
        );
      }),
    ) as unknown as HTMLElement,
    h("figcaption", { class: "soft" }, label),
  );
}

function interval(one: Effect): string {
  return one.low === null || one.high === null ? "" : ` (${points(one.low, 1)} to ${points(one.high, 1)})`;
}

function clipped(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
