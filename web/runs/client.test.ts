import { afterEach, expect, it, vi } from "vitest";
import { follow } from "./client";
import { Rows } from "./rows";

afterEach(() => vi.unstubAllGlobals());

it("asks once at a time, however often the page is hidden and seen again", async () => {
  const page = { hidden: false, addEventListener: (_: string, heard: () => void) => (seen = heard) };
  let seen = () => {};
  const answers: ((delta: object) => void)[] = [];
  const timers: (() => void)[] = [];
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", { setTimeout: (work: () => void) => timers.push(work) });
  vi.stubGlobal("fetch", () => new Promise((told) => answers.push((delta) => told({ ok: true, json: async () => delta }))));
  const show = (hidden: boolean) => {
    page.hidden = hidden;
    seen();
  };
  const delta = { at: "b-1", fresh: false, more: false, scanning: false, root: "/r", notes: [], gone: [], recipes: [{ name: "tiny" }], entries: [] };
  const rows = new Rows();
  let asked = 0;
  const answer = async () => {
    asked = answers.length;
    for (const told of answers.splice(0)) told(delta);
    await new Promise((done) => setTimeout(done));
  };

  follow(rows, () => {}, () => {});
  show(true);
  show(false);
  await answer();
  expect(asked).toBe(1);
  expect(timers.length).toBe(1);
  expect(rows.recipes.length).toBe(1);

  timers.splice(0).forEach((work) => work());
  show(true);
  await answer(); // nobody looks: it stops
  expect(timers.length).toBe(0);
  show(false); // and begins again
  expect(answers.length).toBe(1);
});
