/** Elements of drawings. Colours and letters come from the style sheet: a strict policy allows no styles in markup. */

const SPACE = "http://www.w3.org/2000/svg";

export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | null> = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A path through points; it is broken where one is missing. */
export function path(points: ([number, number] | null)[]): string {
  let out = "";
  let pen = false;
  for (const point of points) {
    if (point) out += `${pen ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = point !== null;
  }
  return out;
}

/** A place whose drawing is made for its width, and made anew when that changes. */
export function sized(draw: (wide: number) => Node[], className: string): HTMLDivElement {
  const element = document.createElement("div");
  element.className = className;
  let drawn = 0;
  new ResizeObserver(() => {
    const wide = Math.floor(element.clientWidth);
    if (wide > 0 && wide !== drawn) {
      drawn = wide;
      element.replaceChildren(...draw(wide));
    }
  }).observe(element);
  return element;
}
