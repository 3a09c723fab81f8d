/** The table of runs: of thousands of rows only those that are seen exist, and they are used again. */

import { h } from "../shared/dom";
import { cellOf } from "./cells";
import type { Column } from "./columns";
import { nameOf } from "./rows";
import type { Recipe, Run } from "./rows";
import { said } from "./sentences";
import { scrolled, seen } from "./window";

const ROW = 36; // pixels, as the style sheet has it
const PHONE_ROW = 68;

export interface Shown {
  runs: Run[];
  columns: Column[];
  sort: string;
  descending: boolean;
  opened: string | null;
  /** The colour of a chosen run, by its id. */
  chosen: Map<string, number>;
}

export interface Table {
  element: HTMLElement;
  show: (shown: Shown) => void;
  /** Draw what is seen, now. */
  draw: () => void;
}

interface Drawn {
  element: HTMLElement;
  box: HTMLInputElement;
  cells: HTMLElement[];
  reason: HTMLElement;
  index: number;
  mark: string;
}

/** The least width of a column in rem: "minmax(6rem, 1fr)" and "4rem". */
function leastOf(width: string): number {
  return Number(/([\d.]+)rem/.exec(width)?.[1] ?? 0);
}

export function table(on: {
  recipe: (run: Run) => Recipe;
  sort: (id: string) => void;
  choose: (id: string) => void;
  open: (id: string) => void;
}): Table {
  let shown: Shown = { runs: [], columns: [], sort: "", descending: false, opened: null, chosen: new Map() };
  let active = 0;
  let layout = "";
  let pool: Drawn[] = [];
  const phone = window.matchMedia("(max-width: 40rem)");
  const heads = h("div", { class: "row heads", role: "row", "aria-rowindex": "1" });
  const body = h("div", { class: "rows", role: "rowgroup" });
  const element = h(
    "div",
    { class: "table", role: "grid", tabindex: "0", "aria-label": said.tabs.runs, "aria-describedby": "table-help", "aria-multiselectable": "true" },
    h("div", { role: "rowgroup", class: "head" }, heads),
    body,
  );
  const height = () => (phone.matches ? PHONE_ROW : ROW);

  function drawHeads(): void {
    heads.replaceChildren(
      h("div", { class: "pick", role: "columnheader" }, h("span", { class: "unseen" }, said.choose(""))),
      ...shown.columns.map((column) => {
        const sorts = column.id === shown.sort;
        const way = sorts ? (shown.descending ? "descending" : "ascending") : "none";
        const button = h("button", { type: "button", title: column.means || null, onclick: () => on.sort(column.id) }, column.title);
        return h("div", { class: `head-cell at-${column.id.replace(":", "-")}${column.numeric ? " numeric" : ""}`, role: "columnheader", "aria-sort": way }, button);
      }),
    );
    element.style.setProperty("--columns", ["2.5rem", ...shown.columns.map((column) => column.width)].join(" "));
    const others = shown.columns.filter((column) => column.id !== "name").reduce((sum, column) => sum + leastOf(column.width), 2.5);
    element.style.setProperty("--least", `calc(var(--name, 16.25rem) + ${others}rem)`);
    element.setAttribute("aria-colcount", String(shown.columns.length + 1));
  }

  function made(): Drawn {
    const box = h("input", { type: "checkbox", tabindex: "-1" });
    const cells = shown.columns.map((column) =>
      h("div", { class: `cell at-${column.id.replace(":", "-")}${column.numeric ? " numeric" : ""}`, role: "gridcell" }),
    );
    const reason = h("div", { class: "reason", role: "gridcell", hidden: true });
    const row = h("div", { class: "row", role: "row" }, h("div", { class: "pick", role: "gridcell" }, box), ...cells, reason);
    const drawn: Drawn = { element: row, box, cells, reason, index: -1, mark: "" };
    row.addEventListener("click", (event) => {
      const run = shown.runs[drawn.index];
      if (!run) return;
      active = drawn.index;
      if ((event.target as HTMLElement).closest(".pick")) {
        if (event.target !== box) event.preventDefault();
        on.choose(run.id);
      } else on.open(run.id);
    });
    return drawn;
  }

  function fill(drawn: Drawn, index: number): void {
    const run = shown.runs[index];
    const slot = shown.chosen.get(run.id);
    const mark = `${run.id} ${slot} ${run.id === shown.opened} ${index === active}`;
    const moved = drawn.index !== index;
    if (moved) {
      drawn.index = index;
      drawn.element.style.transform = `translateY(${index * height()}px)`;
      drawn.element.setAttribute("aria-rowindex", String(index + 2));
    }
    if (drawn.mark === mark && (drawn.element as { run?: Run }).run === run) return;
    const row = drawn.element as HTMLElement & { run?: Run };
    if (row.run !== run) {
      const recipe = on.recipe(run);
      shown.columns.forEach((column, i) => drawn.cells[i].replaceChildren(...cellOf(column.id, run, recipe)));
      drawn.box.setAttribute("aria-label", said.choose(nameOf(run)));
      row.id = `row-${run.id}`;
      row.run = run;
      const lost = Boolean(run.reason) && !run.validation && !run.test; // then nothing else is worth the place
      row.classList.toggle("lost", lost);
      drawn.reason.hidden = !lost;
      drawn.reason.textContent = lost ? `${run.reason}.` : "";
    }
    drawn.box.checked = slot !== undefined;
    row.setAttribute("aria-selected", String(slot !== undefined));
    row.dataset.slot = slot === undefined ? "" : String(slot);
    row.classList.toggle("opened", run.id === shown.opened);
    row.classList.toggle("active", index === active);
    drawn.mark = mark;
  }

  function draw(): void {
    const row = height();
    const [first, last] = seen(element.scrollTop, element.clientHeight - heads.offsetHeight, row, shown.runs.length);
    while (pool.length < last - first) {
      pool.push(made());
      body.append(pool[pool.length - 1].element);
    }
    pool.forEach((drawn, place) => {
      const size = pool.length;
      const index = first + ((((place - first) % size) + size) % size);
      const there = index < last;
      drawn.element.hidden = !there;
      if (there) fill(drawn, index);
      else drawn.index = -1;
    });
    const run = shown.runs[active];
    if (run && active >= first && active < last) element.setAttribute("aria-activedescendant", `row-${run.id}`);
    else element.removeAttribute("aria-activedescendant");
  }

  let waiting = false;
  function later(): void {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function anew(): void {
    pool = [];
    body.replaceChildren();
    body.style.height = `${shown.runs.length * height()}px`;
    draw();
  }

  function move(to: number): void {
    active = Math.max(0, Math.min(to, shown.runs.length - 1));
    element.scrollTop = scrolled(element.scrollTop, element.clientHeight - heads.offsetHeight, height(), active);
    draw();
  }

  element.addEventListener("scroll", later, { passive: true });
  new ResizeObserver(later).observe(element);
  phone.addEventListener("change", anew);
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(element.clientHeight / height()) - 2);
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: shown.runs.length - 1,
    };
    const run = shown.runs[active];
    if (event.key in moves) move(moves[event.key]);
    else if (event.key === " " && run) on.choose(run.id);
    else if (event.key === "Enter" && run) on.open(run.id);
    else return;
    event.preventDefault();
  });

  return {
    element,
    draw,
    show: (next) => {
      const held = shown.runs[active]?.id;
      const wanted = next.columns.map((column) => column.id).join();
      const head = `${wanted} ${next.sort} ${next.descending}`;
      const before = `${layout} ${shown.sort} ${shown.descending}`;
      shown = next;
      active = Math.max(0, held ? next.runs.findIndex((run) => run.id === held) : 0);
      element.setAttribute("aria-rowcount", String(next.runs.length + 1));
      if (head !== before) drawHeads();
      if (wanted !== layout) {
        layout = wanted;
        anew();
      } else {
        body.style.height = `${next.runs.length * height()}px`;
        draw();
      }
    },
  };
}
