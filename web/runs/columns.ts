/** The columns of the table: what each sorts by, and how wide it is. */

import { field, said } from "./sentences";
import type { Recipe, Run, Rows } from "./rows";

export type Key = number | string | null;

export interface Column {
  id: string;
  title: string;
  means: string;
  width: string;
  numeric: boolean;
  /** What it sorts by; null stands last. */
  key: (run: Run, recipe: Recipe) => Key;
  /** Which way a first click sorts. */
  first: "ascending" | "descending";
}

const WIDTHS: Record<string, string> = {
  name: "minmax(var(--name, 16.25rem), 4fr)",
  state: "minmax(6.5rem, .6fr)",
  data: "minmax(7rem, .8fr)",
  validation: "minmax(9.75rem, 1fr)",
  test: "minmax(9.75rem, 1fr)",
  looks: "4.25rem",
  curve: "5.5rem",
  seconds: "minmax(6rem, .6fr)",
  epochs: "minmax(5rem, .5fr)",
  started: "minmax(9.5rem, .8fr)",
  tags: "minmax(8rem, 1fr)",
  recipe: "minmax(9rem, 1fr)",
  seed: "4rem",
  images: "minmax(5.5rem, .5fr)",
  classes: "5.25rem",
};
const NUMERIC = ["validation", "test", "looks", "seconds", "epochs", "seed", "images", "classes"];

const KEYS: Record<string, (run: Run, recipe: Recipe) => Key> = {
  name: (run) => run.path,
  state: (run) => (run.reason ? "damaged" : (said.states[run.state ?? ""] ?? null)),
  data: (run) => run.data || null,
  validation: (run) => run.validation?.[0] ?? run.best ?? null,
  test: (run) => run.test?.[0] ?? null,
  looks: (run) => run.looks ?? null,
  curve: (run) => run.curve?.filter((value) => value !== null).at(-1) ?? null,
  seconds: (run) => run.seconds ?? null,
  epochs: (run) => run.epochs ?? null,
  started: (run) => run.started || null,
  tags: (run) => run.tags?.join(" ") || null,
  recipe: (_, recipe) => (typeof recipe.name === "string" ? recipe.name : null),
  seed: (run) => run.seed ?? null,
  images: (run) => run.images ?? null,
  classes: (run) => run.classes ?? null,
};

/** What is known of every run; `name` and `looks` are always shown. */
export const FACTS: Column[] = Object.keys(KEYS).map((id) => ({
  id,
  title: said.heads[id],
  means: said.headMeans[id] ?? "",
  width: WIDTHS[id],
  numeric: NUMERIC.includes(id),
  key: KEYS[id],
  first: NUMERIC.includes(id) || id === "started" ? "descending" : "ascending",
}));
export const ALWAYS = ["name", "test", "looks"];
export const USUAL = ["name", "state", "data", "validation", "test", "looks", "curve", "seconds", "started"];

/** A field of the recipe as a column. */
export function fieldColumn(name: string, means: string): Column {
  return {
    id: `recipe:${name}`,
    title: name,
    means,
    width: "minmax(7rem, .8fr)",
    numeric: false,
    key: (_, recipe) => {
      const value = recipe[name];
      return value === undefined ? null : typeof value === "number" ? value : field(value);
    },
    first: "ascending",
  };
}

/** The columns with these ids, in a fixed order; those that are always shown among them. Unknown ids are left out. */
export function columnsOf(ids: string[], meanings: Record<string, string>): Column[] {
  const fields = ids.filter((id) => /^recipe:[a-z_]+$/.test(id)).map((id) => fieldColumn(id.slice(7), meanings[id.slice(7)] ?? ""));
  return [...FACTS.filter((column) => ids.includes(column.id) || ALWAYS.includes(column.id)), ...fields];
}

/** Runs in the order of a column; what has no value comes last, and equal ones stay by path. */
export function sorted(runs: Run[], rows: Rows, column: Column, descending: boolean): Run[] {
  const turn = descending ? -1 : 1;
  const keyed = runs.map((run) => ({ run, key: column.key(run, rows.recipeOf(run)) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return a.key === b.key ? order(a.run.path, b.run.path) : a.key === null ? 1 : -1;
    return turn * order(a.key, b.key) || order(a.run.path, b.run.path);
  });
  return keyed.map((one) => one.run);
}

const collator = new Intl.Collator("en", { numeric: true });

function order(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
}

/** The fields that do not have the same value in all of these recipes, in their order; `name` and `about` follow from the others. */
export function differing(recipes: Recipe[]): string[] {
  const known = recipes.filter((recipe) => Object.keys(recipe).length);
  const names = new Set(known.flatMap((recipe) => Object.keys(recipe)));
  return [...names].filter((name) => {
    if (name === "name" || name === "about") return false;
    const first = field(known[0][name]);
    return known.some((recipe) => field(recipe[name]) !== first);
  });
}
