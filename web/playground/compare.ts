/** A second network beside the first: both answer the same image, live. */

import { h } from "../shared/dom";
import { answer } from "./answer";
import { canvas, drawPixels, layMap } from "./draw";
import { DamagedError, fromText, opened } from "./model";
import { Network } from "./network";
import { say } from "./sentences";
import type { Studio } from "./studio";

export function compare(studio: Studio, others: unknown[]): HTMLElement {
  const table = h("div", { class: "versus" }), message = h("p", { class: "message", role: "status", hidden: true });
  let second: Network | null = null;
  const tell = (sentence: string | null): void => {
    message.textContent = sentence ?? "";
    message.hidden = !sentence;
  };
  const open = (found: unknown): void => {
    try {
      const { model, weights } = opened(found);
      if (model.size !== studio.model.size) return tell(say.compareSize(model.size, studio.model.size));
      second = new Network(model, weights);
      tell(model.classes.join() === studio.model.classes.join() ? null : say.compareClasses);
      studio.changed();
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      tell(error.message === "format" ? say.newerModel : error.message === "foreign" ? say.foreignModel : say.damagedModel);
    }
  };
  const chooser = h("input", { type: "file", accept: ".js", class: "unseen", tabindex: -1, "aria-hidden": "true" });
  chooser.addEventListener("change", async () => {
    const file = chooser.files?.[0];
    chooser.value = "";
    if (!file) return;
    if (file.size > MOST) return tell(say.foreignModel);
    try {
      open(fromText(await file.text()));
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      tell(error.message === "foreign" ? say.foreignModel : say.damagedModel);
    }
  });
  const sides: { network: Network; element: HTMLElement; update: (pixels: Uint8Array) => void }[] = [];
  studio.follow((shown) => {
    if (!second) return;
    const wanted = [studio.network, second];
    if (sides[1]?.network !== second) {
      sides.splice(0, 2, ...wanted.map(side));
      table.replaceChildren(...sides.map((one) => one.element));
    }
    for (const one of sides) one.update(shown.pixels);
  });
  if (others.length) open(others[0]);
  return h(
    "section",
    { class: "card", "aria-labelledby": "compare-title" },
    h("h2", { id: "compare-title" }, say.compareTitle),
    h("p", { class: "soft lead" }, say.compareLead),
    table,
    message,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => chooser.click() }, say.compareChoose), chooser),
    h("p", { class: "soft small" }, say.compareHint),
  );
}

const MOST = 300_000_000; // bytes of a data.js: some networks are large
const ROWS = 5;

function side(network: Network): { network: Network; element: HTMLElement; update: (pixels: Uint8Array) => void } {
  const { model } = network, view = canvas(192, { role: "img", "aria-label": say.lookedAt });
  const word = h("p", { class: "word" }), list = h("ul", { class: "bars" });
  return {
    network,
    element: h("div", { class: "one" }, h("h3", {}, model.name), h("p", { class: "soft" }, say.headline(model.recipe, model.data)), view, word, list),
    update: (pixels) => {
      const pass = network.run(pixels), said = answer(network, pass);
      drawPixels(view, pixels, model.size);
      layMap(view, network.classMaps(pass)[said.best], pass.last.width);
      word.textContent = said.verdict === "unlike" ? say.unlike : said.verdict === "unsure" ? `${say.unsure}: ${model.classes[said.best]}` : model.classes[said.best];
      const order = Array.from(said.probabilities.keys()).sort((a, b) => said.probabilities[b] - said.probabilities[a]).slice(0, ROWS);
      list.replaceChildren(
        ...order.map((label) => {
          const fill = h("span", { class: "fill" });
          fill.style.transform = `scaleX(${said.probabilities[label]})`;
          return h("li", { class: label === said.best ? "bar best" : "bar" }, h("span", { class: "name" }, model.classes[label]), h("span", { class: "track" }, fill), h("span", { class: "share" }, say.percent(said.probabilities[label])));
        }),
      );
    },
  };
}
