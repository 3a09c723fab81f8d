/** Parts that the panels are made of. */

import { h } from "../shared/dom";
import type { Child } from "../shared/dom";
import { said } from "./sentences";

/** A section with its head; empty children are left out. */
export function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", {}, h("h3", {}, title), ...children);
}

/** A command, and a button that copies it. */
export function command(text: string): HTMLElement {
  const button = h("button", { type: "button", class: "small" }, said.copy);
  button.addEventListener("click", () => {
    void navigator.clipboard?.writeText(text).then(() => {
      button.textContent = said.copied;
      window.setTimeout(() => (button.textContent = said.copy), 1500);
    });
  });
  return h("div", { class: "command" }, h("code", { tabindex: "0" }, text), button);
}

/** A table that scrolls within itself. */
export function grid(heads: Child[], rows: Child[][], numeric: number[], label: string): HTMLElement {
  const cell = (kind: "th" | "td", child: Child, i: number) =>
    h(kind, { class: numeric.includes(i) ? "numeric" : null, ...(kind === "th" ? { scope: "col" } : {}) }, child);
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head, i) => cell("th", head, i)))), h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((child, i) => cell("td", child, i)))))),
  );
}

/** A word on a path for the shell: quoted where that is needed. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) && !path.startsWith("-") ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Sentences, a paragraph each. */
export function sentences(all: string[]): HTMLElement[] {
  return all.map((one) => h("p", {}, one));
}

const arrivals = new WeakMap<Element, Promise<void>>();

/** What is shown until an answer comes, and instead of it where there is none. */
export function fetched<T extends { error?: string }>(asked: Promise<T>, shown: (found: T) => Child[], waiting: string = said.details.reading): HTMLElement {
  const element = h("div", { class: "fetched", "aria-busy": "true" }, h("p", { class: "soft" }, `${waiting}…`));
  const arrival = asked
    .then((found) => element.replaceChildren(...(found.error ? [h("p", { class: "problem" }, found.error)] : (shown(found).filter(Boolean) as Node[]))))
    .catch(() => element.replaceChildren(h("p", { class: "problem" }, said.lost)))
    .finally(() => element.removeAttribute("aria-busy"));
  arrivals.set(element, arrival);
  return element;
}

/** Ends when everything within these nodes that was asked for has come. */
export async function arrived(nodes: Node[]): Promise<void> {
  const elements = nodes.filter((node): node is Element => node instanceof Element);
  const waiting = elements.flatMap((element) => [element, ...element.querySelectorAll(".fetched")]);
  await Promise.all(waiting.map((element) => arrivals.get(element)));
}
