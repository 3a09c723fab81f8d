/** The training images that look most like the one shown, to the last layer. */

import { h } from "../shared/dom";
import type { Bank } from "./bank";
import { canvas, drawPixels } from "./draw";
import { say } from "./sentences";
import type { Studio } from "./studio";

const MOST = 8;

export function nearest(studio: Studio, bank: Bank): HTMLElement {
  const { size, classes } = studio.model;
  const list = h("ul", { class: "tray near" }), note = h("p", { class: "soft" });
  const show = (): void => {
    if (!studio.shown) return;
    note.textContent = bank.none ? say.noBank : bank.done < bank.all || !bank.all ? say.excitingWait(bank.done, bank.all || bank.labels.length) : "";
    note.hidden = !note.textContent;
    list.replaceChildren(
      ...bank.nearest(studio.shown.pass.features, MOST).map(({ image, cosine }) => {
        const small = canvas(96, { "aria-hidden": "true" }), label = classes[bank.labels[image]];
        drawPixels(small, bank.pictures[image], size);
        const button = h("button", { type: "button", class: "thumb", "aria-label": say.nearestName(label, cosine) }, small);
        button.addEventListener("click", () => studio.take(bank.pictures[image], label));
        return h("li", {}, button, h("span", { class: "caption" }, label));
      }),
    );
  };
  studio.follow(show);
  bank.follow(show);
  return h("section", { class: "card", "aria-labelledby": "nearest-title" }, h("h2", { id: "nearest-title" }, say.nearestTitle), h("p", { class: "soft lead" }, say.nearestLead), list, note);
}
