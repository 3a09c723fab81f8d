/** A file that somebody gave, as pixels for the network; or the sentence that says why not. */

import { look, MOST_BYTES, MOST_PIXELS } from "./picture-file";
import { fromPlanes, type Picture, type Planes, prepared, reduction } from "./prepare";
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
  const { orientation } = facts, by = facts.format === "JPEG" ? reduction(Math.min(facts.width, facts.height), size) : 1;
  const planes = by > 1 ? await planesOf(bytes) : null;
  if (planes) return { pixels: prepared(fromPlanes(planes, by), size, { orientation }), note: null };
  let bitmap: ImageBitmap;
  try {
    const typed = new Blob([bytes], { type: `image/${facts.format.toLowerCase()}` });
    bitmap = await createImageBitmap(typed, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new RefusedError(say.damagedImage);
  }
  const picture = onBackground(bitmap, background);
  bitmap.close();
  const note = !facts.exact ? say.inexactColours : by > 1 && !("ImageDecoder" in window) ? say.inexactEdges : null;
  return { pixels: prepared(picture, size, { by, orientation }), note };
}

/**
 * Brightness and colours of a JPEG as they are stored, before colours are enlarged: what libjpeg makes smaller. Null where the browser does
 * not give them away, or where the JPEG holds no colours.
 */
async function planesOf(bytes: Uint8Array<ArrayBuffer>): Promise<Planes | null> {
  if (!("ImageDecoder" in window)) return null;
  const decoder = new ImageDecoder({ data: bytes, type: "image/jpeg" });
  try {
    const { image } = await decoder.decode();
    const shrunk = { I420: [2, 2], I422: [2, 1], I444: [1, 1] }[image.format as string];
    if (!shrunk) return null;
    const { codedWidth: width, codedHeight: height } = image, data = new Uint8Array(image.allocationSize());
    const [y, u, v] = await image.copyTo(data);
    image.close();
    const plane = (at: PlaneLayout, across: number, down: number) => ({ data: data.subarray(at.offset), stride: at.stride, width: Math.ceil(width / across), height: Math.ceil(height / down), across, down });
    return { width, height, planes: [plane(y, 1, 1), plane(u, shrunk[0], shrunk[1]), plane(v, shrunk[0], shrunk[1])] };
  } catch {
    return null; // the usual way will say what is wrong with it
  } finally {
    decoder.close();
  }
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
