/** What somebody has set up on the page: kept in its address, so that a bookmark shows the same. */

export interface View {
  tab: "runs" | "studies" | "looks";
  filter: string;
  data: string;
  state: string;
  group: string;
  sort: string;
  descending: boolean;
  columns: string[];
  /** Ids in the order in which they were chosen. */
  chosen: string[];
  opened: string | null;
  study: string | null;
}

export function usual(columns: string[]): View {
  return { tab: "runs", filter: "", data: "", state: "", group: "", sort: "started", descending: true, columns, chosen: [], opened: null, study: null };
}

const ID = /^[0-9a-f]{16}$/;
const MOST_CHOSEN = 100;

/** From what stands behind the # of an address; what makes no sense is left as usual. */
export function read(hash: string, columns: string[]): View {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const view = usual(columns);
  const tab = given.get("tab");
  if (tab === "studies" || tab === "looks") view.tab = tab;
  view.filter = given.get("filter") ?? "";
  view.data = given.get("data") ?? "";
  view.state = given.get("state") ?? "";
  const ids = (name: string) => (given.get(name) ?? "").split(",").filter((id) => ID.test(id));
  view.group = ids("group")[0] ?? "";
  view.study = ids("study")[0] ?? null;
  view.opened = ids("open")[0] ?? null;
  view.chosen = [...new Set(ids("chosen"))].slice(0, MOST_CHOSEN);
  const sort = given.get("sort");
  if (sort && /^-?[a-z_:]+$/.test(sort)) {
    view.descending = sort.startsWith("-");
    view.sort = sort.replace(/^-/, "");
  }
  const shown = given.get("columns");
  if (shown) view.columns = shown.split(",").filter((id) => /^[a-z_:]+$/.test(id));
  return view;
}

/** What stands behind the #: only what is not as usual. */
export function written(view: View, columns: string[]): string {
  const before = usual(columns);
  const out = new URLSearchParams();
  for (const name of ["tab", "filter", "data", "state", "group"] as const) if (view[name] !== before[name]) out.set(name, view[name]);
  const sort = `${view.descending ? "-" : ""}${view.sort}`;
  if (sort !== "-started") out.set("sort", sort);
  if (view.columns.join() !== columns.join()) out.set("columns", view.columns.join());
  if (view.chosen.length) out.set("chosen", view.chosen.slice(0, MOST_CHOSEN).join());
  if (view.opened) out.set("open", view.opened);
  if (view.study) out.set("study", view.study);
  return out.toString();
}

/** Colours for chosen runs: each keeps its own for as long as it is chosen. */
export function slots(chosen: string[], before: Map<string, number>, count: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const id of chosen) {
    const old = before.get(id);
    if (old !== undefined) found.set(id, old);
  }
  const taken = new Set(found.values());
  for (const id of chosen) {
    if (found.has(id)) continue;
    let slot = 0;
    while (slot < count && taken.has(slot)) slot++;
    if (slot === count) slot = found.size % count;
    taken.add(slot);
    found.set(id, slot);
  }
  return new Map(chosen.map((id) => [id, found.get(id) as number]));
}
