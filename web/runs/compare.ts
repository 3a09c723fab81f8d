/** Chosen runs: their curves over each other, what differs in their recipes, and the paired comparison. */

import { h } from "../shared/dom";
import type { Child } from "../shared/dom";
import { looks, share } from "./cells";
import { chart } from "./chart";
import { ask } from "./client";
import type { Curves, Verdict } from "./client";
import { differing } from "./columns";
import { forest } from "./forest";
import { fetched, grid, section, sentences } from "./panel";
import type { Recipe, Run } from "./rows";
import { namesOf } from "./rows";
import { field, points, probability, said, whole } from "./sentences";

export const MOST_DRAWN = 10;

/** The panel of chosen runs, in the order in which they were chosen; the first is what others are compared with. */
export function compared(
  runs: Run[],
  slots: Map<string, number>,
  recipe: (run: Run) => Recipe,
  meanings: Record<string, string>,
  choice: { metric: string; axis: string },
  leave: (id: string) => void,
): Node[] {
  const names = namesOf(runs);
  const name = (run: Run) => names.get(run.id) ?? run.path;
  const drawn = runs.slice(0, MOST_DRAWN);
  const legend = runs.map((run, i) =>
    h(
      "li",
      { class: `slot-${slots.get(run.id) ?? 0}` },
      swatch(i),
      h("span", { class: "who" }, h("b", {}, name(run)), i === 0 && runs.length > 1 ? h("span", { class: "soft" }, ` ${said.lay2.base}`) : null),
      h("span", { class: "figures" }, ...(run.test ? [...share(run.test), looks(run.looks ?? 0)] : run.validation ? share(run.validation) : [])),
      h("button", { type: "button", class: "small", "aria-label": said.lay2.remove(name(run)), onclick: () => leave(run.id) }, "×"),
    ),
  );
  const curves = fetched(
    Promise.all(drawn.map((run) => ask.curves(run.id))).then((all) => ({ all: all.map((one): Curves => (one.error ? ({} as Curves) : one)) })),
    (found: { error?: string; all: Curves[] }) => [chart(drawn.map((run, i) => ({ name: name(run), slot: slots.get(run.id) ?? 0, curves: found.all[i] })), choice)],
  );
  return [
    h("ul", { class: "legend" }, ...legend),
    section(said.lay2.curves, runs.length > MOST_DRAWN ? h("p", { class: "soft" }, said.lay2.drawn(MOST_DRAWN)) : null, curves),
    ...(runs.length < 2 ? [h("p", { class: "soft" }, said.lay2.one)] : [differences(runs, slots, name, recipe, meanings), comparison(runs, name)]),
  ];
}

function differences(runs: Run[], slots: Map<string, number>, name: (run: Run) => string, recipe: (run: Run) => Recipe, meanings: Record<string, string>): HTMLElement {
  const recipes = runs.map(recipe);
  const fields = differing(recipes);
  const seeds = new Set(runs.map((run) => run.seed)).size > 1;
  if (!fields.length) return section(said.lay2.differences, h("p", { class: "soft" }, seeds ? said.lay2.seedOnly : said.lay2.same));
  const rows: Child[][] = fields.map((one) => [h("span", { title: meanings[one] ?? null }, one), ...recipes.map((values) => field(values[one]))]);
  if (seeds) rows.push([said.heads.seed, ...runs.map((run) => String(run.seed ?? ""))]);
  const heads = runs.map((run, i) => h("span", { class: `slot-${slots.get(run.id) ?? 0}`, title: name(run) }, swatch(i), h("span", { class: "unseen" }, name(run))));
  return section(said.lay2.differences, grid([said.details.fieldHeads[0], ...heads], rows, [], said.lay2.differences));
}

/** The number and the colour by which a chosen run is known. */
function swatch(place: number): HTMLElement {
  return h("span", { class: "swatch", "aria-hidden": "true" }, String(place + 1));
}

function comparison(runs: Run[], name: (run: Run) => string): HTMLElement {
  const [base, ...others] = runs;
  const splits = (["test", "validation"] as const).filter((split) => base[split] && others.some((run) => run[split]));
  if (!splits.length) return section(said.lay2.compare, h("p", { class: "soft" }, said.lay2.cannot));
  let split: string = splits[0];
  const result = h("div", { class: "verdict", role: "status" });
  const choice = h(
    "select",
    { "aria-label": said.lay2.split, onchange: (event: Event) => (split = (event.target as HTMLSelectElement).value) },
    ...splits.map((one) => h("option", { value: one }, said.lay2.splits[one])),
  );
  const buttons = others.map((run) =>
    h(
      "button",
      {
        type: "button",
        class: others.length === 1 ? "first" : null,
        onclick: () => result.replaceChildren(fetched(ask.verdict(base.id, run.id, split), (found) => verdict(found), said.lay2.comparing)),
      },
      others.length === 1 ? said.lay2.compareTwo : name(run),
    ),
  );
  return section(
    said.lay2.compare,
    h("div", { class: "compare-choice" }, others.length > 1 ? h("span", { class: "soft" }, `${said.lay2.compareButton(name(base))}:`) : null, ...buttons, splits.length > 1 ? choice : null),
    h("p", { class: "soft small-print" }, said.lay2.noLook),
    result,
  );
}

function verdict(found: Verdict): Node[] {
  const { value, low, high, p } = found.difference;
  const sure = p < 0.05 ? (value > 0 ? "helps" : "hurts") : "no evidence";
  const rows = [...found.classes]
    .sort((a, b) => Math.abs(b.other - b.base) - Math.abs(a.other - a.base))
    .map((one) => [one.name, whole(one.images), points(one.other - one.base), whole(one.gained), whole(one.lost), probability(one.p_holm)]);
  return [
    ...sentences(found.sentences),
    forest([{ name: found.other, value, low, high, verdict: sure }], said.lay2.differs),
    h("details", {}, h("summary", {}, said.lay2.byClass), grid(said.lay2.classHeads, rows, [1, 2, 3, 4, 5], said.lay2.byClass)),
  ];
}
