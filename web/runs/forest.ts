/** A forest plot: differences with their intervals, one below the other, and the line of no difference. */

import { h } from "../shared/dom";
import { scale, ticks } from "./scale";
import { points } from "./sentences";
import { s, sized } from "./svg";

export interface Effect {
  name: string;
  value: number;
  low: number | null;
  high: number | null;
  /** "helps", "hurts", or neither. */
  verdict: string;
}

const VALUES = 150;
const BELOW = 26;
const NARROW = 520; // pixels below which a name stands above its interval

/** The drawing; values are shares. */
export function forest(effects: Effect[], label: string): HTMLElement {
  return h("figure", { class: "forest" }, sized((wide) => [drawing(effects, label, wide)], "sized"), h("figcaption", { class: "soft" }, label));
}

function drawing(effects: Effect[], label: string, wide: number): Node {
  const narrow = wide < NARROW;
  const row = narrow ? 44 : 30;
  const all = effects.flatMap((one) => [one.value, one.low ?? one.value, one.high ?? one.value, 0]);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const margin = (high - low || 0.01) * 0.06;
  const x = scale(low - margin, high + margin, narrow ? 2 : Math.min(240, wide * 0.3), wide - (narrow ? 2 : VALUES));
  const height = effects.length * row + BELOW + 4;
  const spoken = effects.map((one) => `${one.name} ${points(one.value)}${interval(one)}`).join("; ");
  return s(
    "svg",
    { viewBox: `0 0 ${wide} ${height}`, height, role: "img", "aria-label": `${label}: ${spoken}` },
    ...ticks(100 * x.low, 100 * x.high, narrow ? 4 : 6).flatMap((value) => [
      s("line", { class: value === 0 ? "zero" : "grid", x1: x.at(value / 100), x2: x.at(value / 100), y1: 0, y2: height - BELOW }),
      s("text", { x: x.at(value / 100), y: height - 8, "text-anchor": "middle" }, value > 0 ? `+${value}` : String(value).replace("-", "\u2212")),
    ]),
    ...effects.map((one, i) => {
      const y = i * row + (narrow ? 32 : row / 2 + 2);
      const words = narrow ? i * row + 16 : y + 4;
      const bar = one.low === null || one.high === null ? [] : [s("line", { class: "bar", x1: x.at(one.low), x2: x.at(one.high), y1: y, y2: y })];
      return s(
        "g",
        { class: `effect ${one.verdict.replaceAll(" ", "-")}` },
        ...bar,
        s("rect", { x: x.at(one.value) - 4.5, y: y - 4.5, width: 9, height: 9 }),
        s("text", { x: 0, y: words }, clipped(one.name, Math.floor((narrow ? wide - VALUES : Math.min(240, wide * 0.3)) / 8))),
        s("text", { class: "value", x: wide, y: words, "text-anchor": "end" }, points(one.value) + interval(one)),
      );
    }),
  );
}

function interval(one: Effect): string {
  return one.low === null || one.high === null ? "" : ` (${points(one.low, 1)} to ${points(one.high, 1)})`;
}

function clipped(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
