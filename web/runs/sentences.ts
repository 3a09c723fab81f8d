/** Every word of the page. A translation is a file like this one. */

export const said = {
  title: "runs",
  tabs: { runs: "Runs", studies: "Studies and searches", looks: "Looks at test" },
  counted: (shown: number, all: number) =>
    shown === all ? `${whole(all)} ${all === 1 ? "run" : "runs"}` : `${whole(shown)} of ${whole(all)} runs`,
  training: (n: number) => `${whole(n)} training`,
  scanning: "reading folders",
  lost: "seefar ui does not answer any more; start it again. What you see here is from before.",
  empty: "There are no runs here yet. `seefar run --data shapes --recipe tiny` makes one in about a minute, and it appears here while it trains.",
  nothing: "No run fits the filter.",
  filter: "Filter",
  filterHint: "words, tag:paper, test>90, dropout=0.2",
  filterHelp:
    "Words are looked for in path, recipe, data, state and tags. Compare with > < = : validation>90, seconds<60, looks>1, tag:paper, or any field of the recipe. A minus before a word leaves out what has it.",
  data: "Data",
  state: "State",
  any: "any",
  sortBy: "Sort by",
  turn: "Turn the order round",
  columns: "Columns",
  columnsFacts: "What is known of a run",
  columnsFields: "Fields of the recipe that differ among these runs",
  columnsNone: "All these runs have one recipe.",
  always: "always shown",
  choose: (name: string) => `choose ${name}`,
  chosen: (n: number) => `${n} chosen`,
  lay: "Lay over each other",
  clear: "Clear",
  close: "Close",
  tableHelp: "Arrow keys move, space chooses, enter opens.",
  states: {
    training: "training",
    finished: "finished",
    patience: "ended early",
    budget: "time over",
    diverged: "diverged",
    interrupted: "interrupted",
    pruned: "given up",
    stopped: "stopped",
    unknown: "damaged",
  } as Record<string, string>,
  stateMeans: {
    training: "it trains now",
    finished: "all epochs were trained",
    patience: "it stopped getting better, and training ended",
    budget: "the time that it was given is over",
    diverged: "the loss became infinite or no number",
    interrupted: "a signal ended it; seefar train --resume goes on",
    pruned: "a search gave it up, since others were better by then",
    stopped: "no process trains here any more, and none said why; seefar train --resume goes on",
    unknown: "its files do not say",
  } as Record<string, string>,
  trainingOn: (host: string) => `by its own account it trains on ${host}`,
  damaged: "damaged",
  heads: {
    name: "Run",
    state: "State",
    data: "Data",
    validation: "Validation",
    test: "Test",
    looks: "Looks",
    curve: "Curve",
    seconds: "Time",
    epochs: "Epochs",
    started: "Started",
    tags: "Tags",
    recipe: "Recipe",
    seed: "Seed",
    images: "Images",
    classes: "Classes",
  } as Record<string, string>,
  headMeans: {
    validation: "accuracy on validation images with its 95 % interval; without one, as it was seen in training",
    test: "accuracy on test images with its 95 % interval",
    looks: "how often test images were looked at with this network: with many looks, chance alone finds a good figure",
    curve: "validation accuracy by epoch",
    seconds: "seconds of training",
    images: "training images",
  } as Record<string, string>,
  balanced: "balanced accuracy: the classes are uneven",
  inTraining: "seen in training: not evaluated yet",
  noFigure: "not measurable",
  lookCount: (n: number) => (n === 1 ? "1 look at test images" : `${whole(n)} looks at test images`),
  curveSays: (first: number, last: number) => `validation accuracy from ${percent(first)} to ${percent(last)}`,
  ofPlanned: (epochs: number) => ` of ${whole(epochs)}`,
  copy: "Copy",
  copied: "Copied",
  details: {
    evaluated: "How good it is",
    notEvaluated: "It has not been evaluated yet.",
    tta: "with test-time augmentation",
    of: (images: number) => ` ${whole(images)} ${images === 1 ? "image" : "images"}, one seed`,
    fields: (n: number) => `All ${n} fields`,
    fieldHeads: ["Field", "Value"],
    looks: "Looks at test images",
    noLooks: "Nobody has looked at test images with this network.",
    curves: "Curves",
    recipe: "Recipe",
    made: "How it was made",
    playground: "Playground",
    exported: (names: string[]) => `Exported as ${names.join(", ")}.`,
    start: (run: string) => `It starts from the weights of ${run}.`,
    commands: "In a terminal",
    wrong: "What is wrong with this folder",
    reading: "Reading",
  },
  pages: { report: "Report", card: "Model card", explanation: "Explanation", curves: "Training picture", study: "Report" } as Record<string, string>,
  lay2: {
    title: "Chosen runs",
    one: "Choose another run to lay their curves over each other, and to compare them.",
    drawn: (n: number) => `The first ${n} are drawn.`,
    remove: (name: string) => `leave out ${name}`,
    curves: "Curves",
    differences: "What differs in their recipes",
    same: "They have the same recipe.",
    seedOnly: "They have the same recipe; only the seed differs.",
    compare: "Paired comparison",
    compareButton: (base: string) => `Compare with ${base}`,
    compareTwo: "Compare the two",
    comparing: "Comparing image by image; the first time this takes some seconds.",
    noLook: "From stored answers: this is no look at test images.",
    split: "Images",
    splits: { test: "test", validation: "validation" } as Record<string, string>,
    byClass: "By class",
    classHeads: ["Class", "Images", "Change", "Gained", "Lost", "p (Holm)"],
    differs: "difference in points, with 95 % interval",
    cannot: "Two runs can be compared once both are evaluated on the same images: seefar evaluate.",
    base: "base",
  },
  chart: {
    metric: "Shown",
    over: "over",
    metrics: {
      validation_accuracy: "validation accuracy",
      accuracy: "training accuracy",
      validation_loss: "validation loss",
      loss: "training loss",
      rate: "learning rate",
    } as Record<string, string>,
    axes: { epoch: "epoch", seconds: "seconds" } as Record<string, string>,
    label: (metric: string, axis: string, n: number) => `${metric} over ${axis} of ${n} ${n === 1 ? "run" : "runs"}; arrow keys read values`,
    at: (axis: string, x: string) => `${axis} ${x}`,
    none: "There is no epoch yet.",
  },
  studies: {
    none: "There are no studies and no searches here yet. `seefar study enhancement --data cifar10` trains variants with several seeds each, and says what helps.",
    kinds: { study: "study", search: "search" } as Record<string, string>,
    runs: (n: number) => `Show its ${n === 1 ? "run" : `${whole(n)} runs`}`,
    going: "not finished",
    forest: (against: string) => `points more than ${against}, with 95 % interval`,
    variant: "Variant",
    mean: (split: string) => `Mean on ${split}`,
    verdict: "Verdict",
    seconds: "Time",
    before: "the variant before",
    trials: "Trials",
    trialHeads: ["Trial", "State", "Validation", "Epochs", "Fields"],
    confirmed: "Confirmed with fresh seeds",
    winner: "best",
    all: (shown: number, of: number) => `${whole(shown)} best of ${whole(of)} trials`,
  },
  looks: {
    about:
      "Every output of a trained network for test images is a look, and each one is written down before its output exists. With enough looks chance alone finds a good figure, so here are all of this machine.",
    none: "Nobody has looked at test images on this machine yet.",
    heads: ["Test images", "Looks", "Networks", "What for", "First", "Last"],
    here: (n: number) => (n === 1 ? "1 run here" : `${whole(n)} runs here`),
    unknown: "images of runs that are not here",
    most: "Runs with most looks",
    runHeads: ["Run", "Test", "Looks"],
  },
};

