/** Paint on an image: a finer sheet over it, whose paint is averaged down to the pixels that the network gets. */

export class Paint {
  readonly canvas = document.createElement("canvas");
  private readonly context: CanvasRenderingContext2D;
  private readonly finer: number;
  private used = false;

  constructor(private readonly size: number) {
    this.finer = Math.max(1, Math.round(256 / size));
    this.canvas.width = this.canvas.height = size * this.finer;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true })!;
    this.context.lineCap = this.context.lineJoin = "round";
  }

  get empty(): boolean {
    return !this.used;
  }

  clear(): void {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.used = false;
  }

  /** A stroke between two places; places and width as shares of the side. */
  stroke(from: [number, number], to: [number, number], colour: string, width: number): void {
    const side = this.canvas.width;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width * side;
    this.context.beginPath();
    this.context.moveTo(from[0] * side, from[1] * side);
    this.context.lineTo(to[0] * side + 0.01, to[1] * side);
    this.context.stroke();
    this.used = true;
  }

  /** The image under the paint. */
  over(pixels: Uint8Array): Uint8Array {
    if (this.empty) return pixels;
    const { size, finer } = this, { data } = this.context.getImageData(0, 0, size * finer, size * finer);
    const made = pixels.slice(), line = size * finer * 4;
    for (let y = 0, at = 0; y < size; y++) {
      for (let x = 0; x < size; x++, at += 3) {
        const sum = [0, 0, 0, 0];
        for (let dy = 0; dy < finer; dy++) {
          for (let dx = 0, from = (y * finer + dy) * line + x * finer * 4; dx < finer; dx++, from += 4) {
            for (let c = 0; c < 3; c++) sum[c] += data[from + c] * data[from + 3];
            sum[3] += data[from + 3];
          }
        }
        const share = sum[3] / (255 * finer * finer);
        if (share) for (let c = 0; c < 3; c++) made[at + c] = Math.round((sum[c] / sum[3]) * share + pixels[at + c] * (1 - share));
      }
    }
    return made;
  }
}
