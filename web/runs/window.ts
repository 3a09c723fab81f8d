/** Which rows of a long table are drawn. */

/** The first row and the one behind the last, of those that are seen, with some more above and below. */
export function seen(top: number, height: number, row: number, count: number, more = 6): [number, number] {
  const first = Math.max(0, Math.min(Math.floor(top / row) - more, count));
  return [first, Math.min(count, Math.max(first, Math.ceil((top + height) / row) + more))];
}

/** Where to scroll so that a row is seen whole below the heads; the same place if it is. */
export function scrolled(top: number, height: number, row: number, index: number): number {
  if (index * row < top) return index * row;
  if ((index + 1) * row > top + height) return (index + 1) * row - height;
  return top;
}
