import { describe, expect, it } from "vitest";
import { nearest } from "./chart";
import { ends, scale, ticks } from "./scale";
import { path } from "./svg";

describe("ticks", () => {
  it("are round and within the axis", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0.36, 0.97, 5)).toEqual([0.4, 0.6, 0.8]);
    expect(ticks(1, 10, 6)).toEqual([2, 4, 6, 8, 10]);
    expect(ticks(-2.2, 4.6, 5)).toEqual([-2, 0, 2, 4]);
    expect(ticks(3, 3, 5)).toEqual([3]);
  });
});

describe("ends", () => {
  it("leave out what is missing, and are never one", () => {
    expect(ends([null, 2, 1])).toEqual([1, 2]);
    expect(ends([null])).toBeNull();
    const [low, high] = ends([4, 4]) as [number, number];
    expect(low).toBeLessThan(4);
    expect(high).toBeGreaterThan(4);
  });
});

describe("scale", () => {
  it("maps ends to ends", () => {
    const x = scale(2, 4, 10, 110);
    expect([x.at(2), x.at(3), x.at(4)]).toEqual([10, 60, 110]);
  });
});

describe("path", () => {
  it("is broken where a value is missing", () => {
    expect(path([[0, 0], [1, 2], null, [3, 4]])).toBe("M0.0 0.0L1.0 2.0M3.0 4.0");
  });
});

describe("nearest", () => {
  it("leaves out what is missing", () => {
    expect(nearest([1, null, 5], 2.9)).toBe(0);
    expect(nearest([null], 1)).toBeNull();
  });
});
