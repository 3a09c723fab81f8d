/** The training images that came with the page: which of them excite a filter most, and which lie nearest to an image. Found in idle time. */

import { cosine } from "./answer";
import type { Maps, Network } from "./network";
import { picturesOf } from "./sheets";

export interface Exciting {
  image: number;
  y: number;
  x: number;
  value: number;
}

const KEPT = 6; // of a filter
const SLICE = 12; // milliseconds at a time
const PATIENCE = 30_000; // milliseconds in all: a slow network looks at fewer images

export class Bank {
  pictures: Uint8Array[] = [];
  done = 0;
  all = 0;
  readonly labels: number[];
  private readonly features: Float32Array[] = [];
  private readonly best: Exciting[][][] = []; // block, filter, most exciting first
  private readonly listeners: (() => void)[] = [];

  constructor(private readonly network: Network) {
    this.labels = network.model.bank?.labels ?? [];
  }

  get none(): boolean {
    return !this.network.model.bank;
  }

  follow(listener: () => void): void {
    this.listeners.push(listener);
  }

  async start(): Promise<void> {
    const { bank, size } = this.network.model;
    if (!bank) return;
    this.pictures = await picturesOf(bank.sheet, size);
    this.all = this.pictures.length;
    let spent = 0;
    while (this.done < this.all) {
      await new Promise((resolve) => (window.requestIdleCallback ?? ((go: () => void) => setTimeout(go, 20)))(resolve as () => void, { timeout: 200 }));
      const began = performance.now();
      do this.look(this.done++);
      while (this.done < this.all && performance.now() - began < SLICE);
      spent += performance.now() - began;
      this.all = Math.min(this.all, Math.max(this.done, Math.floor((PATIENCE / spent) * this.done)));
      if (this.done === this.all || this.done % 10 === 0) for (const listener of this.listeners) listener();
    }
  }

  exciting(block: number, filter: number): Exciting[] {
    return this.best[block]?.[filter] ?? [];
  }

  /** The nearest images with their cosines, nearest first. */
  nearest(features: Float32Array, most: number): { image: number; cosine: number }[] {
    const found = this.features.map((one, image) => ({ image, cosine: cosine(features, one) }));
    return found.sort((a, b) => b.cosine - a.cosine).slice(0, most);
  }

  private look(image: number): void {
    let block = -1, before: Maps | null = null;
    const pass = this.network.run(this.pictures[image], false, (_, layer, value) => {
      if (layer.kind === "conv" && ++block > 0) this.enter(block - 1, image, before!);
      before = value;
    });
    this.enter(block, image, pass.last);
    this.features.push(pass.features);
  }

  private enter(block: number, image: number, maps: Maps): void {
    const lists = (this.best[block] ??= Array.from({ length: maps.channels }, () => []));
    const largest = new Float32Array(maps.channels).fill(-Infinity), places = new Int32Array(maps.channels);
    for (let p = 0, at = 0; at < maps.values.length; p++, at += maps.stride) {
      for (let c = 0; c < maps.channels; c++) {
        if (maps.values[at + c] > largest[c]) {
          largest[c] = maps.values[at + c];
          places[c] = p;
        }
      }
    }
    lists.forEach((list, c) => {
      if (largest[c] <= 0 || (list.length === KEPT && largest[c] <= list[KEPT - 1].value)) return;
      list.push({ image, y: Math.floor(places[c] / maps.width), x: places[c] % maps.width, value: largest[c] });
      list.sort((a, b) => b.value - a.value);
      list.length = Math.min(list.length, KEPT);
    });
  }
}
