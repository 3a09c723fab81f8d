/** The answer: in words, and as a bar for each class that follows while the image changes. */

import { h } from "../shared/dom";
import { say } from "./sentences";
import type { Shown, Studio } from "./studio";

const MOST = 12; // classes with bars; beyond, the most probable ones

export function bars(studio: Studio): HTMLElement {
  const { classes, sure } = studio.model;
  const word = h("p", { class: "word" }), more = h("p", { class: "more" }), time = h("p", { class: "time soft" });
  const spoken = h("div", { class: "spoken", "aria-live": "polite" }, word, more);
  const list = h("ul", { class: "bars", "aria-label": say.barsLabel });
  const shownRows = Math.min(classes.length, MOST);
  const rows = Array.from({ length: shownRows }, () => {
    const name = h("span", { class: "name" }), fill = h("span", { class: "fill" }), share = h("span", { class: "share" });
    const button = h("button", { type: "button", class: "bar" }, name, h("span", { class: "track" }, fill), share);
    list.append(h("li", {}, button));
    return { button, name, fill, share, label: 0 };
  });
  for (const row of rows) row.button.addEventListener("click", () => studio.choose(studio.chosen === row.label ? null : row.label));
  if (classes.length > MOST) list.append(h("li", { class: "soft rest" }, say.others(classes.length - MOST)));

  studio.follow((shown) => {
    const { probabilities, best, verdict } = shown.answer, name = classes[best], share = probabilities[best];
    spoken.dataset.verdict = verdict;
    word.textContent = verdict === "unlike" ? say.unlike : verdict === "unsure" ? say.unsure : name;
    more.textContent = {
      unlike: say.unlikeMore(name, share),
      unsure: say.unsureMore(name, share, sure ?? 1),
      sure: say.sure(share, sure ?? 1),
      plain: say.plainMore(share),
    }[verdict];
    if (shown.truth) more.textContent += ` ${say.truth(shown.truth)}`;
    time.textContent = say.time(shown.milliseconds, studio.network.kernel.name);
    labels(shown, classes.length).forEach((label, place) => {
      const row = rows[place];
      row.label = label;
      row.name.textContent = classes[label];
      row.fill.style.transform = `scaleX(${probabilities[label]})`;
      row.share.textContent = say.percent(probabilities[label]);
      row.button.setAttribute("aria-pressed", String(studio.chosen === label));
      row.button.classList.toggle("best", label === best);
    });
  });
  return h("section", { class: "answer", "aria-labelledby": "answer-title" }, h("h2", { id: "answer-title", class: "unseen" }, say.answerTitle), spoken, list, time);
}

/** Few classes keep their places, so that bars move and do not jump; of many the most probable are shown. */
function labels(shown: Shown, classes: number): number[] {
  const all = Array.from({ length: classes }, (_, label) => label);
  if (classes <= MOST) return all;
  return all.sort((a, b) => shown.answer.probabilities[b] - shown.answer.probabilities[a]).slice(0, MOST);
}
