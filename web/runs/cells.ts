/** What stands in the cells of the table. */

import { h } from "../shared/dom";
import { path, s } from "./svg";
import { between, duration, field, moment, percent, said, whole } from "./sentences";
import type { Recipe, Run, Share } from "./rows";
import { nameOf } from "./rows";

type Cell = (run: Run, recipe: Recipe) => (Node | string)[];

export const CELLS: Record<string, Cell> = {
  name: (run) => nameCell(run),
  state: (run) => [state(run)],
  data: (run) => [run.data ?? ""],
  validation: (run) =>
    run.validation
      ? share(run.validation, run.validation_balanced)
      : run.validation_cannot
        ? [cannot(run.validation_cannot)]
        : run.best !== null && run.best !== undefined
          ? [h("span", { class: "soft", title: said.inTraining }, percent(run.best))]
          : [],
  test: (run) => (run.test ? share(run.test, run.test_balanced) : run.test_cannot ? [cannot(run.test_cannot)] : []),
  looks: (run) => (run.looks === undefined ? [] : [looks(run.looks)]),
  curve: (run) => (run.curve && run.curve.length > 1 ? [sparkline(run.curve)] : []),
  seconds: (run) => (run.seconds ? [duration(run.seconds)] : []),
  epochs: (run) =>
    run.epochs === null || run.epochs === undefined
      ? []
      : [whole(run.epochs), ...(run.planned && run.state === "training" ? [h("span", { class: "soft" }, said.ofPlanned(run.planned))] : [])],
  started: (run) => [run.started ? moment(run.started) : ""],
  tags: (run) => (run.tags ?? []).map((tag) => h("span", { class: "tag" }, tag)),
  recipe: (_, recipe) => [typeof recipe.name === "string" ? recipe.name : ""],
  seed: (run) => [run.seed === null || run.seed === undefined ? "" : String(run.seed)],
  images: (run) => [run.images ? whole(run.images) : ""],
  classes: (run) => [run.classes ? whole(run.classes) : ""],
};

/** The cell of a column. */
export function cellOf(id: string, run: Run, recipe: Recipe): (Node | string)[] {
  return id.startsWith("recipe:") ? [field(recipe[id.slice(7)])] : CELLS[id](run, recipe);
}

function nameCell(run: Run): Node[] {
  const name = nameOf(run);
  const above = run.path.slice(0, run.path.length - name.length);
  const shown = [h("span", { class: "above" }, above), h("span", { class: "own" }, name)];
  return [h("span", { class: "name", title: run.path }, ...shown)];
}

/** In which state a run is, as a word with a mark. */
export function state(run: Run): HTMLElement {
  if (run.reason) return h("span", { class: "state bad", title: run.reason }, said.damaged);
  const key = run.state ?? "unknown";
  const means = run.host ? said.trainingOn(run.host) : (said.stateMeans[key] ?? "");
  return h("span", { class: `state ${key}`, title: means }, said.states[key] ?? key);
}

/** A share with its interval. */
export function share(value: Share, balanced = false): Node[] {
  const [middle, low, high] = value;
  const shown: Node[] = [h("b", { title: balanced ? said.balanced : null }, percent(middle) + (balanced ? "*" : ""))];
  if (low !== null && high !== null) shown.push(h("span", { class: "interval" }, between(low, high)));
  return shown;
}

function cannot(why: string): Node {
  return h("span", { class: "soft", title: why }, said.noFigure);
}

/** How often test images were looked at: one look is what a test set is for, more stand out. */
export function looks(count: number): HTMLElement {
  const much = count > 1 ? " many" : "";
  return h("span", { class: `looks${much}`, title: said.lookCount(count) }, String(count));
}

const WIDE = 72;
const HIGH = 20;

function sparkline(curve: (number | null)[]): SVGElement {
  const there = curve.filter((value): value is number => value !== null);
  const low = Math.min(...there);
  const span = Math.max(...there) - low || 1;
  const places = curve.map((value, i): [number, number] | null =>
    value === null ? null : [1 + (i / (curve.length - 1)) * (WIDE - 2), HIGH - 2 - ((value - low) / span) * (HIGH - 4)],
  );
  const label = there.length ? said.curveSays(there[0] / 1000, there[there.length - 1] / 1000) : "";
  return s("svg", { class: "spark", viewBox: `0 0 ${WIDE} ${HIGH}`, width: WIDE, height: HIGH, role: "img", "aria-label": label }, s("path", { d: path(places) }));
}
