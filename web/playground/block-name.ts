/** What a convolution and what follows it is called. */

import { say } from "./sentences";
import type { Studio } from "./studio";

export function blockName(studio: Studio, block: number): string {
  const convolutions = studio.model.layers.filter((layer) => layer.kind === "conv");
  const stem = convolutions[0].name.startsWith("stem");
  return stem && block === 0 ? say.stem : say.convolution(block + (stem ? 0 : 1));
}
