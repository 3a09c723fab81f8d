/** One run from near. */

import { h } from "../shared/dom";
import { looks, share, state } from "./cells";
import { chart } from "./chart";
import { ask } from "./client";
import type { Details } from "./client";
import { command, fetched, grid, quoted, section } from "./panel";
import type { Recipe, Run } from "./rows";
import { nameOf } from "./rows";
import { field, moment, said } from "./sentences";

const NEUTRAL = ["name", "about"];

/** The panel of a run. */
export function details(run: Run, recipe: Recipe, meanings: Record<string, string>, root: string, choice: { metric: string; axis: string }): Node[] {
  const path = quoted(`${root}/${run.path}`);
  return [
    h("p", { class: "where soft" }, run.path),
    h("p", { class: "facts" }, state(run), run.data ? h("span", {}, run.data) : null, ...(run.tags ?? []).map((tag) => h("span", { class: "tag" }, tag))),
    run.reason ? section(said.details.wrong, h("p", { class: "problem" }, `${run.reason}.`)) : h("span", { hidden: true }),
    fetched(ask.details(run.id), (found) => above(run, found, path)),
    section(said.details.curves, fetched(ask.curves(run.id), (found) => [chart([{ name: nameOf(run), slot: 0, curves: found }], choice)])),
    recipeSection(recipe, meanings),
  ];
}

function above(run: Run, found: Details, path: string): Node[] {
  const evaluations = found.evaluations.map((one) => {
    const split = run[one.split as "validation" | "test"];
    return h(
      "div",
      { class: "evaluation" },
      h("p", { class: "big" }, h("span", { class: "soft" }, `${one.split} `), ...(split ? share(split) : [])),
      one.headline ? h("p", { class: "soft" }, `${one.headline}.`) : null,
      one.tta ? h("p", { class: "soft" }, `${said.details.tta}: `, ...share(one.tta)) : null,
      ...one.warnings.map((warning) => h("p", { class: warning.serious ? "warning serious" : "warning" }, h("b", {}, warning.title), ` ${warning.sentence}`)),
    );
  });
  const lines = found.looks.map((look) => h("li", {}, `${look.verb} `, h("span", { class: "soft" }, moment(look.time))));
  const links = found.pages.map((page) => h("a", { class: "button", href: `pages/${run.id}/${page}`, target: "_blank", rel: "noopener" }, said.pages[page] ?? page));
  const made = Object.entries(found.made_with).map(([name, value]) => [name, value]);
  const todo = found.pages.includes("report") ? [] : [`seefar report ${path}`];
  if (run.state === "stopped" || run.state === "interrupted") todo.unshift(`seefar train --resume ${path}`);
  else if (!found.evaluations.length && run.epochs) todo.unshift(`seefar evaluate ${path}`);
  if (run.epochs && !run.reason) todo.push(`seefar playground ${path}`);
  return [
    h("div", { class: "links" }, ...links),
    section(said.details.evaluated, ...(evaluations.length ? evaluations : [h("p", { class: "soft" }, said.details.notEvaluated)])),
    section(
      said.details.looks,
      found.look_count ? h("p", {}, looks(found.look_count), ` ${said.lookCount(found.look_count)}`) : h("p", { class: "soft" }, said.details.noLooks),
      lines.length ? h("ul", { class: "lines" }, ...lines) : null,
    ),
    section(
      said.details.made,
      found.command ? command(found.command) : null,
      found.start ? h("p", {}, said.details.start(found.start)) : null,
      found.source ? h("p", { class: "soft" }, found.source) : null,
      made.length ? h("dl", {}, ...made.flatMap(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value)])) : null,
    ),
    ...(todo.length ? [section(said.details.commands, ...todo.map(command))] : []),
  ];
}

function recipeSection(recipe: Recipe, meanings: Record<string, string>): HTMLElement {
  const rows = Object.entries(recipe)
    .filter(([name]) => !NEUTRAL.includes(name))
    .map(([name, value]) => [h("span", { title: meanings[name] ?? null }, name), field(value)]);
  return section(
    said.details.recipe,
    typeof recipe.name === "string" ? h("p", {}, h("b", {}, recipe.name)) : null,
    typeof recipe.about === "string" ? h("p", { class: "soft" }, recipe.about) : null,
    rows.length ? grid(["field", "value"], rows, [], said.details.recipe) : null,
  );
}
