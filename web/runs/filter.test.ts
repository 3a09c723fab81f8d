import { describe, expect, it } from "vitest";
import { parsed } from "./filter";
import type { Run } from "./rows";

const run: Run = {
  id: "a", kind: "run", path: "runs/shapes-tiny-seed3", data: "shapes", state: "finished", tags: ["paper", "first try"], looks: 2, seconds: 42, seed: 3, epochs: 10,
  validation: [0.91, 0.9, 0.92], test: [0.885, 0.88, 0.89],
};
const recipe = { name: "tiny+dropout=0.2", dropout: [0, 0.2], epochs: 10, flip: "none", batch_norm: false };

describe("parsed", () => {
  it.each([
    ["", true], ["tiny", true], ["TINY shapes", true], ["deep", false], ["finished", true], ["paper", true],
    ["tag:paper", true], ['tag:"first try"', true], ["tag:pap", false],
    ["validation>90", true], ["validation>0.9", true], ["validation>91%", false], ["test<90", true], ["test=88.5", true], ["test>=88.5", true],
    ["seconds<60", true], ["looks>1", true], ["seed=3", true], ["seed=2", false],
    ["flip=none", true], ["epochs>=10", true], ["batch_norm=false", true], ["dropout=[0,0.2]", true], ["dropout:0.2", true],
    ["-deep", true], ["-tiny", false], ["-tag:paper", false], ["tiny test>99", false], ["unknown_field=1", false], ["state=finished", true], ["data:sha", true],
    ["-", true], ["<img onerror=1>", false],
  ])("%s", (text, fits) => {
    expect(parsed(text)(run, recipe)).toBe(fits);
  });

  it("finds damaged runs by that word", () => {
    expect(parsed("damaged")({ ...run, reason: "recipe.json is missing" }, {})).toBe(true);
  });

  it("takes accuracy from the training where there is no evaluation", () => {
    expect(parsed("validation>80")({ id: "b", kind: "run", path: "x", best: 0.85 }, {})).toBe(true);
    expect(parsed("test>1")({ id: "b", kind: "run", path: "x", test: null }, {})).toBe(false);
  });
});
