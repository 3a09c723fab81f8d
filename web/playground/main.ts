/** The playground: one network, one image, and everything that can be seen of what the one makes of the other. */

import { at, h } from "../shared/dom";
import { answer } from "./answer";
import { explained } from "./arithmetic";
import { Bank } from "./bank";
import { bars } from "./bars";
import { compare } from "./compare";
import { confusion } from "./confusion";
import { fool } from "./fool";
import { DamagedError, type Model, opened } from "./model";
import { nearest } from "./nearest";
import { Network } from "./network";
import { picture } from "./picture";
import { prepared } from "./prepare";
import { read } from "./read";
import { say } from "./sentences";
import { Studio } from "./studio";
import { through } from "./through";
import { walk } from "./walk";
import { waysIn } from "./ways-in";

declare global {
  interface Window {
    seefarDocs?: string; // where a service says what programs can ask it
    seefarModels?: unknown[];
    seefar?: unknown; // for the curious, at the browser's console, and for tests
  }
}

function begin(): void {
  const page = at("page"), [first, ...others] = window.seefarModels ?? [];
  let model: Model, network: Network;
  try {
    const found = opened(first);
    model = found.model;
    network = new Network(model, found.weights);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    page.append(h("p", { class: "message", role: "alert" }, say.noModel));
    return;
  }
  document.title = say.title(model.name);
  const studio = new Studio(network), bank = new Bank(network);
  const shown = picture(studio), ways = waysIn(studio, shown);
  page.append(
    h(
      "header",
      {},
      h(
        "div",
        { class: "about" },
        h("p", { class: "kicker" }, say.kicker),
        h("h1", {}, say.headline(model.recipe, model.data)),
        h("p", { class: "soft lead" }, say.lead),
        model.accuracy && h("p", { class: "soft" }, say.accuracy(model.accuracy, model.validation)),
      ),
      ways.buttons,
      ways.message,
    ),
    h("div", { class: "look card" }, shown.element, bars(studio), shown.tools),
    ways.tray,
    through(studio, bank),
    nearest(studio, bank),
    h("div", { class: "experiments" }, walk(studio), fool(studio)),
    compare(studio, others),
    confusion(studio),
    h("footer", { class: "soft" }, h("p", {}, say.footer, window.seefarDocs && " ", window.seefarDocs && h("a", { href: window.seefarDocs }, say.docs))),
  );
  window.seefar = {
    model,
    studio,
    bank,
    prepared,
    read: async (file: Blob) => Array.from((await read(file, model.size, model.background)).pixels),
    answer: (pixels: ArrayLike<number>) => answer(network, network.run(Uint8Array.from(pixels))),
    maps: (pixels: ArrayLike<number>) => network.classMaps(network.run(Uint8Array.from(pixels))).map((map) => Array.from(map)),
    layers: (pixels: ArrayLike<number>, plain = false) => layerByLayer(plain ? new Network(model, opened(first).weights, true) : network, pixels),
    explained: (block: number, filter: number, y: number, x: number) => explained(network, studio.shown!.pass, block, filter, y, x),
  };
  studio.follow(() => {
    if (!bank.all) window.setTimeout(() => void start(), 300); // the first answer comes first
  });
  let started = false;
  const start = async (): Promise<void> => {
    if (started) return;
    started = true;
    await bank.start();
  };
}

/** What each layer gives, channel after channel as torch and ONNX have it. */
function layerByLayer(network: Network, pixels: ArrayLike<number>): { kind: string; shape: number[]; values: number[] }[] {
  const found: { kind: string; shape: number[]; values: number[] }[] = [];
  network.run(Uint8Array.from(pixels), false, (_, layer, { values, channels, height, width, stride }) => {
    const places = height * width;
    found.push({ kind: layer.kind, shape: [channels, height, width], values: Array.from({ length: channels * places }, (_, i) => values[(i % places) * stride + Math.floor(i / places)]) });
  });
  return found;
}

begin();
