/** Studies and searches: what helps, with forest plots; and what was tried. */

import { h } from "../shared/dom";
import { ask } from "./client";
import type { Search, Study } from "./client";
import { forest } from "./forest";
import { fetched, grid, section, sentences } from "./panel";
import type { Group, Rows } from "./rows";
import { nameOf } from "./rows";
import { duration, percent, said, whole } from "./sentences";

const MOST_TRIALS = 50;

/** The view: a list, and what the opened one found. */
export function studies(rows: Rows, opened: string | null, open: (id: string) => void, showRuns: (group: Group) => void): HTMLElement {
  const all = [...rows.groups.values()].sort((a, b) => a.path.localeCompare(b.path));
  if (!all.length) return h("p", { class: "empty" }, said.studies.none);
  const count = new Map<string, number>();
  for (const run of rows.runs.values()) if (run.group) count.set(run.group, (count.get(run.group) ?? 0) + 1);
  const current = all.find((one) => one.id === opened) ?? all[0];
  const list = all.map((one) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", "aria-pressed": String(one.id === current.id), onclick: () => open(one.id) },
        h("b", {}, nameOf(one)),
        h("span", { class: "soft" }, ` ${said.studies.kinds[one.kind]} · ${one.data ?? ""}${one.done ? "" : ` · ${one.reason ? said.damaged : said.studies.going}`}`),
      ),
    ),
  );
  const runs = count.get(current.id) ?? 0;
  const links = (current.pages ?? []).map((page) => h("a", { class: "button", href: `pages/${current.id}/${page}`, target: "_blank", rel: "noopener" }, said.pages[page] ?? page));
  return h(
    "div",
    { class: "split" },
    h("ul", { class: "list" }, ...list),
    h(
      "article",
      {},
      h("h2", {}, nameOf(current)),
      h("p", { class: "soft" }, current.about ?? ""),
      h("div", { class: "links" }, ...links, runs ? h("button", { type: "button", onclick: () => showRuns(current) }, said.studies.runs(runs)) : null),
      current.reason
        ? h("p", { class: "problem" }, `${current.reason}.`)
        : current.kind === "study"
          ? fetched(ask.group<Study>(current.id), study)
          : fetched(ask.group<Search>(current.id), search),
    ),
  );
}

function study(found: Study): Node[] {
  const compared = found.rows.filter((row) => row.effect);
  const against = new Set(compared.map((row) => row.against));
  const effects = compared.map((row) => ({ name: row.variant, ...(row.effect as NonNullable<typeof row.effect>) }));
  const rows = found.rows.map((row) => [
    h("span", { title: row.reason || null }, row.variant),
    row.mean === null ? "" : percent(row.mean),
    row.seconds === null ? "" : duration(row.seconds),
    row.words,
  ]);
  return [
    ...sentences(found.sentences),
    ...(effects.length ? [forest(effects, said.studies.forest(against.size === 1 ? [...against][0] : said.studies.before))] : []),
    grid([said.studies.variant, said.studies.mean(found.split), said.studies.seconds, said.studies.verdict], rows, [1, 2], said.tabs.studies),
  ];
}

function search(found: Search): Node[] {
  const best = [...found.trials].sort((a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1)).slice(0, MOST_TRIALS);
  const rows = best.map((trial) => [
    h("span", {}, String(trial.number), trial.number === found.winner ? h("span", { class: "tag" }, said.studies.winner) : null),
    trial.state,
    trial.accuracy === null ? "" : percent(trial.accuracy),
    trial.epochs === null ? "" : whole(trial.epochs),
    trial.fields,
  ]);
  return [
    ...sentences(found.sentences),
    ...(found.confirmation ? [section(said.studies.confirmed, ...study(found.confirmation))] : []),
    section(
      said.studies.trials,
      best.length < found.trials.length ? h("p", { class: "soft" }, said.studies.all(best.length, found.trials.length)) : null,
      grid(said.studies.trialHeads, rows, [2, 3], said.studies.trials),
    ),
  ];
}
