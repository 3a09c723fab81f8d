/** What somebody typed to find runs, as a question to each of them. */

import { field } from "./sentences";
import type { Recipe, Run } from "./rows";

export type Fits = (run: Run, recipe: Recipe) => boolean;

const FACTS: Record<string, (run: Run) => unknown> = {
  validation: (run) => run.validation?.[0] ?? run.best,
  test: (run) => run.test?.[0],
  seconds: (run) => run.seconds,
  looks: (run) => run.looks,
  epochs: (run) => run.epochs,
  images: (run) => run.images,
  classes: (run) => run.classes,
  seed: (run) => run.seed,
  data: (run) => run.data,
  state: (run) => (run.reason ? "damaged" : run.state),
  path: (run) => run.path,
};
const SHARES = ["validation", "test"];

/** All words have to fit. A word is looked for everywhere; `name>value` and the like compare; a minus before a word turns it round. */
export function parsed(text: string): Fits {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const all = words.map((word) => word.replaceAll('"', "")).filter(Boolean).map((word) => {
    const turned = word.startsWith("-") && word.length > 1;
    const fits = one(turned ? word.slice(1) : word);
    return turned ? (((run, recipe) => !fits(run, recipe)) as Fits) : fits;
  });
  return (run, recipe) => all.every((fits) => fits(run, recipe));
}

function one(word: string): Fits {
  const [, name, sign, wanted] = /^([a-z_]+)(>=|<=|>|<|=|:)(.+)$/i.exec(word) ?? [];
  if (!name) return anywhere(word.toLowerCase());
  const key = name.toLowerCase();
  if (key === "tag") return (run) => (run.tags ?? []).some((tag) => tag.toLowerCase() === wanted.toLowerCase());
  return (run, recipe) => {
    const value = key in FACTS ? FACTS[key](run) : recipe[key];
    if (value === undefined || value === null) return false;
    return compares(value, sign, wanted, SHARES.includes(key));
  };
}

function compares(value: unknown, sign: string, wanted: string, share: boolean): boolean {
  let number = Number(wanted.replace(/%$/, ""));
  if (typeof value === "number" && !Number.isNaN(number)) {
    if (share && (number > 1 || wanted.endsWith("%"))) number /= 100;
    if (sign === ">") return value > number;
    if (sign === "<") return value < number;
    if (sign === ">=") return value >= number;
    if (sign === "<=") return value <= number;
    return share ? Math.abs(value - number) < 0.0005 : value === number;
  }
  if (sign === ":") return field(value).toLowerCase().includes(wanted.toLowerCase());
  return sign === "=" && field(value).toLowerCase() === wanted.toLowerCase();
}

function anywhere(word: string): Fits {
  return (run, recipe) =>
    run.path.toLowerCase().includes(word) ||
    (run.data ?? "").toLowerCase().includes(word) ||
    (run.reason ? "damaged" : (run.state ?? "")).includes(word) ||
    field(recipe.name ?? "").toLowerCase().includes(word) ||
    (run.tags ?? []).some((tag) => tag.toLowerCase().includes(word));
}
