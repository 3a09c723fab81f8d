/** The one image that all parts of the page look at: where it came from, what was done to it, what the network says of it. */

import { type Answer, answer } from "./answer";
import { type Edits, edited, NEUTRAL } from "./edits";
import type { Model } from "./model";
import type { Network, Pass } from "./network";
import { Paint } from "./paint";

export interface Shown {
  pixels: Uint8Array;
  pass: Pass; // with its blocks
  answer: Answer;
  truth: string | null;
  fresh: boolean; // another image, not the same one changed
  milliseconds: number;
}

export class Studio {
  readonly model: Model;
  readonly paint: Paint;
  edits: Edits = { ...NEUTRAL };
  chosen: number | null = null; // the class whose map is shown; null: the most probable
  shown: Shown | null = null;
  private base: Uint8Array;
  private truth: string | null = null;
  private fresh = true;
  private waiting = false;
  private readonly listeners: ((shown: Shown) => void)[] = [];

  constructor(readonly network: Network) {
    this.model = network.model;
    this.paint = new Paint(this.model.size);
    this.base = new Uint8Array(this.model.size ** 2 * 3).fill(255);
  }

  follow(listener: (shown: Shown) => void): void {
    this.listeners.push(listener);
  }

  /** Another image; what was done to the one before is forgotten, unless it is one of a row (of a camera, of a walk). */
  take(pixels: Uint8Array, truth: string | null = null, oneOfMany = false): void {
    this.base = pixels;
    this.truth = truth;
    if (!oneOfMany) {
      this.edits = { ...NEUTRAL };
      this.paint.clear();
      this.chosen = null;
      this.fresh = true;
    }
    this.changed();
  }

  undo(): void {
    this.edits = { ...NEUTRAL };
    this.paint.clear();
    this.changed();
  }

  get untouched(): boolean {
    return this.paint.empty && (Object.keys(NEUTRAL) as (keyof Edits)[]).every((one) => this.edits[one] === NEUTRAL[one]);
  }

  choose(label: number | null): void {
    this.chosen = label;
    this.changed();
  }

  /** The class whose map is shown. */
  get mapped(): number {
    return this.chosen ?? this.shown?.answer.best ?? 0;
  }

  /** The answer follows with the next frame, once for all changes until then. */
  changed(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.show());
  }

  show(): void {
    this.waiting = false;
    const pixels = this.paint.over(edited(this.base, this.model.size, this.edits));
    const began = performance.now(), pass = this.network.run(pixels, true), said = answer(this.network, pass);
    const milliseconds = performance.now() - began, { truth, fresh } = this;
    this.fresh = false;
    this.shown = { pixels, pass, answer: said, truth, fresh, milliseconds };
    for (const listener of this.listeners) listener(this.shown);
  }
}
