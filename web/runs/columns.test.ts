import { describe, expect, it } from "vitest";
import { ALWAYS, FACTS, USUAL, columnsOf, differing, sorted } from "./columns";
import { Rows } from "./rows";
import type { Run } from "./rows";

const run = (path: string, more: Partial<Run> = {}): Run => ({ id: path, kind: "run", path, ...more });

describe("columnsOf", () => {
  it("always shows how often test was looked at", () => {
    expect(columnsOf([], {}).map((column) => column.id)).toEqual(["name", "test", "looks"]);
    for (const id of ALWAYS) expect(USUAL).toContain(id);
  });

  it("shows fields of the recipe behind what is known of a run, and leaves out what is unknown", () => {
    const made = columnsOf(["recipe:dropout", "state", "nonsense", "recipe:<img>"], { dropout: "a share" });
    expect(made.map((column) => column.id)).toEqual(["name", "state", "test", "looks", "recipe:dropout"]);
    expect(made[4].means).toBe("a share");
  });

  it("has a width and a title for each", () => {
    for (const column of FACTS) expect([column.title, column.width].every(Boolean), column.id).toBe(true);
  });
});

describe("sorted", () => {
  const rows = new Rows();
  const column = (id: string) => columnsOf([id], {}).find((one) => one.id === id)!;
  const paths = (runs: Run[]) => runs.map((one) => one.path);

  it("puts what has no value last, whichever way", () => {
    const runs = [run("a"), run("b", { seconds: 2 }), run("c", { seconds: 1 })];
    expect(paths(sorted(runs, rows, column("seconds"), false))).toEqual(["c", "b", "a"]);
    expect(paths(sorted(runs, rows, column("seconds"), true))).toEqual(["b", "c", "a"]);
  });

  it("sorts numbers in names as numbers, and equal ones by path", () => {
    expect(paths(sorted([run("seed10"), run("seed9")], rows, column("name"), false))).toEqual(["seed9", "seed10"]);
    expect(paths(sorted([run("b", { looks: 1 }), run("a", { looks: 1 })], rows, column("looks"), true))).toEqual(["a", "b"]);
  });
});

describe("differing", () => {
  it("names the fields whose values are not the same, as values and not as text of names", () => {
    const one = { name: "tiny", about: "x", dropout: [0, 0.2], epochs: 10 };
    expect(differing([one, { ...one, name: "other", dropout: [0, 0.2] }])).toEqual([]);
    expect(differing([one, { ...one, dropout: [0, 0.3] }, {}])).toEqual(["dropout"]);
    expect(differing([one, { name: "fast", about: "y", epochs: 10 }])).toEqual(["dropout"]);
  });
});
