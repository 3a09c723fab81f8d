/** How an image comes in: a file that is chosen, dropped or pasted, a drawing, the camera, an example. */

import { h } from "../shared/dom";
import { canvas, drawPixels } from "./draw";
import type { Picture } from "./picture";
import { prepared } from "./prepare";
import { onBackground, read, RefusedError } from "./read";
import { say } from "./sentences";
import { picturesOf } from "./sheets";
import type { Studio } from "./studio";

const FRAME = 80; // milliseconds between two pictures of the camera

export interface WaysIn {
  buttons: HTMLElement;
  tray: HTMLElement;
  message: HTMLElement;
}

export function waysIn(studio: Studio, picture: Picture): WaysIn {
  const { size, background } = studio.model;
  const message = h("p", { class: "message", role: "status", hidden: true });
  const tell = (sentence: string | null): void => {
    message.textContent = sentence ?? "";
    message.hidden = !sentence;
  };
  const camera = cameraOf(studio, picture, tell);

  let turn = 0;
  const give = async (files: readonly Blob[]): Promise<void> => {
    const mine = ++turn; // only the last file that was given counts
    camera.stop();
    if (!files.length) return tell(say.nothingGiven);
    try {
      const found = await read(files[0], size, background);
      if (mine !== turn) return;
      studio.take(found.pixels);
      tell(files.length > 1 ? say.several(files.length) : found.note);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (mine === turn) tell(error.message);
    }
  };

  const chooser = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/gif,image/bmp", class: "unseen", tabindex: -1, "aria-hidden": "true" });
  chooser.addEventListener("change", () => {
    void give([...(chooser.files ?? [])]);
    chooser.value = "";
  });
  dropped(give);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length && event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    void give(files);
  });

  const buttons = h(
    "div",
    { class: "ways" },
    h("button", { type: "button", class: "first", onclick: () => chooser.click() }, say.choose),
    h("button", {
      type: "button",
      onclick: () => {
        camera.stop();
        tell(null);
        picture.startDrawing();
      },
    }, say.draw),
    h("button", { type: "button", onclick: () => void camera.start() }, say.camera),
    h("span", { class: "soft" }, say.dropHint),
    chooser,
  );
  const tray = trayOf(studio, () => {
    turn++;
    camera.stop();
    tell(null);
  });
  return { buttons, tray, message };
}

/** The page takes what is dropped anywhere, and says so while something hovers over it. */
function dropped(give: (files: readonly Blob[]) => Promise<void>): void {
  const veil = h("div", { class: "veil", hidden: true }, h("p", {}, say.dropHere));
  document.body.append(veil);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    void give([...(event.dataTransfer?.files ?? [])]);
  });
}

function trayOf(studio: Studio, chosen: () => void): HTMLElement {
  const { tray, size, confusion } = studio.model;
  const list = h("ul", { class: "tray" });
  void picturesOf(tray.sheet, size).then((pictures) => {
    pictures.forEach((pixels, place) => {
      const { label, kind } = tray.entries[place], small = canvas(96, { "aria-hidden": "true" });
      drawPixels(small, pixels, size);
      const mark = say.markOf[kind];
      const button = h("button", { type: "button", class: `thumb ${kind}`, "aria-label": say.exampleName(place + 1, label, kind) }, small, mark && h("span", { class: "mark" }, mark));
      button.addEventListener("click", () => {
        chosen();
        studio.take(pixels, label);
      });
      list.append(h("li", {}, button));
    });
    if (!studio.shown && pictures.length) studio.take(pictures[0], tray.entries[0].label);
  });
  return h("section", { class: "examples", "aria-labelledby": "tray-title" }, h("h2", { id: "tray-title" }, say.tray, " ", h("span", { class: "soft hint" }, confusion ? say.trayHint : say.trayFile)), list);
}

/** The camera, live: each picture is prepared like a file and answered at once. */
function cameraOf(studio: Studio, picture: Picture, tell: (sentence: string | null) => void): { start(): Promise<void>; stop(): void } {
  const { size, background } = studio.model;
  const video = h("video", { playsinline: true, class: "unseen", "aria-hidden": "true" });
  video.muted = true;
  let stream: MediaStream | null = null, timer = 0;
  const stop = (): void => {
    clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    controls.remove();
    video.remove();
  };
  const controls = h("button", { type: "button", class: "first shutter", onclick: stop }, say.shutter);
  const start = async (): Promise<void> => {
    stop();
    tell(null);
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } }, audio: false });
    } catch {
      return tell(say.noCamera);
    }
    video.srcObject = stream;
    picture.stage.append(video, controls);
    await video.play();
    let first = true;
    timer = window.setInterval(() => {
      if (!video.videoWidth) return;
      studio.take(prepared(onBackground(video, background), size), null, !first);
      first = false;
    }, FRAME);
  };
  return { start, stop };
}
