/** The ledger of looks at test images: by set of images, and the runs with most of them. */

import { h } from "../shared/dom";
import { looks, share } from "./cells";
import { ask } from "./client";
import type { LookedAt } from "./client";
import { fetched, grid, section } from "./panel";
import type { Rows, Run } from "./rows";
import { moment, said, whole } from "./sentences";

const MOST = 50;

/** The view. */
export function ledger(rows: Rows, open: (id: string) => void): HTMLElement {
  return h(
    "div",
    { class: "single" },
    h("h2", {}, said.tabs.looks),
    h("p", { class: "lead" }, said.looks.about),
    fetched(ask.ledger(), (found) => [found.sets.length ? sets(found.sets, rows) : h("p", { class: "empty" }, said.looks.none)]),
    runsWithMost(rows, open),
  );
}

function sets(all: LookedAt[], rows: Rows): HTMLElement {
  const lines = all.map((one) => {
    const here = one.runs.map((id) => rows.runs.get(id)).filter((run): run is Run => Boolean(run));
    const data = [...new Set(here.map((run) => run.data))].join(", ");
    return [
      h(
        "span",
        {},
        data ? h("b", {}, data) : h("span", { class: "soft" }, said.looks.unknown),
        h("span", { class: "soft" }, ` ${one.test.slice(0, 8)}${here.length ? ` · ${said.looks.here(here.length)}` : ""}`),
      ),
      looks(Math.max(one.looks, here.reduce((sum, run) => sum + (run.looks ?? 0), 0))), // runs bring their own ledgers from other machines
      one.networks === undefined ? "" : whole(one.networks),
      Object.entries(one.verbs ?? {})
        .map(([verb, count]) => `${verb} ${count}×`)
        .join(", "),
      one.first ? moment(one.first) : "",
      one.last ? moment(one.last) : "",
    ];
  });
  return grid(said.looks.heads, lines, [1, 2], said.tabs.looks);
}

function runsWithMost(rows: Rows, open: (id: string) => void): HTMLElement | string {
  const most = [...rows.runs.values()].filter((run) => run.looks).sort((a, b) => (b.looks ?? 0) - (a.looks ?? 0) || a.path.localeCompare(b.path));
  if (!most.length) return "";
  const lines = most.slice(0, MOST).map((run) => [
    h("button", { type: "button", class: "link", onclick: () => open(run.id) }, run.path),
    run.test ? h("span", {}, ...share(run.test)) : "",
    looks(run.looks ?? 0),
  ]);
  return section(said.looks.most, grid(said.looks.runHeads, lines, [1, 2], said.looks.most));
}
