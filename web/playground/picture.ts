/** The picture that the network really gets, where it looked, and the tools that change it. */

import { h } from "../shared/dom";
import { canvas, drawPixels, layMap } from "./draw";
import { NEUTRAL, RANGES } from "./edits";
import { say } from "./sentences";
import type { Studio } from "./studio";

const SIDE = 640; // of the canvas; the style sheet says how large it is shown

export interface Picture {
  element: HTMLElement;
  tools: HTMLElement; // the sliders
  stage: HTMLElement; // where a camera's picture may be laid
  startDrawing(): void;
}

export function picture(studio: Studio): Picture {
  const { size } = studio.model;
  const view = canvas(SIDE, { class: "view", role: "img", "aria-label": say.pictureLabel(size) });
  const plain = h("button", { type: "button", "aria-pressed": "true" }, say.plain);
  const looked = h("button", { type: "button", "aria-pressed": "false" }, say.lookedAt);
  const legend = h("p", { class: "legend soft", hidden: true });
  const undo = h("button", { type: "button", onclick: () => studio.undo() }, say.reset);
  const brush = h("button", { type: "button", "aria-pressed": "false", "aria-controls": "brush" }, say.brush);
  const colour = h("input", { type: "color", value: "#1b1d21", "aria-label": say.brushColour });
  const width = h("input", { type: "range", min: 0.02, max: 0.3, step: 0.01, value: 0.09, "aria-label": say.brushSize });
  const brushRow = h("div", { class: "brush", id: "brush", hidden: true }, colour, width, h("button", { type: "button", onclick: () => wipe() }, say.wipe), h("span", { class: "soft" }, say.paintHint));
  const prompt = h("p", { class: "prompt", role: "status" });
  const stage = h("div", { class: "stage" }, view, prompt);
  const wipe = (): void => {
    studio.paint.clear();
    studio.changed();
  };
  let overlay = false;

  const show = (map: boolean): void => {
    overlay = map;
    plain.setAttribute("aria-pressed", String(!map));
    looked.setAttribute("aria-pressed", String(map));
    legend.hidden = !map;
    if (!map) studio.chosen = null;
  };
  for (const [button, map] of [[plain, false], [looked, true]] as const) {
    button.addEventListener("click", () => {
      show(map);
      studio.changed();
    });
  }

  const brushing = (on: boolean): void => {
    brush.setAttribute("aria-pressed", String(on));
    brushRow.hidden = !on;
    view.classList.toggle("brushing", on);
  };
  brush.addEventListener("click", () => brushing(brush.getAttribute("aria-pressed") !== "true"));
  let last: [number, number] | null = null;
  const place = (event: PointerEvent): [number, number] => {
    const box = view.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  view.addEventListener("pointerdown", (event) => {
    if (!view.classList.contains("brushing") || event.button !== 0) return;
    view.setPointerCapture(event.pointerId);
    last = place(event);
    studio.paint.stroke(last, last, colour.value, width.valueAsNumber);
    studio.changed();
    event.preventDefault();
  });
  view.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const to = place(one);
      studio.paint.stroke(last, to, colour.value, width.valueAsNumber);
      last = to;
    }
    studio.changed();
  });
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => (last = null));

  const sliders = RANGES.map(([name, least, most, step]) => {
    const input = h("input", { type: "range", id: `slide-${name}`, min: least, max: most, step });
    input.addEventListener("input", () => {
      studio.edits[name] = input.valueAsNumber;
      studio.changed();
    });
    return { name, input, row: h("div", { class: "slider" }, h("label", { for: input.id }, say.sliders[name]), input) };
  });

  let chosen: number | null = null;
  studio.follow((shown) => {
    if (studio.chosen !== chosen && studio.chosen !== null) show(true); // who presses a class wants to see it
    chosen = studio.chosen;
    drawPixels(view, shown.pixels, size);
    prompt.textContent = view.classList.contains("brushing") && shown.pixels.every((one) => one === 255) ? say.drawing : "";
    if (overlay) {
      layMap(view, studio.network.classMaps(shown.pass)[studio.mapped], shown.pass.last.width);
      legend.textContent = say.legend(studio.model.classes[studio.mapped]);
    }
    for (const { name, input } of sliders) input.valueAsNumber = studio.edits[name] ?? NEUTRAL[name];
    undo.disabled = studio.untouched;
  });

  const element = h(
    "section",
    { class: "picture", "aria-labelledby": "picture-title" },
    h("div", { class: "over" }, h("h2", { id: "picture-title" }, say.pictureTitle), h("span", { class: "soft" }, say.pictureSize(size))),
    stage,
    h("div", { class: "row", role: "group", "aria-label": say.shown }, plain, looked, brush),
    legend,
    brushRow,
  );
  const tools = h(
    "details",
    { class: "tools", open: window.matchMedia("(min-width: 62rem)").matches },
    h("summary", {}, say.tools),
    h("div", { class: "sliders" }, ...sliders.map((one) => one.row), undo),
  );
  return {
    element,
    tools,
    stage,
    startDrawing: () => {
      studio.take(new Uint8Array(size * size * 3).fill(255));
      show(false);
      brushing(true);
      if (element.getBoundingClientRect().bottom > window.innerHeight) element.scrollIntoView({ block: "start" }); // phones: room for the answer
    },
  };
}