const numbers = new Intl.NumberFormat("en");

/** A whole number with separators: 5,000. */
export function whole(value: number): string {
  return numbers.format(value);
}

/** A share in per cent: 84.6 %. With more digits where it would be rounded to all or nothing. */
export function percent(share: number, digits = 1): string {
  while (digits < 4 && share > 0 && share < 1 && [0, 100].includes(Number((100 * share).toFixed(digits)))) digits++;
  return `${(100 * share).toFixed(digits)}\u00a0%`;
}

/** The two ends of an interval: 83.6–85.6. */
export function between(low: number, high: number, digits = 1): string {
  return `${(100 * low).toFixed(digits)}–${(100 * high).toFixed(digits)}`;
}

/** A difference of shares in points, with its sign. */
export function points(difference: number, digits = 2): string {
  const value = (100 * difference).toFixed(digits);
  return difference > 0 ? `+${value}` : value.replace("-", "\u2212");
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)}\u00a0s`;
  const all = Math.round(seconds);
  if (all < 60) return `${all}\u00a0s`;
  if (all < 3600) return `${Math.floor(all / 60)}\u00a0min ${all % 60}\u00a0s`;
  return `${Math.floor(all / 3600)}\u00a0h ${Math.floor((all % 3600) / 60)}\u00a0min`;
}

/** A moment, in the time of the reader: today's without its day. */
export function moment(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const pad = (n: number) => String(n).padStart(2, "0");
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return at.toDateString() === now.toDateString() ? `today ${clock}` : `${day} ${clock}`;
}

/** A number of a curve: enough digits to tell neighbours apart. */
export function figure(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return Math.abs(value) >= 100 ? whole(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A p-value as `seefar compare` prints it. */
export function probability(p: number): string {
  return p < 0.0001 ? "<\u00a00.0001" : p.toFixed(4);
}

/** The value of a recipe field, as `--set` takes it. */
export function field(value: unknown): string {
  return value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
}
