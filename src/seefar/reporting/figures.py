"""The charts of a report: numbers in, matplotlib Figure out. Nothing is computed here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from seefar.reporting.pictures import tiled
from seefar.reporting.style import INK, RIGHT, SEVERAL, STYLE, TRAIN, WIDTH, WRONG, chart, plain_numbers, shorten, wrapped

ENDINGS = {
    "patience": "stopped: no better epoch",
    "budget": "stopped: budget used up",
    "interrupted": "interrupted",
    "diverged": "diverged",
    "pruned": "pruned by a search",
}
TIME = ("seconds of training, validation included", "accuracy in %")  # the axes of validation curves
READABLE = 20  # columns up to which the cells of a table have numbers (chosen by hand)


@mpl.rc_context(STYLE)
def curves(history: Sequence[dict[str, Any]], title: str, ending: str = "") -> Figure:
    """Loss, accuracy and learning rate over the epochs, under each other; the best epoch is marked, and an early end.

    Args:
        history: the rows of `history.csv`.
        title: what was trained, on what.
        ending: why training ended, as the last Epoch or the manifest says it.
    """
    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
    panels: list[Axes] = list(figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.6)))
    epochs = [row["number"] for row in history]
    best = max((row["number"] for row in history if row["best"]), default=None)
    marker = "." if len(history) <= 60 else ""
    for axes, name, unit in ((panels[0], "loss", 1), (panels[1], "accuracy", 100)):
        axes.plot(epochs, [row[name] * unit for row in history], color=TRAIN, marker=marker, ls="--", label="training")
        validation = [row[f"validation_{name}"] * unit for row in history]
        axes.plot(epochs, validation, color=RIGHT, marker=marker, label="validation")
        if best is not None:
            axes.plot([best], [validation[epochs.index(best)]], "o", ms=9, mfc="none", mec=RIGHT)
    rates = [row["rate"] for row in history]
    panels[2].plot(epochs, rates, color=INK, marker=marker)
    low = [rate for rate in rates[:-1] if rate <= max(rates) / 9.9]  # a decade below
    if min(rates) > 0 and len(low) > len(rates[:-1]) / 4:  # a mere fall to nothing at the end is better seen on a linear axis
        panels[2].set_yscale("log")
    else:
        panels[2].set_ylim(0, None)
        panels[2].yaxis.set_major_locator(MaxNLocator(3))
    plain_numbers(panels[2].yaxis)
    for axes in panels:
        if best is not None:
            axes.axvline(best, color=RIGHT, lw=1.2, ls=":", zorder=2.1, label=f"best epoch: {best}")
        if ending in ENDINGS:
            axes.axvline(epochs[-1], color=WRONG, lw=1.2, label=ENDINGS[ending])
    for axes, name in zip(panels, ("loss in nats", "accuracy in %", "learning rate"), strict=True):
        axes.set_ylabel(name)
    panels[2].set(xlabel="epoch", xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
    panels[2].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.align_ylabels()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    panels[0].set_title(wrapped(title), loc="left")
    return figure


@mpl.rc_context(STYLE)
def rate_curve(rates: Sequence[float], losses: Sequence[float], suggestion: float, title: str) -> Figure:
    """The loss against a growing learning rate on a logarithmic axis, with the suggested rate.

    Losses far above the first are cut off: there training has left the ground, and how far does not matter.
    """
    figure, axes = chart(3.4, title)
    axes.plot(rates, losses, color=RIGHT)
    axes.axvline(suggestion, color=WRONG, lw=1.2, ls="--", label=f"suggested rate: {suggestion:.2g}")
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    known = [loss for loss in losses if np.isfinite(loss)]
    low, top = min(known), max(known)
    top = min(top, known[0] + (known[0] - low) / 2)
    axes.set(ylim=(low - 0.05 * (top - low), top), xlabel="learning rate", ylabel="training loss in nats")
    axes.legend(loc="best")
    return figure


@mpl.rc_context(STYLE)
def lines(
    named: Mapping[str, tuple[Sequence[float], Sequence[float]]], across: str, up: str, title: str, marker: str = ""
) -> Figure:
    """Several lines from their places across and up, each with its colour and dashes."""
    figure, axes = chart(3.6, title)
    for place, (name, (steps, values)) in enumerate(named.items()):
        dashes, colour = ("-", "--", ":", "-.")[(place + place // len(SEVERAL)) % 4], SEVERAL[place % len(SEVERAL)]
        axes.plot(steps, values, dashes, lw=1.8, color=colour, marker=marker, label=shorten(name, 30))
    axes.set(xlim=(0, None), ylim=(None if marker else 0, None), xlabel=across, ylabel=up)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


@mpl.rc_context(STYLE)
def recalls(scores: Sequence[dict[str, Any]], accuracy: float, title: str) -> Figure:
    """For each class the share of its images that was found, with its interval; best class on top."""
    rows = sorted(scores, key=lambda score: score["recall"]["value"])
    figure, axes = chart(1.2 + 0.26 * len(rows), title)
    _bars(axes, [(score["name"], *(score["recall"][name] for name in ("value", "low", "high"))) for score in rows], 18)
    axes.axvline(accuracy * 100, color=WRONG, lw=1.2, ls="--", label="all classes")
    axes.set(ylim=(-0.7, len(rows) - 0.3), xlabel="found, in % of the images of the class, with 95 % interval")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    return figure


@mpl.rc_context(STYLE)
def intervals(rows: Sequence[tuple[str, float, float, float]], label: str, title: str, *, zero: bool = False) -> Figure:
    """Named shares with their intervals under each other, in the order given; with a line at zero if asked for."""
    figure, axes = chart(1.1 + 0.3 * len(rows), title)
    _bars(axes, rows, 36)
    if zero:
        axes.axvline(0, color=WRONG, lw=1.2, ls="--")
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
    return figure


def _bars(axes: Axes, rows: Sequence[tuple[str, float, float, float]], most: int) -> None:
    """Names, each with a value as a dot on the bar from its lowest to its highest."""
    for position, (_, value, low, high) in enumerate(rows):
        axes.plot([100 * low, 100 * high], [position, position], color=RIGHT, lw=5, alpha=0.35, solid_capstyle="round")
        axes.plot([100 * value], [position], "o", color=RIGHT, ms=5)
    axes.set_yticks(range(len(rows)), [shorten(name, most) for name, *_ in rows])


@mpl.rc_context(STYLE)
def brightness(description: Mapping[str, Any], title: str) -> Figure:
    """How often which value occurs: red, green, blue, and brightness, as shares of all pixels; from a Description as a dict."""
    figure, axes = chart(2.6, title)
    colours = {"red": "#d1495b", "green": "#3f9b5f", "blue": "#3b7dd8", "brightness": INK}
    histograms = [*description["channel_histograms"], description["brightness_histogram"]]
    for (name, colour), counts in zip(colours.items(), histograms, strict=True):
        edges = [256 * i / len(counts) for i in range(len(counts) + 1)]
        shares = [100 * count / sum(counts) for count in [*counts, counts[-1]]]
        axes.step(edges, shares, where="post", color=colour, lw=1.6, label=name)
    axes.set(xlim=(0, 256), ylim=(0, None), xlabel="value of the pixel, 0 dark to 255 bright", ylabel="% of the pixels")
    axes.legend(loc="upper right", ncols=2)
    return figure


@mpl.rc_context(STYLE)
def gallery(pixels: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Rows of images under each other: `pixels` uint8 `(rows, columns, h, w, 3)`, a name for each row."""
    framed = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    rows, columns, height = framed.shape[:3]
    figure, axes = chart(0.8 + 0.5 * rows, title, 1.5 + 0.5 * columns)
    axes.imshow(tiled(framed.reshape(-1, *framed.shape[2:]), columns), interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([(row + 0.5) * height for row in range(rows)], [shorten(name) for name in names])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


@mpl.rc_context(STYLE)
def captioned(pixels: Sequence[np.ndarray], captions: Sequence[str], title: str, columns: int = 8) -> Figure:
    """Pictures of one size, uint8 `(h, w, 3)` each, in rows, with a few words under each."""
    rows = -(-len(pixels) // columns)
    height, width = pixels[0].shape[:2]
    side = 1.1 * width / height  # inches
    figure = Figure(figsize=(columns * side, rows * 1.6 + 0.5), layout="constrained")
    panels: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.set_axis_off()
    for axes, picture, caption in zip(panels, pixels, captions, strict=False):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title("\n".join(shorten(line) for line in caption.split("\n")), fontsize=7, y=-0.02, va="top", pad=0)
    figure.suptitle(wrapped(title, columns * side), x=0.01, ha="left", fontsize=11)
    return figure


@mpl.rc_context(STYLE)
def costs(points: Sequence[tuple[str, float, float]], front: Sequence[str], title: str) -> Figure:
    """Named variants by seconds of training and accuracy; those on the front are joined by a line, cheapest first."""
    figure, axes = chart(3.8, title)
    places = {name: (seconds, 100 * accuracy) for name, seconds, accuracy in points}
    axes.plot(*zip(*(places[name] for name in front), strict=True), color=RIGHT, lw=1.2, ls="--", zorder=1)
    for name, place in places.items():
        axes.plot(*place, "o", color=RIGHT if name in front else TRAIN, ms=6)
        axes.annotate(shorten(name, 28), place, xytext=(5, 4), textcoords="offset points", fontsize=8)
    dearest = max(0.1, *(seconds for seconds, _ in places.values()))
    axes.set(xlim=(0, 1.25 * dearest), xlabel="seconds of training", ylabel="accuracy in %")
    return figure


@mpl.rc_context(STYLE)
def reliability(calibration: Mapping[str, Any], title: str) -> Figure:
    """Accuracy against confidence, before and after the temperature: on the diagonal the network is as often right as it says."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 2))
    for axes, name, words in zip(panels, ("before", "after"), ("as the network states it", "calibrated"), strict=True):
        found = calibration[name]
        bins = [b for b in found["bins"] if b["images"]]
        most = max(b["images"] for b in bins)
        for b in bins:
            low, up, wide = 100 * b["low"], 100 * b["accuracy"], 100 * (b["high"] - b["low"])
            shade = 0.25 + 0.75 * b["images"] / most
            axes.bar(low, up, wide, align="edge", color=RIGHT, alpha=shade, edgecolor=RIGHT, linewidth=0.6)
        axes.plot([0, 100], [0, 100], color=WRONG, lw=1.2, ls="--")
        axes.plot([100 * b["confidence"] for b in bins], [100 * b["accuracy"] for b in bins], color=INK, lw=0, marker=".", ms=5)
        axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence in %", ylabel="accuracy in %")
        axes.set_title(f"{words}: error {100 * found['error']:.1f} %", loc="left", fontsize=10)
    panels[1].set_ylabel("")
    figure.suptitle(wrapped(title), x=0.01, ha="left", fontsize=11)
    return figure


@mpl.rc_context(STYLE)
def coverage(selective: Mapping[str, Any], title: str) -> Figure:
    """Accuracy against coverage: on the images with the highest confidence, by their fraction."""
    figure, axes = chart(2.8, title)
    axes.plot([100 * c for c in selective["coverages"]], [100 * a for a in selective["accuracies"]], color=RIGHT)
    if selective["threshold"] is not None and selective["coverage"]:
        place, words = (selective["coverage"], selective["accuracy"]["value"]), f"confidence from {selective['threshold']:.0%}"
        axes.plot([100 * place[0]], [100 * place[1]], "o", color=WRONG, label=words)
        axes.legend(loc="lower left")
    axes.set(xlim=(0, 100), xlabel="images covered, most confident first, in %", ylabel="accuracy on them in %")
    return figure


@mpl.rc_context(STYLE)
def dendrogram(groups: Mapping[str, Any], title: str) -> Figure:
    """The tree of classes by how often they are taken for each other; the groups are in colour. From Groups as a dict."""
    from scipy.cluster import hierarchy

    names, largest, cut = groups["order"], 100 * groups["largest"], 100 * groups["cut"]
    figure, axes = chart(1.2 + 0.26 * len(names), title)
    tree = np.array(groups["merges"])
    tree[:, 2] += 1e-9  # the strongest pair merges at 0, which must not look like a leaf
    drawn = hierarchy.dendrogram(tree, no_plot=True)
    for across, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        along = [largest * 1.1 if x == 0 else largest - 100 * x for x in distances]  # a leaf sticks out to the right
        grouped = 100 * max(distances) < cut
        axes.plot(along, across, color=WRONG if grouped else TRAIN, lw=1.8 if grouped else 1.2)
    axes.axvline(largest - cut, color=INK, lw=0.8, ls=":")
    axes.set_yticks([5 + 10 * place for place in range(len(names))], [shorten(name) for name in names])
    axes.yaxis.tick_right()
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="taken for each other, in % of the images", xlim=(None, largest * 1.1))
    return figure


# Tables in shades

Cell = tuple[str, float, str, bool]  # colour, how strong, what stands in it, and whether that is white


@mpl.rc_context(STYLE)
def matrix(counts: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix: rows are the true classes, columns the predicted ones. Shade is the share of the row."""
    n = len(classes)
    small = n > READABLE
    side = max(2 + (0.13 * n if small else 0.5 * n), 4.5)  # inches

    def cell(i: int, j: int) -> Cell:
        share = counts[i][j] / max(sum(counts[i]), 1)
        strength = share if i == j else share**0.6  # small shares of mistakes must still be seen
        return RIGHT if i == j else WRONG, min(0.08 + 0.92 * strength, 1), f"{counts[i][j]}", strength > 0.45

    figure, axes = chart(side, "", side + 0.6)
    axes.set_title(wrapped(title, side), loc="left")
    _cells(axes, ((i, j, cell(i, j)) for i in range(n) for j in range(n) if counts[i][j]), classes, classes)
    axes.set(aspect="equal", xlabel="predicted", ylabel="true class")
    for axis, angle in ((axes.xaxis, 90 if small else 45), (axes.yaxis, 0)):
        axis.set_tick_params(labelrotation=angle, labelsize=5 if small else 9)
    for label in axes.get_xticklabels() if small else []:
        label.set(horizontalalignment="center", rotation_mode="default")
    return figure


@mpl.rc_context(STYLE)
def changes_by_class(changes: Mapping[str, Sequence[float]], classes: Sequence[str], title: str) -> Figure:
    """What each variant wins and loses of each class's recall, in points: zero is neutral, one scale for all."""
    grid = 100 * np.array(list(changes.values()))
    end = max(float(np.abs(grid).max()), 1e-9)
    figure, axes = chart(1.6 + 0.28 * len(changes), title, 3.2 + 0.55 * len(classes))

    def cell(value: float) -> Cell:
        return RIGHT if value > 0 else WRONG, abs(value) / end, f"{value:+.1f}", abs(value) / end > 0.6

    _cells(axes, ((i, j, cell(value)) for (i, j), value in np.ndenumerate(grid)), list(changes), classes, 28)
    return figure


@mpl.rc_context(STYLE)
def corruptions(accuracies: Mapping[str, Sequence[float]], columns: Sequence[str], clean: float, title: str) -> Figure:
    """Accuracy for each corruption in percent, by severity or by class: the darker, the farther below that on clean images."""
    grid, top = 100 * np.array(list(accuracies.values())), 100 * clean
    figure, axes = chart(1.4 + 0.26 * len(grid), title, max(2.2 + 0.55 * len(columns), 4.5))

    def cell(value: float) -> Cell:
        strength = min(max((top - value) / max(top, 1), 0), 1)
        return WRONG, strength, f"{value:.0f}", strength > 0.6

    names = [name.replace("_", " ") for name in accuracies]
    _cells(axes, ((i, j, cell(value)) for (i, j), value in np.ndenumerate(grid)), names, columns, 28)
    for axis in (axes.xaxis, axes.yaxis) if len(columns) > READABLE else ():
        axis.set_tick_params(labelsize=5)
    return figure


def _cells(
    axes: Axes, cells: Iterable[tuple[int, int, Cell]], rows: Sequence[str], columns: Sequence[str], most: int = 18
) -> None:
    """Cells, by row and column, with the names of rows beside and of columns below; many columns leave no room for what is in them."""
    axes.grid(visible=False)
    for i, j, (colour, strength, words, white) in cells:
        axes.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, alpha=strength, linewidth=0, in_layout=False))
        if len(columns) <= READABLE:
            axes.text(j + 0.5, i + 0.5, words, ha="center", va="center", fontsize=8, color="white" if white else INK)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    axes.set_xticks([j + 0.5 for j in range(len(columns))], [shorten(name) for name in columns])
    axes.set_yticks([i + 0.5 for i in range(len(rows))], [shorten(name, most) for name in rows])
    for axis, angle in ((axes.xaxis, 35), (axes.yaxis, 0)):
        axis.set_tick_params(length=0, labelrotation=angle, labelsize=8)
    for label in axes.get_xticklabels():
        label.set(horizontalalignment="right", rotation_mode="anchor")
