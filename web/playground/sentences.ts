/** Everything the page says, in English. A translation is one more file like this. */

const percent = (share: number): string => {
  const hundred = share * 100;
  return hundred > 99.5 && hundred < 100 ? "> 99 %" : hundred < 0.5 && hundred > 0 ? "< 1 %" : `${Math.round(hundred)} %`;
};
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
const number = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)).replace(/^-0\.00$/, "0.00").replace("-", "−");
const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export const say = {
  percent,
  number,

  // The head of the page
  title: (name: string) => `${name} · seefar`,
  kicker: "seefar playground",
  headline: (recipe: string, data: string | null) => (data ? `${recipe} on ${data}` : recipe),
  lead: "Give the network an image and see what it makes of it. It runs here, in your browser: nothing leaves this page.",
  accuracy: (share: { value: number; low: number; high: number }, n: number) =>
    `Right on ${percent(share.value)} of ${count(n, "validation image")} (95 % interval: ${(share.low * 100).toFixed(1)} to ${(share.high * 100).toFixed(1)} %).`,
  noModel: "There is no network here: data.js is missing or damaged. Write this folder again with seefar playground.",

  // Ways in
  choose: "Choose a file",
  draw: "Draw",
  camera: "Camera",
  dropHint: "or drop or paste an image anywhere",
  dropHere: "Let go: the network looks at it at once",
  tray: "Examples",
  trayHint: "validation images, its surest mistakes, and something foreign",
  trayFile: "images that came with the file, and something foreign",
  exampleName: (place: number, label: string | null, kind: string) =>
    ({
      right: `Example ${place}: ${label}`,
      mistake: `Example ${place}, mistake: ${label}`,
      foreign: `Example ${place}, foreign`,
      example: `Example ${place}`,
    })[kind] ?? `Example ${place}`,
  markOf: { right: "", mistake: "mistake", foreign: "foreign", example: "" } as Record<string, string>,
  shutter: "Take this picture",
  noCamera: "The camera cannot be used: there is none, or the browser does not allow it. Choose a file instead.",
  drawing: "Draw here: the answer follows.",

  // What cannot be read
  emptyFile: "This file is empty.",
  notAnImage: "This is not an image: PNG, JPEG, WEBP, BMP and GIF are read.",
  damagedImage: "This image is damaged or cut off, and cannot be shown.",
  tooManyBytes: (bytes: number, most: number) => `This file has ${megabytes(bytes)}; at most ${megabytes(most)} are read.`,
  tooManyPixels: (width: number, height: number, most: number) =>
    `This image has ${width} x ${height} pixels; at most ${Math.round(most / 1e6)} million are read.`,
  inexactColours: "This JPEG is made for print (CMYK). Its colours may differ a little from what Python would see.",
  inexactEdges: "This browser does not tell how the JPEG is stored: at sharp edges, colours may differ by a few grey levels from what Python would see.",
  several: (n: number) => `${count(n, "file")} at once: the first one is shown. One image at a time.`,
  nothingGiven: "There was no image in what you gave.",

  // The picture
  pictureTitle: "What the network sees",
  pictureSize: (size: number) => `${size} x ${size} pixels, and no more`,
  pictureLabel: (size: number) => `The image as the network gets it, ${size} times ${size} pixels`,
  shown: "Show",
  plain: "Image",
  lookedAt: "Where it looked",
  legend: (name: string) => `Orange speaks for ${name}, blue against it.`,
  reset: "Undo all changes",
  tools: "Change it",
  brush: "Brush",
  brushColour: "Colour",
  brushSize: "Width",
  wipe: "Wipe off the paint",
  paintHint: "Paint on the picture with the pointer.",
  sliders: {
    across: "Move across",
    down: "Move down",
    turn: "Turn",
    zoom: "Enlarge",
    blur: "Blur",
    hue: "Hue",
    saturation: "Saturation",
    light: "Brightness",
    noise: "Noise",
  } as Record<string, string>,

  // The answer
  answerTitle: "What it says",
  barsLabel: "Probability of each class. Press one to see where the network looked for it.",
  barName: (name: string, share: number) => `${name}, ${percent(share)}`,
  unsure: "Not sure",
  unsureMore: (name: string, share: number, sure: number) => `If it must choose: ${name}, ${percent(share)}. Only from ${percent(sure)} on was it right 99 times in 100.`,
  unlike: "Unlike anything it was trained on",
  unlikeMore: (name: string, share: number) => `If it must choose: ${name}, ${percent(share)}. It was not made for such images, so do not believe it.`,
  sure: (share: number, sure: number) => `${percent(share)} sure. From ${percent(sure)} on it was right 99 times in 100.`,
  plainMore: (share: number) => `${percent(share)} sure.`,
  truth: (name: string) => `In truth: ${name}.`,
  time: (ms: number, engine: string) => `Answered in ${ms < 1 ? "under 1" : Math.round(ms)} ms (${engine}).`,
  others: (n: number) => `${count(n, "further class", "further classes")}`,

  // The way through
  throughTitle: "The way through the network",
  throughLead:
    "Each small picture is the output of one filter, bright where it found what it looks for; the strongest come first. Point at one to see what feeds it, what it looks for, and how its numbers come about.",
  stem: "Whitening",
  convolution: (n: number) => `Convolution ${n}`,
  blockShape: (filters: number, height: number, width: number) => `${filters} filters, ${height} x ${width}`,
  allFilters: (n: number) => `All ${n}`,
  fewerFilters: "Fewer",
  filterName: (block: string, filter: number) => `${block}, filter ${filter + 1}`,
  answerColumn: "Answer",
  answerShape: (n: number) => count(n, "class", "classes"),
  imageColumn: "Image",
  pixelHint: "Point at a place of the map, or move with the arrow keys.",
  mapLabel: (name: string) => `${name}: its output; arrow keys move the place that is worked out`,
  slide: "Let the kernel slide",
  stop: "Stop",
  place: (y: number, x: number, value: string) => `Row ${y + 1}, column ${x + 1}: ${value}`,
  arithmetic: "How this number comes about",
  fromImage: ["red", "green", "blue"],
  inputs: "what comes in",
  kernel: "kernel",
  products: "products, summed",
  rest: (n: number, sum: string) => `${count(n, "further channel")} together: ${sum}`,
  bias: (value: string) => `and a constant: ${value}`,
  sumIs: (value: string) => `The sum is ${value}.`,
  pooled: "Four neighbouring sums are computed; this one is the largest, and only it goes on.",
  normed: (scale: string, shift: string, value: string) => `Normalised: times ${scale}, plus ${shift}, is ${value}.`,
  relu: (value: string) => `ReLU lets only what is above 0 pass: ${value}.`,
  gelu: (value: string) => `GELU lets what is above 0 pass, softly: ${value}.`,
  added: (value: string, sum: string) => `What came in is added, ${value}: ${sum}.`,
  exciting: "Training images that excite it most",
  excitingWait: (done: number, all: number) => `Looking through the training images: ${done} of ${all}`,
  excitingSome: (n: number) => `of ${n} training images that came with this page`,
  noBank: "The training images are not part of this page, because it was made from a model file or they are no longer where they were.",
  nearestTitle: "The nearest training images",
  nearestLead: "By what the last layer sees of them: these look most like your image to the network.",
  nearestName: (label: string, cosine: number) => `${label}, cosine ${cosine.toFixed(2)}`,

  // Experiments
  walkTitle: "Walk from one image to another",
  walkLead: "Between two images lies a line of mixtures. Where does the answer turn?",
  walkFrom: "From",
  walkTo: "To",
  walkTake: "Take the image above",
  walkSlider: "How far along the walk",
  walkMix: (share: number) => `${percent(share)} of the way`,
  walkChart: (turns: string) => `Probabilities along the walk: ${turns}`,
  foolTitle: "Fool it",
  foolLead: "How small a patch of one colour changes the answer? The search tries places and colours, and keeps making the patch smaller.",
  foolStart: "Find a patch",
  foolStop: "Stop",
  foolBusy: (side: number, tried: number) => `Trying patches of ${side} x ${side} pixels (${count(tried, "image")} so far)`,
  foolFound: (side: number, of: number, from: string, to: string) =>
    `${side} x ${side} of ${of} x ${of} pixels turn ${from} into ${to}. That is the smallest patch found, not proven to be the smallest there is.`,
  foolNone: "No patch of one colour was found that changes the answer.",
  foolUse: "Take the patched image",
  compareTitle: "Compare two networks",
  compareLead: "Both answer the same image, live.",
  compareChoose: "Choose the data.js of another playground",
  compareHint: "Write it with seefar playground RUN --out FOLDER; or give both at once: seefar playground RUN --other RUN.",
  compareClasses: "That network knows other classes; its answers stand beside each other, not against each other.",
  compareSize: (one: number, other: number) => `That network takes images of ${one} x ${one} pixels, this one of ${other} x ${other}: they cannot look at the same image.`,
  damagedModel: "That file is cut or damaged; write it again with seefar playground.",
  foreignModel: "That is no data.js of a seefar playground.",
  newerModel: "That file was written by another version of seefar; write it again with this one.",
  confusionTitle: "What it takes for what",
  confusionLead: "Rows are what validation images show, columns what the network calls them. Press a number to see the images.",
  confusionCell: (n: number, truth: string, called: string) => (n === 1 ? `1 ${truth} is called ${called}` : `${n} of ${truth} are called ${called}`),
  confusionShown: (truth: string, called: string, shown: number, all: number) =>
    `${truth} called ${called}: ${shown === all ? `all ${all}` : `the ${shown} surest of ${all}`}. Press one to look into it.`,
  confusionNone: "Mistakes are kept by a run, and this page was made from a model file.",
  tookFor: (truth: string, called: string) => `${truth}, called ${called}`,
  docs: "What programs can ask this service.",
  footer: "Made with seefar. Nothing is sent anywhere: this page loads its own files and no others.",
};
