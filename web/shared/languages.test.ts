import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../{playground,runs,shared}/*.ts", { query: "?raw", import: "default", eager: true });

/** What a page would say in English whatever language it is in: sentences, and words in the places where people read or hear them. */
function spoken(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "").replace(/\$\{[^}]*\}/g, "");
  const rules = [
    /["'`][A-Z][a-z]+[ ,:][^"'`]*["'`]/g,
    /(?:"aria-label"|"aria-description"|title|placeholder|alt): *["'`][^"'`]*[A-Za-z]{2}[^"'`]*["'`]/g,
    /(?:textContent|innerText) = ["'`][^"'`]*[A-Za-z]{2}[^"'`]*["'`]/g,
    /\bh\("[a-z0-9]+", \{[^{}]*\}, ["'`][^"'`]*[A-Za-z]{2}[^"'`]*["'`]/g,
  ];
  return rules.flatMap((rule) => [...code.matchAll(rule)].map(([found]) => found)).filter((found) => !/"seefar"$/.test(found)); // its name is no word
}

describe("languages", () => {
  it("need one file a page: nothing is said anywhere else", () => {
    for (const [path, source] of Object.entries(sources)) if (!/sentences|\.test\.ts$/.test(path)) expect([path, spoken(source)]).toEqual([path, []]);
  });
  it("have no sentence that no page says", () => {
    const others = Object.entries(sources).filter(([path]) => !path.includes("sentences")).map(([, source]) => source).join();
    const names = [...sources["../playground/sentences.ts"].matchAll(/^ {2}(\w+)[:,]/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name) => !new RegExp(`say\\.${name}\\b`).test(others))).toEqual([]);
  });
  it("would be found elsewhere", () => {
    expect(spoken(sources["../playground/sentences.ts"]).length).toBeGreaterThan(50);
    expect(spoken('h("p", { class: "soft" }, "oh no")').length).toBe(1);
    expect(spoken('one.textContent = "wait"; h("img", { title: "a picture" })').length).toBe(2);
  });
});
