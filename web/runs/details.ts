/** One run from near. */

import { h } from "../shared/dom";
import { share, state } from "./cells";
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
  const asked = ask.details(run.id);
  return [
    h("p", { class: "where soft" }, run.path),
    h("p", { class: "facts" }, state(run), run.data ? h("span", {}, run.data) : null, ...(run.tags ?? []).map((tag) => h("span", { class: "tag" }, tag))),
    ...(run.reason ? [section(said.details.wrong, h("p", { class: "problem" }, `${run.reason}.`))] : []),
    fetched(asked, (found) => howGood(run, found)),
    ...(run.epochs ? [section(said.details.curves, fetched(ask.curves(run.id), (found) => [chart([{ name: nameOf(run), slot: 0, curves: found }], choice)]))] : []),
    fetched(asked, (found) => howMade(run, found, path)),
    ...(Object.keys(recipe).length ? [recipeSection(recipe, meanings)] : []),
  ];
}

function howGood(run: Run, found: Details): Node[] {
  const links = found.pages.map((page) => h("a", { class: "button", href: `pages/${run.id}/${page}`, target: "_blank", rel: "noopener" }, said.pages[page] ?? page));
  if (run.epochs && !run.reason && run.state !== "training")
    links.push(h("a", { class: "button", href: `pages/${run.id}/playground/index.html`, target: "_blank", rel: "noopener" }, said.details.playground));
  const evaluations = found.evaluations.map((one) => {
    const split = run[one.split as "validation" | "test"];
    return h(
      "div",
      { class: "evaluation" },
      split
        ? h("p", { class: "big", title: one.headline || null }, h("span", { class: "soft" }, `${one.split} `), ...share(split), one.images ? h("span", { class: "soft of" }, said.details.of(one.images)) : null)
        : h("p", {}, `${one.headline}.`),
      one.tta ? h("p", { class: "soft" }, `${said.details.tta} `, ...share(one.tta)) : null,
      ...one.warnings.map((warning) => h("p", { class: warning.serious ? "warning serious" : "warning" }, h("b", {}, `${warning.title}.`), ` ${warning.sentence}`)),
    );
  });
  return [
    ...(links.length ? [h("div", { class: "links" }, ...links)] : []),
    section(said.details.evaluated, ...(evaluations.length ? evaluations : [h("p", { class: "soft" }, said.details.notEvaluated)])),
  ];
}

function howMade(run: Run, found: Details, path: string): Node[] {
  const lines = found.looks.map((look) => h("li", {}, `${look.verb} `, h("span", { class: "soft" }, moment(look.time))));
  const made = Object.entries(found.made_with);
  const todo = found.pages.includes("report") || run.reason || !run.epochs ? [] : [`seefar report ${path}`];
  if (run.state === "stopped" || run.state === "interrupted") todo.unshift(`seefar train --resume ${path}`);
  else if (!found.evaluations.length && run.epochs) todo.unshift(`seefar evaluate ${path}`);
  return [
    section(
      said.details.looks,
      h("p", { class: found.look_count ? null : "soft" }, found.look_count ? said.lookCount(found.look_count) : said.details.noLooks),
      lines.length ? h("ul", { class: "lines" }, ...lines) : null,
    ),
    ...(todo.length ? [section(said.details.commands, ...todo.map(command))] : []),
    section(
      said.details.made,
      found.command ? command(found.command) : null,
      found.files.length ? h("p", {}, said.details.exported(found.files)) : null,
      found.start ? h("p", {}, said.details.start(found.start)) : null,
      found.source ? h("p", { class: "soft" }, found.source) : null,
      made.length ? h("dl", {}, ...made.flatMap(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value)])) : null,
    ),
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
    h("details", {}, h("summary", {}, said.details.fields(rows.length)), grid(said.details.fieldHeads, rows, [], said.details.recipe)),
  );
}
