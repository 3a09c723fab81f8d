import { describe, expect, it } from "vitest";
import { read, slots, usual, written } from "./state";

const COLUMNS = ["name", "test", "looks"];
const A = "0123456789abcdef";
const B = "fedcba9876543210";

describe("the address", () => {
  it("is empty while all is as usual", () => {
    expect(written(usual(COLUMNS), COLUMNS)).toBe("");
    expect(read("", COLUMNS)).toEqual(usual(COLUMNS));
  });

  it("gives back what was set", () => {
    const view = {
      ...usual(COLUMNS), tab: "studies" as const, filter: "tag:a & <b> test>90", data: "my photos", state: "finished", group: A, sort: "recipe:dropout", descending: false,
      columns: ["name", "recipe:dropout"], chosen: [A, B], opened: B, study: A,
    };
    expect(read(`#${written(view, COLUMNS)}`, COLUMNS)).toEqual(view);
  });

  it("leaves as usual what makes no sense", () => {
    const view = read("#tab=evil&sort=<img>&chosen=../../etc,x&open=javascript:1&columns=<script>", COLUMNS);
    expect(view).toEqual({ ...usual(COLUMNS), columns: [] });
  });
});

describe("slots", () => {
  it("keep the colour of a run that stays, and give a free one to a new run", () => {
    const first = slots(["a", "b", "c"], new Map(), 10);
    expect([...first.values()]).toEqual([0, 1, 2]);
    const second = slots(["a", "c", "d"], first, 10);
    expect([...second.entries()]).toEqual([["a", 0], ["c", 2], ["d", 1]]);
  });

  it("begin again when all are taken", () => {
    const many = slots(Array.from({ length: 12 }, (_, i) => String(i)), new Map(), 10);
    expect(Math.max(...many.values())).toBe(9);
    expect(many.size).toBe(12);
  });
});
