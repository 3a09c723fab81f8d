"""The pictures of explanations: arrays in, matplotlib Figure out. Nothing is computed here but colours.

Everything is placed in inches: small images keep their size, however long the words beside them are.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from seefar.reporting.style import ABOUT, INK, PAPER, RIGHT, SMALL, STYLE, TRAIN, WIDTH, WRONG, chart, class_colour, shorten

EDGE = 0.1  # inches around everything
LINE_HEIGHT = 1.25 * SMALL / 72  # inches, for the smallest text
NAMED = 40  # classes up to which their names find room among points (chosen by hand)
STRONGEST = 99  # percentile of a column at which the colours end: one outlier must not make the rest pale (chosen by hand)

# Blue, nothing, orange: told apart by people who do not see red and green; dark in the middle, which glares on no page
SIGNED: Colormap = LinearSegmentedColormap.from_list("signed", ["#7db9f5", "#1d2230", "#f59a5f"])
AMOUNT: Colormap = mpl.colormaps["cividis"]  # its lightness rises evenly for people who do not see all colours, too

MARKERS = "os^vDPX<>p"


@mpl.rc_context(STYLE)
def first_filters(found: Mapping[str, Any], title: str) -> Figure:
    """The filters that see the pixels, strongest first, each with its number; from FirstFilters as a dict."""
    pixels, columns = found["pixels"], 8
    rows, side, step = -(-len(pixels) // columns), 0.46, 0.66
    note = f"colour: what excites the filter; grey: no weight;\nfull colour: {found['scale']:.2g}, the same for all"
    sheet = _Sheet(WIDTH, 0.1 + rows * step + 2 * LINE_HEIGHT, title)
    for place, (picture, number) in enumerate(zip(pixels, found["order"], strict=True)):
        left, top = EDGE + place % columns * (WIDTH - 2 * EDGE) / columns, place // columns * step
        sheet.image(left, top, side, side, picture)
        sheet.text(left + side / 2, top + side + 0.02, str(number), SMALL - 1, ha="center")
    sheet.text(EDGE, rows * step + 0.04, note, SMALL)
    return sheet.figure


@mpl.rc_context(STYLE)
def health(rows: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """For each layer the share of filters that work, repeat others, are noise, or are dead; from LayerHealth as dicts.

    Of a group of duplicates one is counted as working. A filter counts once: as dead, else as a duplicate, else as noise.
    """
    figure, axes = chart(1.1 + 0.28 * len(rows), title)
    kinds = {"healthy": RIGHT, "duplicate": TRAIN, "noisy": "#d9a441", "dead": WRONG}
    hatches = {"healthy": "", "duplicate": "//", "noisy": "..", "dead": "xx"}
    counts = []
    for row in rows:
        repeats = {number for group in row["duplicates"] for number in group[1:]} - set(row["dead"])
        noisy = set(row["noisy"]) - repeats - set(row["dead"])
        bad = {"duplicate": len(repeats), "noisy": len(noisy), "dead": len(row["dead"])}
        counts.append({"healthy": row["filters"] - sum(bad.values()), **bad})
    for place, (row, count) in enumerate(zip(rows, counts, strict=True)):
        left = 0.0
        for kind, number in count.items():
            share = 100 * number / row["filters"]
            colour = kinds[kind]
            axes.barh(place, share, left=left, height=0.7, color=colour, hatch=hatches[kind], edgecolor=PAPER, linewidth=0)
            left += share
        bad_words = ", ".join(f"{number} {kind}" for kind, number in count.items() if kind != "healthy" and number)
        axes.text(101, place, bad_words or "all healthy", va="center", fontsize=SMALL)
    axes.set_yticks(range(len(rows)), [f"{shorten(row['layer'], 24)} ({row['filters']})" for row in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, 100), xlabel="% of the filters")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    return figure


@mpl.rc_context(STYLE)
def path(image: np.ndarray, found: Mapping[str, Any], probabilities: Sequence[tuple[str, float]], title: str) -> Figure:
    """From top to bottom: the image, the strongest maps of each stage in colours that one bar explains, the likeliest classes.

    Args:
        image: uint8 `(h, w, 3)`.
        found: a Path as a dict; of it `stages` is drawn.
        probabilities: classes with their probabilities 0..1, in the order in which they are to stand.
        title: whose image it is.
    """
    columns, side, step, words = 8, 0.325, 0.35, 1.05
    heights = [max(-(-len(stage["maps"]) // columns), 1) * step + 0.22 for stage in found["stages"]]
    bars = 0.2 * len(probabilities) + 0.25
    first = 1.2
    sheet = _Sheet(WIDTH, first + sum(heights) + bars - 0.15, title)
    sheet.text(EDGE, 0.05, f"pixels\n{image.shape[0]} x {image.shape[1]}", SMALL)
    sheet.image(EDGE + words, 0, first - 0.2, first - 0.2, image)
    top = first
    for stage, height in zip(found["stages"], heights, strict=True):
        channels, rows, cols = stage["shape"]
        maps = stage["maps"]
        colours, low, high = _scale(maps)
        many = f"{len(maps)} strongest of\n{channels} maps" if len(maps) < channels else f"all {channels} maps"
        sheet.text(EDGE, top + 0.02, f"{shorten(stage['layer'], 14)}\n{many}\n{rows} x {cols}", SMALL)
        for place, one in enumerate(maps):
            left, down = EDGE + words + place % columns * step, top + place // columns * step
            sheet.image(left, down, side, side, one, cmap=colours, vmin=low, vmax=high)
        sheet.scale(EDGE + words + columns * step + 0.12, top, 0.09, height - 0.26, colours, low, high)
        top += height
    sheet.text(EDGE, top + 0.02, "probability", SMALL)
    axes = sheet.axes(EDGE + words + 0.85, top, columns * step - 0.85, bars - 0.2)
    for place, (_, share) in enumerate(probabilities):
        axes.barh(place, 100 * share, height=0.7, color=RIGHT if not place else TRAIN)
        near = 100 * share < 85
        axes.text(
            100 * share + (1 if near else -1), place, _percent(share), va="center", ha="left" if near else "right", fontsize=SMALL,
            color=INK if near else "white",
        )  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(len(probabilities) - 0.4, -0.6))
    axes.set_yticks(range(len(probabilities)), [shorten(name, 16) for name, _ in probabilities], fontsize=SMALL)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return sheet.figure


@mpl.rc_context(STYLE)
def exciting(patches: Mapping[str, np.ndarray], title: str) -> Figure:
    """A row for each named unit: the patches that excite it most, uint8 `(k, ph, pw, 3)`, strongest first."""
    most = max(len(row) for row in patches.values())
    words, step = 0.95, min((WIDTH - 2 * EDGE - 0.95) / most, 0.8)
    sheet = _Sheet(WIDTH, step * len(patches), title)
    for place, (name, row) in enumerate(patches.items()):
        sheet.text(EDGE, place * step + step / 2 - 0.08, shorten(name, 16), SMALL)
        for column, picture in enumerate(row):
            sheet.image(EDGE + words + column * step, place * step, step - 0.05, step - 0.05, picture)
    return sheet.figure


@mpl.rc_context(STYLE)
def maximised(pixels: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Images made to excite units, uint8 `(u, h, w, 3)`, the name of each unit under it."""
    columns = 4 if len(pixels) <= 8 else 6
    step, side = (WIDTH - 2 * EDGE) / columns, (WIDTH - 2 * EDGE) / columns - 0.1
    high = side + LINE_HEIGHT + 0.1
    sheet = _Sheet(WIDTH, -(-len(pixels) // columns) * high, title)
    for place, (picture, name) in enumerate(zip(pixels, names, strict=True)):
        left, top = EDGE + place % columns * step, place // columns * high
        sheet.image(left, top, side, side, picture)
        sheet.text(left + side / 2, top + side + 0.02, shorten(name, 14), SMALL, ha="center")
    return sheet.figure


@mpl.rc_context(STYLE)
def overlays(images: np.ndarray, maps: Mapping[str, np.ndarray], captions: Sequence[str], title: str) -> Figure:
    """A row for each image, uint8 `(n, h, w, 3)`: the image, then what each method says of it, float32 `(n, h, w)`.

    Each is laid over the grey image: orange for the class, blue against it. Colours mean the same within a column and end at its
    99th percentile. The caption of a row stands under it.
    """
    columns = 1 + len(maps)
    step = min((WIDTH - 2 * EDGE) / columns, 1.2)
    side = step - 0.08
    width = max(columns * step + 2 * EDGE, 4.5)
    room = int((width - 2 * EDGE) * 12)  # characters in a line
    texts = [textwrap.wrap(caption, room) for caption in captions]
    heads = ["image"]
    for name, values in maps.items():
        words = textwrap.wrap(name, max(int(side * 11), len("integrated")), max_lines=2, placeholder="…")
        heads.append("\n".join([*words, _range(values)]))
    high = LINE_HEIGHT * max(head.count("\n") + 1 for head in heads) + 0.06
    sheet = _Sheet(width, high + sum(side + 0.14 + LINE_HEIGHT * len(text) for text in texts), title)
    for column, head in enumerate(heads):
        sheet.text(EDGE + column * step, high - 0.06 - LINE_HEIGHT * (head.count("\n") + 1), head, SMALL)
    top = high
    for row, (image, text) in enumerate(zip(images, texts, strict=True)):
        sheet.image(EDGE, top, side, side, image)
        for column, values in enumerate(maps.values(), start=1):
            sheet.image(EDGE + column * step, top, side, side, painted(image, values[row], _end(values)))
        sheet.text(EDGE, top + side + 0.03, "\n".join(text), SMALL)
        top += side + 0.14 + LINE_HEIGHT * len(text)
    return sheet.figure


@mpl.rc_context(STYLE)
def space(points: np.ndarray, labels: np.ndarray, right: np.ndarray, classes: Sequence[str], title: str) -> Figure:
    """Images as points `(n, 2)`, in the colour and marker of their true class; those with `right` False, `(n,)`, are ringed, on top.

    The name of a class stands in the middle of its points, if there are not too many. Beyond ten classes colours come again with other
    markers, and beyond a hundred nothing is told apart.
    """
    figure, axes = chart(4.9, title)
    small = 12 if len(points) > 1000 else 22
    for number in range(len(classes)):
        colour, marker = class_colour(number), MARKERS[(number + number // 10) % 10]
        for chosen, size, alpha, ring in (
            ((labels == number) & right, small, 0.6, 0.0),
            ((labels == number) & ~right, 2 * small, 1, 0.9),
        ):
            axes.scatter(
                points[chosen, 0], points[chosen, 1], s=size, color=colour, marker=marker, alpha=alpha, edgecolors=INK, linewidths=ring,
                zorder=3 if ring else 2,
            )  # fmt: skip
    axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    there = [number for number in range(len(classes)) if (labels == number).any()]
    if len(there) <= NAMED:
        middles = np.array([np.median(points[labels == number], axis=0) for number in there]).reshape(-1, 2)
        for number, (x, y) in zip(there, _apart(middles, points), strict=True):
            halo = {"facecolor": PAPER, "alpha": 0.65, "linewidth": 0, "boxstyle": "round,pad=0.15"}
            axes.text(
                x, y, shorten(classes[number], 14), ha="center", va="center", fontsize=SMALL, bbox=halo, zorder=4, weight="bold"
            )
    return figure


def _apart(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Places `(n, 2)` of words among points, moved up and down until no two words lie on each other."""
    wide, high = np.ptp(points, axis=0).max(initial=1e-9) * np.array([0.18, 0.055])  # of a word, as a share of the picture
    moved = places.copy()
    for _ in range(100):
        still = True
        for i in range(len(moved)):
            for j in range(i):
                across, up = moved[i] - moved[j]
                if abs(across) < wide and abs(up) < high:
                    push = (high - abs(up)) / 2 + high / 100
                    moved[i, 1] += push if up >= 0 else -push
                    moved[j, 1] -= push if up >= 0 else -push
                    still = False
        if still:
            break
    return moved


@mpl.rc_context(STYLE)
def neighbours(rows: Sequence[np.ndarray], captions: Sequence[Sequence[str]], title: str) -> Figure:
    """A row for each image in question: it, a gap, and those that are nearest to it, uint8 `(k, h, w, 3)`; words under each."""
    most, gap = max(len(row) for row in rows), 0.2
    step = min((WIDTH - 2 * EDGE - gap) / most, 1.2)
    side = step - 0.08
    letters = max(int(side * 17), 8)
    texts = [["\n".join(shorten(line, letters) for line in words.split("\n")) for words in row] for row in captions]
    deep = [max((words.count("\n") + 1 for words in row), default=0) * LINE_HEIGHT + 0.1 for row in texts]
    sheet = _Sheet(max(most * step + gap + 2 * EDGE, 4.5), sum(deep) + side * len(rows), title)
    top = 0.0
    for row, words, below in zip(rows, texts, deep, strict=True):
        for place, (picture, text) in enumerate(zip(row, words, strict=True)):
            left = EDGE + place * step + gap * (place > 0)
            sheet.image(left, top, side, side, picture)
            sheet.text(left, top + side + 0.02, text, SMALL - 1)
        top += side + below
    return sheet.figure


@mpl.rc_context(STYLE)
def data_map(variability: np.ndarray, confidence: np.ndarray, title: str) -> Figure:
    """How many images lie where: across how much the probability of their class changed over the epochs, up its mean; `(n,)` each.

    Source: Swayamdipta et al. 2020, https://arxiv.org/abs/2009.10795
    """
    figure, axes = chart(3.8, title)
    drawn = axes.hexbin(variability, confidence, gridsize=40, bins="log", mincnt=1, cmap="cividis", extent=(0, 0.5, 0, 1))
    figure.colorbar(drawn, ax=axes, label="images")
    for (x, y), word in (((0.03, 0.95), "easy"), ((0.38, 0.55), "ambiguous"), ((0.03, 0.05), "hard")):
        axes.text(x, y, word, weight="bold", bbox={"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 1.5})
    axes.set(xlim=(0, 0.5), ylim=(0, 1), xlabel="deviation of the probability over the epochs", ylabel="its mean")
    return figure


class _Sheet:
    """A figure on which everything has its place in inches, from the left and from below the title."""

    def __init__(self, width: float, height: float, title: str) -> None:
        lines = textwrap.wrap(title, int(width * 11))
        self.head = 0.2 * len(lines) + 0.14
        self.width, self.height = width, self.head + height + EDGE
        self.figure = Figure(figsize=(self.width, self.height))
        self.figure.suppressComposite = True  # each picture stays one: together they would be a single one, and blurred
        about = self.figure.text(EDGE / width, 1 - 0.07 / self.height, "\n".join(lines), fontsize=10, va="top")
        about.set_gid(f"{ABOUT} {self.head}")
        self.paper = self.figure.add_axes((0, 0, 1, 1))  # for all pictures: axes for each take ten times as long
        self.paper.set(xlim=(0, width), ylim=(self.height - self.head, -self.head))
        self.paper.set_axis_off()

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Empty axes at that place."""
        down = self.height - self.head - top - height
        return self.figure.add_axes((left / self.width, down / self.height, width / self.width, height / self.height))

    def image(self, left: float, top: float, width: float, height: float, picture: np.ndarray, **colours: Any) -> None:
        """A picture, `(h, w, 3)` or values `(h, w)` with their colours, each pixel a square, as large as fits."""
        rows, columns = picture.shape[:2]
        side = min(width / columns, height / rows)
        place = (left, left + side * columns, top + side * rows, top)
        self.paper.imshow(picture, interpolation="nearest", extent=place, aspect="auto", **colours)

    def text(self, left: float, top: float, words: str, size: float, ha: str = "left") -> None:
        """Words under that height."""
        for number, line in enumerate(
            words.split("\n")
        ):  # one by one: else lines without tall letters stand higher than others
            down = self.head + top + (1.0 + 1.25 * number) * size / 72
            self.figure.text(left / self.width, 1 - down / self.height, line, fontsize=size, ha=ha)

    def scale(self, left: float, top: float, width: float, height: float, colours: Colormap, low: float, high: float) -> None:
        """A bar of colours with the numbers at its ends."""
        steps, place = np.linspace(1, 0, 64)[:, None], (left, left + width, top + height, top)
        self.paper.imshow(steps, cmap=colours, extent=place, aspect="auto", vmin=0, vmax=1)
        self.text(left + width + 0.04, top - 0.01, f"{high:.2g}", SMALL - 1)
        self.text(left + width + 0.04, top + height - 0.13, f"{low:.2g}", SMALL - 1)


def _scale(maps: np.ndarray) -> tuple[Colormap, float, float]:
    """Colours for maps and the values at their ends: with zero in the middle where values of both signs count."""
    low, high = float(maps.min(initial=0)), float(maps.max(initial=0))
    if -low > 0.25 * high:  # GELU goes below zero, too, but little
        end = max(-low, high)
        return SIGNED, -end, end
    return AMOUNT, low, high or 1


def _end(values: np.ndarray) -> float:
    """The size of a value at which a column's colours end."""
    end = float(np.percentile(np.abs(values), STRONGEST)) if values.size else 0
    return end or float(np.abs(values).max(initial=0)) or 1


def _range(values: np.ndarray) -> str:
    """What the colours of a column go to, in words."""
    end = _end(values)
    return f"±{end:.2g}" if values.size and values.min() < 0 else f"0 to {end:.2g}"


def painted(image: np.ndarray, values: np.ndarray, end: float) -> np.ndarray:
    """A map `(h, w)` laid over the grey image, uint8 `(h, w, 3)`: orange where it is above zero, blue below; full colour at `end`."""
    strength = np.clip(values / end, -1, 1)[..., None]
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None]  # the usual brightness, ITU-R BT.601
    hue = np.where(strength > 0, _levels(WRONG), _levels(RIGHT))
    cover = 0.8 * np.abs(strength)  # something of the image is always seen
    result: np.ndarray = np.rint(grey * (1 - cover) + hue * cover).astype(np.uint8)
    return result


def _levels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
