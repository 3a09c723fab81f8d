/** The page of all runs: what is set up on it, and which parts show that. */

import "../shared/base.css";
import "./runs.css";
import { at, gliding, h } from "../shared/dom";
import { ask, follow } from "./client";
import { ALWAYS, FACTS, USUAL, columnsOf, differing, fieldColumn, sorted } from "./columns";
import { MOST_DRAWN, compared } from "./compare";
import { details } from "./details";
import { parsed } from "./filter";
import { ledger } from "./ledger";
import { arrived } from "./panel";
import { Rows, nameOf } from "./rows";
import type { Run } from "./rows";
import { said } from "./sentences";
import { read, slots, written } from "./state";
import { studies } from "./studies";
import { table } from "./table";

const rows = new Rows();
let view = read(location.hash, USUAL);
let colours = new Map<string, number>();
let meanings: Record<string, string> = {};
const choice = { metric: "validation_accuracy", axis: "epoch" };

const grid = table({ recipe: (run) => rows.recipeOf(run), sort, choose, open });
const count = h("p", { id: "count", role: "status" });
const banner = h("p", { id: "lost", class: "problem", role: "alert", hidden: true }, said.lost);
const notes = h("p", { id: "notes", class: "soft" });
const root = h("span", { class: "soft root" });
const empty = h("p", { class: "empty", hidden: true });
const tabs = (["runs", "studies", "looks"] as const).map((tab) =>
  h("button", { type: "button", id: `tab-${tab}`, onclick: () => set({ tab }) }, said.tabs[tab]),
);
const filter = h("input", { type: "search", id: "filter", placeholder: said.filterHint, "aria-label": said.filter, title: said.filterHelp, autocomplete: "off", spellcheck: "false" });
const data = h("select", { "aria-label": said.data, onchange: () => set({ data: data.value }) });
const state = h("select", { "aria-label": said.state, onchange: () => set({ state: state.value }) });
const order = h("select", { "aria-label": said.sortBy, class: "phone-only", onchange: () => sort(order.value) });
const turn = h("button", { type: "button", class: "phone-only", "aria-label": said.turn, onclick: () => set({ descending: !view.descending }) }, "↑↓");
const group = h("button", { type: "button", class: "tag-button", hidden: true, onclick: () => set({ group: "" }) });
const menu = h("details", { id: "columns" }, h("summary", { class: "button" }, said.columns), h("div", { class: "card menu" }));
const selection = h("div", { id: "selection", hidden: true });
const panel = h("aside", { id: "panel", class: "card", hidden: true, "aria-label": said.lay2.title });
const work = h("div", { id: "work" }, h("div", { class: "main" }, grid.element, empty), panel);
const tools = h("div", { id: "tools" }, filter, data, state, order, turn, group, menu, selection, count);
const runsTab = h("div", { id: "runs" }, tools, h("p", { id: "table-help", class: "unseen" }, said.tableHelp), work);
const other = h("div", { id: "other" });

at("top").append(h("h1", {}, h("b", {}, "seefar"), ` ${said.title}`), h("nav", { "aria-label": said.title }, ...tabs), root);
at("page").append(banner, notes, runsTab, other);

function set(change: Partial<typeof view>): void {
  view = { ...view, ...change };
  history.replaceState(null, "", `#${written(view, USUAL)}`);
  show();
}

function sort(id: string): void {
  const column = columnsOf([id], meanings).find((one) => one.id === id);
  const descending = id === view.sort ? !view.descending : column?.first === "descending";
  set({ sort: id, descending });
}

function choose(id: string): void {
  const chosen = view.chosen.includes(id) ? view.chosen.filter((one) => one !== id) : [...view.chosen, id];
  set({ chosen, opened: chosen.length ? null : view.opened });
}

function open(id: string): void {
  set({ tab: "runs", opened: view.opened === id && view.tab === "runs" ? null : id });
  if (view.opened && panel.getBoundingClientRect().top > window.innerHeight * 0.7) panel.scrollIntoView({ behavior: gliding(), block: "start" });
}

