import { describe, expect, it } from "vitest";
import { scrolled, seen } from "./window";

describe("seen", () => {
  it("covers the screen with some rows more, and stays within the table", () => {
    expect(seen(0, 360, 36, 5000, 6)).toEqual([0, 16]);
    expect(seen(36 * 100, 360, 36, 5000, 6)).toEqual([94, 116]);
    expect(seen(36 * 4995, 360, 36, 5000, 6)).toEqual([4989, 5000]);
    expect(seen(0, 360, 36, 0)).toEqual([0, 0]);
    expect(seen(99999, 360, 36, 3)).toEqual([3, 3]);
  });
});

describe("scrolled", () => {
  it("moves no further than it must", () => {
    expect(scrolled(100, 360, 36, 5)).toBe(100);
    expect(scrolled(100, 360, 36, 0)).toBe(0);
    expect(scrolled(0, 360, 36, 20)).toBe(21 * 36 - 360);
  });
});
