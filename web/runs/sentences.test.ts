import { describe, expect, it } from "vitest";
import { quoted } from "./panel";
import { between, duration, field, figure, moment, percent, points, probability } from "./sentences";

describe("numbers in words", () => {
  it("says shares as the report does", () => {
    expect(percent(0.8462)).toBe("84.6\u00a0%");
    expect(percent(0.9996)).toBe("99.96\u00a0%");
    expect(percent(1)).toBe("100.0\u00a0%");
    expect(between(0.8357, 0.8557)).toBe("83.6–85.6");
    expect(points(0.0123)).toBe("+1.23");
    expect(points(-0.005)).toBe("\u22120.50");
  });

  it("says times", () => {
    expect(duration(9.94)).toBe("9.9\u00a0s");
    expect(duration(59.6)).toBe("1\u00a0min 0\u00a0s");
    expect(duration(3725)).toBe("1\u00a0h 2\u00a0min");
    expect(moment("2026-11-29T18:00:50+00:00", new Date("2026-11-28T12:00:00Z"))).toMatch(/^2026-11-(29|30) \d\d:00$/);
    expect(moment("nonsense")).toBe("");
  });

  it("says other figures", () => {
    expect(figure(0.0002)).toBe("2.0e-4");
    expect(figure(0.5326)).toBe("0.533");
    expect(figure(1234.4)).toBe("1,234");
    expect(probability(0.00001)).toBe("<\u00a00.0001");
    expect(field([[32], [64]])).toBe("[[32],[64]]");
    expect(field(undefined)).toBe("");
  });
});

describe("quoted", () => {
  it("makes one word for a shell of any path", () => {
    expect(quoted("/data/runs/a+b=1")).toBe("/data/runs/a+b=1");
    expect(quoted("/it's $HOME")).toBe("'/it'\\''s $HOME'");
    expect(quoted("-rf")).toBe("'-rf'");
  });
});
