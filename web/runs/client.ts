/** Asking the server: rows as they change, and what is shown of one run. */

import type { Delta, Rows, Share } from "./rows";

const OFTEN = 150; // ms between two questions while folders are being read
const USUAL = 2000;
const SELDOM = 5000; // when nobody answers

export interface Details {
  error?: string;
  command: string;
  made_with: Record<string, string>;
  source: string;
  start: string;
  evaluations: { split: string; headline: string; images: number | null; tta: Share | null; loss: number | null; warnings: { title: string; sentence: string; serious: boolean }[] }[];
  looks: { time: string; verb: string }[];
  look_count: number;
  pages: string[];
  files: string[];
}

export type Curves = { error?: string } & Record<string, (number | null)[]>;

export interface Difference {
  value: number;
  low: number;
  high: number;
  gained: number;
  lost: number;
  p: number;
}

export interface Verdict {
  error?: string;
  split: string;
  images: number;
  base: string;
  other: string;
  difference: Difference;
  agreement: number;
  classes: { name: string; images: number; base: number; other: number; gained: number; lost: number; p_holm: number }[];
  sentences: string[];
  recipes: string[];
}

export interface StudyRow {
  variant: string;
  against: string;
  reason: string;
  words: string;
  mean: number | null;
  seconds: number | null;
  effect: { value: number; low: number | null; high: number | null; verdict: string } | null;
}

export interface Study {
  error?: string;
  split: string;
  seeds: number;
  sentences: string[];
  rows: StudyRow[];
}

export interface Search {
  error?: string;
  sentences: string[];
  winner: number | null;
  trials: { number: number; state: string; accuracy: number | null; epochs: number | null; fields: string }[];
  confirmation: Study | null;
}

export interface LookedAt {
  test: string;
  looks: number;
  runs: string[];
  first?: string;
  last?: string;
  verbs?: Record<string, number>;
  networks?: number;
}

async function get<T>(address: string): Promise<T> {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as T;
}

export const ask = {
  fields: () => get<Record<string, string>>("api/fields"),
  details: (id: string) => get<Details>(`api/runs/${id}`),
  curves: (id: string) => get<Curves>(`api/runs/${id}/curves`),
  verdict: (base: string, other: string, split: string) => get<Verdict>(`api/compare?base=${base}&other=${other}&split=${split}`),
  group: <T>(id: string) => get<T>(`api/groups/${id}`),
  ledger: () => get<{ error?: string; sets: LookedAt[] }>("api/ledger"),
};

/** Ask again and again what has changed, as long as the page is seen. */
export function follow(rows: Rows, changed: () => void, reached: (yes: boolean) => void): void {
  let timer = 0; // of the next question; -1: one is on its way, 0: the page is not seen and nobody asks
  async function turn(): Promise<void> {
    timer = -1;
    let wait = USUAL;
    try {
      const delta = await get<Delta>(`api/runs?since=${rows.at}&recipes=${rows.recipes.length}`);
      if (rows.take(delta)) changed();
      reached(true);
      wait = delta.more ? 0 : delta.scanning ? OFTEN : USUAL;
    } catch {
      reached(false);
      wait = SELDOM;
    }
    if (!document.hidden) timer = window.setTimeout(() => void turn(), wait);
    else timer = 0;
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !timer) void turn();
  });
  void turn();
}
