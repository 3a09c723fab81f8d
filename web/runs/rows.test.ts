import { describe, expect, it } from "vitest";
import { Rows, namesOf } from "./rows";
import type { Delta, Run } from "./rows";

const run = (id: string, more: Partial<Run> = {}): Run => ({ id, kind: "run", path: `runs/${id}`, ...more });
const delta = (more: Partial<Delta>): Delta => ({ at: "b-1", fresh: false, more: false, scanning: false, root: "/r", notes: [], gone: [], recipes: [], entries: [], ...more });

describe("Rows", () => {
  it("takes in what is new, and lets go what is gone", () => {
    const rows = new Rows();
    expect(rows.take(delta({ fresh: true, entries: [run("a"), run("b"), { id: "s", kind: "study", path: "studies/s" }], recipes: [{ name: "tiny" }] }))).toBe(true);
    expect(rows.take(delta({ at: "b-2", gone: ["a"], entries: [run("b", { epochs: 2 })] }))).toBe(true);
    expect([...rows.runs.keys()]).toEqual(["b"]);
    expect(rows.runs.get("b")?.epochs).toBe(2);
    expect(rows.groups.size).toBe(1);
    expect(rows.at).toBe("b-2");
  });

  it("says when nothing has changed", () => {
    const rows = new Rows();
    rows.take(delta({ fresh: true, entries: [run("a")] }));
    expect(rows.take(delta({ at: "b-2" }))).toBe(false);
    expect(rows.take(delta({ at: "b-3", notes: ["1 folder could not be read"] }))).toBe(true);
  });

  it("begins anew with a server that began anew", () => {
    const rows = new Rows();
    rows.take(delta({ fresh: true, entries: [run("a")], recipes: [{ name: "deep" }] }));
    rows.take(delta({ at: "c-1", fresh: true, entries: [run("b", { recipe: 0 })], recipes: [{ name: "tiny" }] }));
    expect([...rows.runs.keys()]).toEqual(["b"]);
    expect(rows.recipeOf(rows.runs.get("b") as Run).name).toBe("tiny");
  });

  it("knows a folder that became something else as one thing", () => {
    const rows = new Rows();
    rows.take(delta({ fresh: true, entries: [run("a")] }));
    rows.take(delta({ entries: [{ id: "a", kind: "study", path: "runs/a" }] }));
    expect([rows.runs.size, rows.groups.size]).toEqual([0, 1]);
  });
});

describe("namesOf", () => {
  it("takes as many folders as tell runs apart", () => {
    const names = namesOf([run("1", { path: "a/x/seed0" }), run("2", { path: "b/x/seed0" }), run("3", { path: "seed1" })]);
    expect([...names.values()]).toEqual(["a/x/seed0", "b/x/seed0", "seed1"]);
    expect([...namesOf([run("1", { path: "a/s0" }), run("2", { path: "a/s1" })]).values()]).toEqual(["s0", "s1"]);
  });
});
