/** The pictures of a sheet, pixel by pixel as Python wrote them. */

import type { Sheet } from "./model";

export async function picturesOf(sheet: Sheet, size: number): Promise<Uint8Array[]> {
  if (!sheet.count) return [];
  const image = new Image();
  image.src = sheet.url;
  await image.decode();
  const whole = document.createElement("canvas");
  [whole.width, whole.height] = [image.naturalWidth, image.naturalHeight];
  const context = whole.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" })!;
  context.drawImage(image, 0, 0);
  return Array.from({ length: sheet.count }, (_, place) => {
    const { data } = context.getImageData((place % sheet.columns) * size, Math.floor(place / sheet.columns) * size, size, size);
    return Uint8Array.from({ length: size * size * 3 }, (_, i) => data[Math.floor(i / 3) * 4 + (i % 3)]);
  });
}
