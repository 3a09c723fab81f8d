import { describe, expect, it } from "vitest";
import { softmax } from "./answer";
import { edited, NEUTRAL } from "./edits";
import { crc32, DamagedError, fromText, opened } from "./model";
import { erf } from "./network";
import { look } from "./picture-file";
import { prepared, reduction, turned } from "./prepare";
import { say } from "./sentences";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("preparation", () => {
  it("keeps the pixels of an image that has the size already", () => {
    const data = Uint8Array.from({ length: 4 * 4 * 4 }, (_, i) => i);
    expect([...prepared({ width: 4, height: 4, data }, 4)]).toEqual([...data].filter((_, i) => i % 4 < 3));
  });
  it("resizes like Pillow: a ramp of eight to four pixels", () => {
    // Image.fromarray(np.repeat(np.arange(0, 256, 32, dtype=np.uint8)[None], 8, 0)).resize((4, 4), BICUBIC)
    const data = new Uint8Array(8 * 8 * 4);
    for (let i = 0; i < 64; i++) data.fill((i % 8) * 32, i * 4, i * 4 + 3);
    expect([...prepared({ width: 8, height: 8, data }, 4)].slice(0, 12)).toEqual(RAMP.flatMap((one) => [one, one, one]));
  });
  it("lets a JPEG be reduced as long as twice the size is left", () => {
    expect([128, 129, 256, 512, 4000].map((side) => reduction(side, 32))).toEqual([1, 2, 4, 8, 8]);
  });
  it("undoes a turn by the turn that is its opposite", () => {
    const one = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i) };
    for (const [there, back] of [[2, 2], [3, 3], [4, 4], [5, 5], [6, 8], [7, 7], [8, 6]]) expect(turned(turned(one, there), back)).toEqual(one);
  });
});

const RAMP = [17, 79, 145, 207]; // what Pillow gives

describe("picture files", () => {
  it("knows none by a name, and none that is cut", () => {
    expect(look(bytes("<svg xmlns='http://www.w3.org/2000/svg'/>"))).toBeNull();
    expect(look(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0]))).toBeNull();
    expect(look(new Uint8Array())).toBeNull();
  });
  it("reads the size of a GIF", () => {
    expect(look(Uint8Array.from([...bytes("GIF89a"), 5, 0, 7, 1]))).toMatchObject({ format: "GIF", width: 5, height: 263 });
  });
});

describe("edits", () => {
  const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (i * 37) % 256);
  it("change nothing where they are neutral", () => expect(edited(pixels, 8, NEUTRAL)).toEqual(pixels));
  it("move by whole pixels without a loss", () => {
    const moved = edited(pixels, 8, { ...NEUTRAL, across: 1 / 8 });
    for (let y = 0; y < 8; y++) for (let x = 1; x < 8; x++) expect(moved[(y * 8 + x) * 3]).toBe(pixels[(y * 8 + x - 1) * 3]);
  });
  it("come back after a full turn of hue", () => {
    edited(pixels, 8, { ...NEUTRAL, hue: 360 }).forEach((one, i) => expect(Math.abs(one - pixels[i])).toBeLessThanOrEqual(1));
  });
  it("make the same noise each time", () => {
    const noisy = { ...NEUTRAL, noise: 20 };
    expect(edited(pixels, 8, noisy)).toEqual(edited(pixels, 8, noisy));
    expect(edited(pixels, 8, noisy)).not.toEqual(pixels);
  });
});

describe("model files", () => {
  it("are refused where they are foreign or cut", () => {
    expect(() => fromText("alert(1)")).toThrow(DamagedError);
    expect(() => fromText('(window.seefarModels ??= []).push({"classes":["a"')).toThrow("cut");
    expect(() => opened(undefined)).toThrow("cut");
    expect(() => opened({ classes: ["a", "b"], layers: [], weights: "", size: 8, format: 99 })).toThrow("format");
    expect(() => opened({ classes: ["a", "b"], layers: [], weights: "AAAA", size: 8, format: 1, floats: 1, check: 0 })).toThrow("cut");
  });
  it("are checked as zlib checks", () => expect(crc32(bytes("123456789"))).toBe(0xcbf43926));
});

describe("numbers", () => {
  it("softmax sums to 1, however large the logits", () => expect(softmax(Float32Array.of(1000, 999, -1000), 2).reduce((a, b) => a + b)).toBeCloseTo(1, 12));
  it("erf is that of the tables", () => [[0, 0], [0.5, 0.5204999], [1, 0.8427008], [-2, -0.9953223]].forEach(([x, y]) => expect(erf(x)).toBeCloseTo(y, 6)));
  it("says no probability that rounding made up", () => expect([0, 0.001, 0.5, 0.996, 1].map(say.percent)).toEqual(["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]));
});
