/** What the server tells of runs, studies and searches, and the rows that are known. */

/** A share with the ends of its 95 % interval. */
export type Share = [number, number | null, number | null];

export type Recipe = Record<string, unknown>;

export interface Run {
  id: string;
  kind: "run";
  path: string;
  group?: string;
  recipe?: number;
  reason?: string;
  state?: string;
  host?: string;
  tags?: string[];
  looks?: number;
  seed?: number | null;
  data?: string;
  classes?: number | null;
  images?: number | null;
  planned?: number | null;
  started?: string;
  seconds?: number | null;
  epochs?: number | null;
  best?: number | null;
  curve?: (number | null)[];
  validation?: Share | null;
  validation_balanced?: boolean;
  validation_cannot?: string;
  test?: Share | null;
  test_balanced?: boolean;
  test_cannot?: string;
  digest?: string;
  pages?: string[];
}

export interface Group {
  id: string;
  kind: "study" | "search";
  path: string;
  reason?: string;
  name?: string;
  about?: string;
  data?: string;
  done?: boolean;
  pages?: string[];
}

export interface Delta {
  at: string;
  fresh: boolean;
  more: boolean;
  scanning: boolean;
  root: string;
  notes: string[];
  gone: string[];
  recipes: Recipe[];
  entries: (Run | Group)[];
}

/** All rows, as far as they have arrived. */
export class Rows {
  runs = new Map<string, Run>();
  groups = new Map<string, Group>();
  recipes: Recipe[] = [];
  at = "";
  scanning = true;
  root = "";
  notes: string[] = [];

  /** Take in what has changed; whether anything did. */
  take(delta: Delta): boolean {
    const before = `${this.scanning} ${this.root} ${this.notes.join()}`;
    if (delta.fresh) {
      this.runs.clear();
      this.groups.clear();
      this.recipes = [];
    }
    this.recipes.push(...delta.recipes);
    for (const id of delta.gone) {
      this.runs.delete(id);
      this.groups.delete(id);
    }
    for (const entry of delta.entries) {
      this.runs.delete(entry.id); // it may have become another kind
      this.groups.delete(entry.id);
      if (entry.kind === "run") this.runs.set(entry.id, entry);
      else this.groups.set(entry.id, entry);
    }
    this.at = delta.at;
    this.scanning = delta.scanning || delta.more;
    this.root = delta.root;
    this.notes = delta.notes;
    return delta.fresh || delta.entries.length + delta.gone.length > 0 || before !== `${this.scanning} ${this.root} ${this.notes.join()}`;
  }

  recipeOf(run: Run): Recipe {
    return run.recipe === undefined ? {} : (this.recipes[run.recipe] ?? {});
  }
}

/** The last name of a path. */
export function nameOf(row: { path: string }): string {
  return row.path.slice(row.path.lastIndexOf("/") + 1);
}

/** Names that tell some runs apart: as many folders above as that takes. */
export function namesOf(runs: Run[]): Map<string, string> {
  const parts = runs.map((run) => run.path.split("/"));
  const names = new Map<string, string>();
  for (let depth = 1; ; depth++) {
    const made = parts.map((one) => one.slice(-depth).join("/"));
    runs.forEach((run, i) => names.set(run.id, made[i]));
    if (new Set(made).size === made.length || parts.every((one) => one.length <= depth)) return names;
  }
}
