/** A file that somebody gave, as pixels for the network; or the sentence that says why not. */

import { look, MOST_BYTES, MOST_PIXELS } from "./picture-file";
import { type Picture, prepared } from "./prepare";
import { say } from "./sentences";

export class RefusedError extends Error {}

export interface Read {
  pixels: Uint8Array; // uint8 (size, size, 3)
  note: string | null; // what could not be done as in training
}

/** Throws RefusedError with a sentence. */
export async function read(file: Blob, size: number, background: readonly number[]): Promise<Read> {
  if (file.size === 0) throw new RefusedError(say.emptyFile);
  if (file.size > MOST_BYTES) throw new RefusedError(say.tooManyBytes(file.size, MOST_BYTES));
  const bytes = new Uint8Array(await file.arrayBuffer()), facts = look(bytes);
  if (!facts) throw new RefusedError(say.notAnImage);
  if (facts.width * facts.height > MOST_PIXELS) throw new RefusedError(say.tooManyPixels(facts.width, facts.height, MOST_PIXELS));
  let bitmap: ImageBitmap;
  try {
    const typed = new Blob([bytes], { type: `image/${facts.format.toLowerCase()}` });
    bitmap = await createImageBitmap(typed, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new RefusedError(say.damagedImage);
  }
  const picture = onBackground(bitmap, background);
  bitmap.close();
  const how = { jpeg: facts.format === "JPEG", orientation: facts.orientation };
  return { pixels: prepared(picture, size, how), note: facts.exact ? null : say.inexactColours };
}

/** What lies in a canvas image source, transparency laid over the background. */
export function onBackground(source: ImageBitmap | HTMLVideoElement | HTMLCanvasElement, background: readonly number[]): Picture {
  const video = source instanceof HTMLVideoElement;
  const width = video ? source.videoWidth : source.width, height = video ? source.videoHeight : source.height;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = `rgb(${background.join(",")})`;
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
}
