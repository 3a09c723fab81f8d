import { describe, expect, it } from "vitest";
import { at } from "./dom";

describe("at", () => {
  it("says which element is missing", () => {
    globalThis.document = { getElementById: () => null } as unknown as Document;
    expect(() => at("bars")).toThrow("#bars");
  });
});