function fitting(): Run[] {
  const fits = parsed(view.filter);
  const stateOf = (run: Run) => (run.reason ? "damaged" : run.state);
  return [...rows.runs.values()].filter(
    (run) =>
      (!view.data || run.data === view.data) &&
      (!view.state || stateOf(run) === view.state) &&
      (!view.group || run.group === view.group) &&
      fits(run, rows.recipeOf(run)),
  );
}

function show(): void {
  tabs.forEach((button) => button.setAttribute("aria-current", button.id === `tab-${view.tab}` ? "page" : "false"));
  runsTab.hidden = view.tab !== "runs";
  other.hidden = view.tab === "runs";
  root.textContent = rows.root;
  notes.hidden = !rows.notes.length;
  notes.textContent = rows.notes.length ? `${rows.notes.join("; ")}.` : "";
  document.title = `seefar: ${said.tabs[view.tab].toLowerCase()}`;
  if (view.tab === "studies")
    other.replaceChildren(
      studies(
        rows,
        view.study,
        (study) => set({ study }),
        (one) => set({ tab: "runs", group: one.id, filter: "", data: "", state: "" }),
      ),
    );
  else if (view.tab === "looks") other.replaceChildren(ledger(rows, open));
  else showRuns();
}

function showRuns(): void {
  const found = fitting();
  const shownIds = view.columns.join() === USUAL.join() && found.some((run) => run.tags?.length) ? [...USUAL, "tags"] : view.columns;
  const columns = columnsOf(shownIds, meanings);
  const by = columnsOf([view.sort], meanings).find((one) => one.id === view.sort) ?? FACTS[0];
  colours = slots(view.chosen, colours, MOST_DRAWN);
  grid.show({ runs: sorted(found, rows, by, view.descending), columns, sort: view.sort, descending: view.descending, opened: view.opened, chosen: colours });
  const training = found.filter((run) => run.state === "training" && !run.reason).length;
  const words = [said.counted(found.length, rows.runs.size), training ? said.training(training) : "", rows.scanning ? `${said.scanning}…` : ""].filter(Boolean).join(" · ");
  if (count.textContent !== words) count.textContent = words;
  empty.hidden = found.length > 0 || rows.scanning;
  empty.textContent = rows.runs.size ? said.nothing : said.empty;
  grid.element.hidden = !empty.hidden;
  if (filter.value !== view.filter) filter.value = view.filter;
  options(data, said.data, [...new Set([...rows.runs.values()].map((run) => run.data ?? ""))].filter(Boolean).sort(), view.data);
  const states = [...new Set([...rows.runs.values()].map((run) => (run.reason ? "damaged" : (run.state ?? ""))))].filter(Boolean).sort();
  options(state, said.state, states, view.state, (one) => (one === "damaged" ? said.damaged : (said.states[one] ?? one)));
  options(order, said.sortBy, columns.map((column) => column.id), view.sort, (id) => columns.find((column) => column.id === id)?.title ?? id);
  const shown = view.group ? rows.groups.get(view.group) : undefined;
  group.hidden = !shown;
  group.textContent = shown ? `${nameOf(shown)} ×` : "";
  if (menu.open) showMenu();
  selection.hidden = !view.chosen.length;
  selection.replaceChildren(
    h("b", {}, said.chosen(view.chosen.length)),
    h("button", { type: "button", onclick: () => set({ opened: null }), hidden: view.opened === null }, said.lay),
    h("button", { type: "button", onclick: () => set({ chosen: [] }) }, said.clear),
  );
  showPanel();
}

/** The entries of a choice; it is left alone while they are the same, so that an open one stays open. */
function options(element: HTMLSelectElement, title: string, values: string[], chosen: string, name = (value: string) => value): void {
  const made = JSON.stringify([values, chosen]);
  if (element.dataset.made === made) return;
  element.dataset.made = made;
  const all = element === order ? [] : [h("option", { value: "" }, `${title}: ${said.any}`)];
  element.replaceChildren(...all, ...values.map((value) => h("option", { value, selected: value === chosen }, element === order ? `${title}: ${name(value)}` : name(value))));
  if (element !== order && chosen === "") element.value = "";
}

