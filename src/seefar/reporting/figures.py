"""The charts of a report: numbers in, matplotlib Figure out. Nothing is computed here."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seefar.reporting.pictures import tiled
from seefar.reporting.style import (
    ABOUT,
    INK,
    PAPER,
    RIGHT,
    SEVERAL,
    SMALL,
    STYLE,
    TRAIN,
    WIDTH,
    WRONG,
    chart,
    class_colour,
    plain_numbers,
    shorten,
    wrapped,
)

ENDINGS = {
    "patience": "stopped: no better epoch",
    "budget": "stopped: budget used up",
    "interrupted": "interrupted",
    "diverged": "diverged",
    "pruned": "pruned by a search",
}
HALO = {"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 1}  # behind words that stand on lines
TIME = ("seconds of training, validation included", "accuracy in %")  # the axes of validation curves


@mpl.rc_context(STYLE)
def curves(history: Sequence[dict[str, Any]], title: str, ending: str = "") -> Figure:
    """Loss, accuracy and learning rate over the epochs, under each other; the best epoch is marked, and an early end.

    Args:
        history: the rows of `history.csv`.
        title: what was trained, on what.
        ending: why training ended, as the last Epoch or the manifest says it.
    """
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
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
    for axes, name, unit in ((panels[0], "loss", 1), (panels[1], "accuracy", 100)):
        last = history[-1]
        named = [(last[name] * unit, "training", TRAIN), (last[f"validation_{name}"] * unit, "validation", RIGHT)]
        _name_lines(axes, named, 2)
    events = [(best, f"best epoch: {best}", RIGHT)] if best is not None else []
    events += [(epochs[-1], ENDINGS[ending], WRONG)] if ending in ENDINGS else []
    for line, (place, words, colour) in enumerate(events):
        left = place <= (epochs[0] + epochs[-1]) / 2
        at, shift = (place, 0.98), (4 if left else -4, -SMALL * 1.2 * line)
        panels[1].annotate(
            words, at, shift, xycoords=("data", "axes fraction"), textcoords="offset points", color=colour, fontsize=SMALL,
            ha="left" if left else "right", va="top", bbox=HALO,
        )  # fmt: skip
    panels[0].set_title(wrapped(title), loc="left", gid=ABOUT)
    return figure


def _name_lines(axes: Axes, ends: Sequence[tuple[float, str, str]], height: float) -> None:
    """Names of lines at the right, each at the height where its line ends, in its colour, moved apart where they would touch.

    Args:
        axes: with its lines drawn.
        ends: of each line its last value, its name and its colour.
        height: of the axes in inches, about.
    """
    low, high = axes.get_ylim()
    apart = 1.15 * SMALL / 72 / height
    known = [(value, name, colour) for value, name, colour in ends if np.isfinite(value)]
    places: list[float] = []
    for value, _, _ in sorted(known):
        place = min(max((value - low) / (high - low), 0), 1)
        places.append(max(place, places[-1] + apart) if places else place)
    too_high = max(places[-1] - 1, 0) if places else 0
    for place, (_, name, colour) in zip(places, sorted(known), strict=True):
        axes.text(1.01, place - too_high, name, transform=axes.transAxes, color=colour, fontsize=SMALL, va="center")


@mpl.rc_context(STYLE)
def rate_curve(rates: Sequence[float], losses: Sequence[float], suggestion: float, title: str) -> Figure:
    """The loss against a growing learning rate on a logarithmic axis, with the suggested rate.

    Losses far above the first are cut off: there training has left the ground, and how far does not matter.
    """
    figure, axes = chart(3.4, title)
    axes.plot(rates, losses, color=RIGHT)
    axes.axvline(suggestion, color=WRONG, lw=1.2, ls="--")
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    known = [loss for loss in losses if np.isfinite(loss)]
    low, top = min(known), max(known)
    top = min(top, known[0] + (known[0] - low) / 2)
    axes.set(ylim=(low - 0.05 * (top - low), top), xlabel="learning rate", ylabel="training loss in nats")
    _name_place(axes, suggestion, f"suggested rate: {suggestion:.2g}")
    return figure


def _name_place(axes: Axes, place: float, words: str) -> None:
    """Words at the top of an upright line in the same colour, on the side that has more room; the limits of the axes are set."""
    at = (axes.transData + axes.transAxes.inverted()).transform((place, axes.get_ylim()[0]))[0]
    shift, side = (4, "left") if at < 0.55 else (-4, "right")
    axes.annotate(
        words, (place, 0.98), (shift, 0), xycoords=("data", "axes fraction"), textcoords="offset points", color=WRONG,
        fontsize=SMALL, ha=side, va="top", bbox=HALO,
    )  # fmt: skip


@mpl.rc_context(STYLE)
def lines(
    named: Mapping[str, tuple[Sequence[float], Sequence[float]]], across: str, up: str, title: str, marker: str = ""
) -> Figure:
    """Several lines from their places across and up, each with its colour and dashes."""
    figure, axes = chart(max(3.2, 0.8 + 0.16 * len(named)), title)
    ends = []
    for place, (name, (steps, values)) in enumerate(named.items()):
        dashes, colour = ("-", "--", ":", "-.")[(place + place // len(SEVERAL)) % 4], SEVERAL[place % len(SEVERAL)]
        axes.plot(steps, values, dashes, lw=1.8, color=colour, marker=marker)
        ends.append((values[-1], shorten(name, 22), colour))
    axes.set(xlim=(0, None), ylim=(None if marker else 0, None), xlabel=across, ylabel=up)
    _name_lines(axes, ends, figure.get_figheight() - 0.9)
    return figure


@mpl.rc_context(STYLE)
def recalls(scores: Sequence[dict[str, Any]], accuracy: float, title: str) -> Figure:
    """For each class the share of its images that was found, with its interval; best class on top."""
    order = sorted(range(len(scores)), key=lambda label: scores[label]["recall"]["value"])
    figure, axes = chart(1.3 + 0.24 * len(order), title)
    rows = [(scores[i]["name"], *(scores[i]["recall"][name] for name in ("value", "low", "high"))) for i in order]
    _bars(axes, rows, 18, [class_colour(i) for i in order])
    axes.axvline(accuracy * 100, color=INK, lw=1, ls="--")
    axes.text(accuracy * 100, len(order) - 0.35, "all", ha="center", fontsize=SMALL)
    axes.set(ylim=(-0.7, len(order) - 0.4), xlabel="found of each class, in %, with 95 % interval")
    return figure


@mpl.rc_context(STYLE)
def intervals(rows: Sequence[tuple[str, float, float, float]], label: str, title: str, *, zero: bool = False) -> Figure:
    """Named shares with their intervals under each other, in the order given; with a line at zero if asked for."""
    figure, axes = chart(1.1 + 0.3 * len(rows), title)
    _bars(axes, rows, 28, [RIGHT] * len(rows))
    if zero:
        axes.axvline(0, color=WRONG, lw=1.2, ls="--")
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return figure


def _bars(axes: Axes, rows: Sequence[tuple[str, float, float, float]], most: int, colours: Sequence[str]) -> None:
    """Names, each with a value as a dot on the bar from its lowest to its highest."""
    for position, ((_, value, low, high), colour) in enumerate(zip(rows, colours, strict=True)):
        axes.plot([100 * low, 100 * high], [position, position], color=colour, lw=6, alpha=0.4, solid_capstyle="round")
        axes.plot([100 * value], [position], "o", color=colour, ms=6)
    axes.set_yticks(range(len(rows)), [shorten(name, most) for name, *_ in rows])


@mpl.rc_context(STYLE)
def brightness(description: Mapping[str, Any], title: str) -> Figure:
    """How often which value occurs: red, green, blue, and brightness, as shares of all pixels; from a Description as a dict."""
    figure, axes = chart(2.5, title)
    colours = {"red": "#d1495b", "green": "#3f9b5f", "blue": "#3b7dd8", "brightness": INK}
    histograms = [*description["channel_histograms"], description["brightness_histogram"]]
    for colour, counts in zip(colours.values(), histograms, strict=True):
        edges = [256 * i / len(counts) for i in range(len(counts) + 1)]
        shares = [100 * count / sum(counts) for count in [*counts, counts[-1]]]
        axes.step(edges, shares, where="post", color=colour, lw=1.6)
    axes.set(xlim=(0, 256), ylim=(0, None), xlabel="value of the pixel, 0 dark to 255 bright", ylabel="% of the pixels")
    dark = sum(histograms[-1][: len(histograms[-1]) // 2]) > sum(histograms[-1]) / 2  # then there is more room on the right
    for line, (name, colour) in enumerate(colours.items()):  # four lines that meet at their ends: names in their colours
        axes.text(
            0.98 if dark else 0.02, 0.97 - 0.1 * line, name, transform=axes.transAxes, color=colour, fontsize=SMALL, va="top",
            ha="right" if dark else "left", bbox=HALO,
        )  # fmt: skip
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
        axes.set_title("\n".join(shorten(line) for line in caption.split("\n")), fontsize=8, y=-0.02, va="top", pad=0)
    figure.suptitle(wrapped(title, columns * side), x=0.01, ha="left", fontsize=10, gid=ABOUT)
    return figure


@mpl.rc_context(STYLE)
def costs(points: Sequence[tuple[str, float, float]], front: Sequence[str], title: str) -> Figure:
    """Named variants by seconds of training and accuracy; those on the front are joined by a line, cheapest first."""
    figure, axes = chart(3.8, title)
    places = {name: (seconds, 100 * accuracy) for name, seconds, accuracy in points}
    axes.plot(*zip(*(places[name] for name in front), strict=True), color=RIGHT, lw=1.2, ls="--", zorder=1)
    dearest = max(0.1, *(seconds for seconds, _ in places.values()))
    for name, place in places.items():
        axes.plot(*place, "o", color=RIGHT if name in front else TRAIN, ms=6)
        shift, side = ((6, 4), "left") if place[0] < dearest / 2 else ((-6, 4), "right")  # where there is more room
        axes.annotate(shorten(name, 28), place, xytext=shift, textcoords="offset points", fontsize=SMALL, ha=side)
    axes.set(xlim=(0, 1.1 * dearest), xlabel="seconds of training", ylabel="accuracy in %")
    return figure


@mpl.rc_context(STYLE)
def reliability(calibration: Mapping[str, Any], title: str) -> Figure:
    """Accuracy against confidence, before and after the temperature: on the diagonal the network is as often right as it says."""
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
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
        axes.set_title(f"{words}:\noff by {100 * found['error']:.1f} points", loc="left", fontsize=SMALL)
    panels[1].set_ylabel("")
    figure.suptitle(wrapped(title), x=0.01, ha="left", fontsize=10, gid=ABOUT)
    return figure


@mpl.rc_context(STYLE)
def coverage(selective: Mapping[str, Any], title: str) -> Figure:
    """Accuracy against coverage: on the images with the highest confidence, by their fraction."""
    figure, axes = chart(2.8, title)
    axes.plot([100 * c for c in selective["coverages"]], [100 * a for a in selective["accuracies"]], color=RIGHT)
    if selective["threshold"] is not None and selective["coverage"]:
        across, up = 100 * selective["coverage"], 100 * selective["accuracy"]["value"]
        axes.plot([across], [up], "o", color=WRONG)
        shift, side = ((8, -4), "left") if across < 60 else ((-8, -10), "right")
        axes.annotate(
            f"confidence from {selective['threshold']:.0%}", (across, up), shift, textcoords="offset points", ha=side, va="center",
            color=WRONG, fontsize=SMALL, bbox=HALO,
        )  # fmt: skip
    axes.set(xlim=(0, 100), xlabel="images covered, most confident first, in %", ylabel="accuracy on them in %")
    return figure


@mpl.rc_context(STYLE)
def dendrogram(groups: Mapping[str, Any], title: str, classes: Sequence[str] = ()) -> Figure:
    """The tree of classes by how often they are taken for each other; the groups are in colour. From Groups as a dict.

    With `classes`, the names in their order, each leaf has a dot in the colour of its class.
    """
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
    for place, name in enumerate(names if classes else ()):
        axes.plot([largest * 1.1], [5 + 10 * place], "o", color=class_colour(list(classes).index(name)), ms=7, clip_on=False)
    axes.set_yticks([5 + 10 * place for place in range(len(names))], [shorten(name) for name in names])
    axes.yaxis.tick_right()
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="taken for each other, in % of the images", xlim=(None, largest * 1.1))
    return figure
