/** Which classes the network takes for which: a pair opens the images. */

import { gliding, h } from "../shared/dom";
import { canvas, drawPixels } from "./draw";
import { say } from "./sentences";
import { picturesOf } from "./sheets";
import type { Studio } from "./studio";

export function confusion(studio: Studio): HTMLElement {
  const { classes, size, confusion: found } = studio.model;
  const section = h("section", { class: "card", "aria-labelledby": "confusion-title" }, h("h2", { id: "confusion-title" }, say.confusionTitle));
  if (!found) {
    section.append(h("p", { class: "soft" }, say.confusionNone));
    return section;
  }
  const note = h("p", { role: "status" }), list = h("ul", { class: "tray" });
  const most = Math.max(1, ...found.counts.flatMap((row, truth) => row.filter((_, called) => called !== truth)));
  const pictures = picturesOf(found.sheet, size);
  const open = async (truth: number, called: number): Promise<void> => {
    const places = found.pairs.flatMap(([a, b], place) => (a === truth && b === called ? [place] : []));
    const all = await pictures;
    note.textContent = say.confusionShown(classes[truth], classes[called], places.length, found.counts[truth][called]);
    list.replaceChildren(
      ...places.map((place) => {
        const small = canvas(96, { "aria-hidden": "true" });
        drawPixels(small, all[place], size);
        const button = h("button", { type: "button", class: "thumb", "aria-label": say.tookFor(classes[truth], classes[called]) }, small);
        button.addEventListener("click", () => {
          studio.take(all[place], classes[truth]);
          window.scrollTo({ top: 0, behavior: gliding() });
        });
        return h("li", {}, button);
      }),
    );
  };
  const head = h("tr", {}, h("td", {}), ...classes.map((name) => h("th", { scope: "col" }, h("span", {}, name))));
  const rows = found.counts.map((row, truth) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, classes[truth]),
      ...row.map((n, called) => {
        if (!n || truth === called) return h("td", { class: truth === called ? "diagonal" : "" }, n && truth === called ? String(n) : "");
        const button = h("button", { type: "button", "aria-label": say.confusionCell(n, classes[truth], classes[called]), onclick: () => void open(truth, called) }, String(n));
        button.style.setProperty("--strength", String(n / most));
        return h("td", {}, button);
      }),
    ),
  );
  const worst = found.counts.flatMap((row, truth) => row.map((n, called) => ({ n: truth === called ? 0 : n, truth, called }))).reduce((a, b) => (b.n > a.n ? b : a));
  if (worst.n) void open(worst.truth, worst.called);
  section.append(
    h("p", { class: "soft lead" }, say.confusionLead),
    h("div", { class: "both" }, h("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": say.confusionTitle }, h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, ...rows))),
    h("div", { class: "opened" }, note, list)),
  );
  return section;
}