function showMenu(): void {
  const used = [...new Set(fitting().map((run) => run.recipe))].map((number) => (number === undefined ? {} : (rows.recipes[number] ?? {})));
  const fields = used.length ? differing(used) : [];
  const facts = FACTS.map((column) => box(column.id, column.title, column.means, ALWAYS.includes(column.id)));
  const made = fields.map((name) => box(`recipe:${name}`, fieldColumn(name, "").title, meanings[name] ?? "", false));
  const within = menu.querySelector(".menu") as HTMLElement;
  const held = document.activeElement instanceof HTMLInputElement ? document.activeElement.value : "";
  within.replaceChildren(
    h("fieldset", {}, h("legend", {}, said.columnsFacts), ...facts),
    h("fieldset", {}, h("legend", {}, said.columnsFields), ...(made.length ? made : [h("p", { class: "soft" }, said.columnsNone)])),
  );
  if (held) within.querySelector<HTMLInputElement>(`input[value="${CSS.escape(held)}"]`)?.focus();
}

function box(id: string, title: string, means: string, always: boolean): HTMLElement {
  const input = h("input", { type: "checkbox", value: id, checked: always || view.columns.includes(id), disabled: always });
  input.addEventListener("change", () => {
    set({ columns: input.checked ? [...view.columns, id] : view.columns.filter((one) => one !== id) });
  });
  return h("label", { title: means || null }, input, ` ${title}`, always ? h("span", { class: "soft" }, ` ${said.always}`) : null);
}

let panelOf = "";

/** What stands beside the table: one run, or those that were chosen. While it stays the same, it is replaced only when all of it is there. */
function showPanel(): void {
  const opened = view.opened ? rows.runs.get(view.opened) : undefined;
  const chosen = view.chosen.map((id) => rows.runs.get(id)).filter((run): run is Run => Boolean(run));
  const what = opened ? `run ${opened.id}` : chosen.length ? `chosen ${view.chosen.join()}` : "";
  const version = `${what} ${JSON.stringify(opened ?? chosen)} ${Object.keys(meanings).length}`;
  if (version === panelOf) return;
  const same = panelOf.startsWith(`${what} `);
  panelOf = version;
  panel.hidden = !what;
  work.classList.toggle("with-panel", Boolean(what));
  if (!what) {
    panel.replaceChildren();
    return;
  }
  const close = h("button", { type: "button", class: "small", "aria-label": said.close, onclick: () => set(opened ? { opened: null } : { chosen: [] }) }, "×");
  const head = h("header", {}, h("h2", {}, opened ? nameOf(opened) : said.lay2.title), close);
  const recipe = (run: Run) => rows.recipeOf(run);
  const nodes = opened
    ? details(opened, recipe(opened), meanings, rows.root, choice)
    : compared(chosen, colours, recipe, meanings, choice, choose);
  const put = () => {
    if (panelOf !== version) return;
    const place = panel.scrollTop;
    panel.replaceChildren(head, ...nodes);
    panel.scrollTop = same ? place : 0;
  };
  if (same) void arrived(nodes).then(put);
  else put();
}

let typing = 0;
filter.addEventListener("input", () => {
  window.clearTimeout(typing);
  typing = window.setTimeout(() => set({ filter: filter.value }), 120);
});
menu.addEventListener("toggle", () => menu.open && showMenu());
document.addEventListener("click", (event) => {
  if (menu.open && !menu.contains(event.target as Node)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (menu.open) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  } else if (view.opened) set({ opened: null });
});
window.addEventListener("hashchange", () => {
  view = read(location.hash, USUAL);
  show();
});

let lastStudies = "";
show();
void ask.fields().then((found) => {
  meanings = found;
  show();
});
follow(
  rows,
  () => {
    const made = JSON.stringify([...rows.groups.values()]) + String(rows.runs.size);
    if (view.tab === "runs" || made !== lastStudies) show();
    lastStudies = made;
  },
  (yes) => (banner.hidden = yes),
);
