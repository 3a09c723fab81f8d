"""The charts of a report: numbers in, matplotlib Figure out. Nothing is computed here.

A figure has no background and draws its text and lines in two colours that `svg` turns into the page's own, so that it is right
in light and in dark; `png` puts it on white.
"""

import io
import re
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

INK, LINE = "#0a0b0c", "#0d0e0f"  # stand-ins for the page's text and line colours; no other chart uses exactly these
GREY = "#d9dbdf"  # the lines of the light page, for figures on white
RIGHT, WRONG, TRAIN = (
    "#2a78c2",
    "#d9632b",
    "#8a8f98",
)  # told apart by people who do not see red and green (checked by eye, light and dark)

SEVERAL = ("#2a78c2", "#d9632b", "#3f9b5f", "#8b5fbf", "#b8860b", "#5d636d")  # for lines of several runs; dashes tell on

ENDINGS = {
    "patience": "stopped: no better epoch",
    "budget": "stopped: budget used up",
    "interrupted": "interrupted",
    "diverged": "diverged",
    "pruned": "given up by a search",
}

STYLE: dict[Any, Any] = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "text.parse_math": False,  # a class may be called "$5"
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's font
    "svg.hashsalt": "seefar",  # equal figures give equal bytes
}


@mpl.rc_context(STYLE)
def curves(history: Sequence[dict[str, Any]], title: str, ending: str = "") -> Figure:
    """Loss, accuracy and learning rate over the epochs, under each other; the best epoch is marked, and an early end.

    Args:
        history: the rows of `history.csv`.
        title: what was trained, on what.
        ending: why training ended, as the last Epoch or the manifest says it.
    """
    figure = Figure(figsize=(7, 6.4), layout="constrained")
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
    _plain_numbers(panels[2].yaxis)
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
    _title(panels[0], title, width=7)
    return figure


@mpl.rc_context(STYLE)
def rate_curve(rates: Sequence[float], losses: Sequence[float], suggestion: float, title: str) -> Figure:
    """The loss against a growing learning rate on a logarithmic axis, with the suggested rate.

    Losses far above the first are cut off: there training has left the ground, and how far does not matter.
    """
    figure, (axes,) = _figure(7, 3.4)
    axes.plot(rates, losses, color=RIGHT)
    axes.axvline(suggestion, color=WRONG, lw=1.2, ls="--", label=f"suggested rate: {suggestion:.2g}")
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    known = [loss for loss in losses if np.isfinite(loss)]
    low, top = min(known), max(known)
    top = min(top, known[0] + (known[0] - low) / 2)
    axes.set(ylim=(low - 0.05 * (top - low), top), xlabel="learning rate", ylabel="training loss in nats")
    axes.legend(loc="best")
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def matrix(counts: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix: rows are the true classes, columns what they were called. Shade is the share of the row."""
    n = len(classes)
    with_numbers = n <= 20
    side = max(2 + (0.5 * n if with_numbers else 0.13 * n), 4.5)  # inches
    figure, (axes,) = _figure(side + 0.6, side)
    axes.grid(visible=False)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count:
                share = count / sum(row)
                strength = share if i == j else share**0.6  # small shares of mistakes must still be seen
                axes.add_patch(
                    Rectangle((j, i), 1, 1, facecolor=RIGHT if i == j else WRONG, alpha=min(0.08 + 0.92 * strength, 1))
                )
                if with_numbers:
                    colour = "white" if strength > 0.45 else INK
                    axes.text(j + 0.5, i + 0.5, f"{count}", ha="center", va="center", fontsize=8, color=colour)
    axes.set(xlim=(0, n), ylim=(n, 0), aspect="equal", xlabel="predicted", ylabel="true class")
    for axis, angle in ((axes.xaxis, 45 if with_numbers else 90), (axes.yaxis, 0)):
        axis.set_ticks([i + 0.5 for i in range(n)], [shorten(name) for name in classes])
        axis.set_tick_params(length=0, labelrotation=angle, labelsize=9 if with_numbers else 5)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right" if with_numbers else "center")
        label.set_rotation_mode("anchor" if with_numbers else "default")
    _title(axes, title, width=side)
    return figure


@mpl.rc_context(STYLE)
def recalls(scores: Sequence[dict[str, Any]], accuracy: float, title: str) -> Figure:
    """For each class the share of its images that was found, with its interval; best class on top."""
    rows = sorted(scores, key=lambda score: score["recall"]["value"])
    figure, (axes,) = _figure(7, 1.2 + 0.26 * len(rows))
    for position, score in enumerate(rows):
        recall = score["recall"]
        axes.plot(
            [recall["low"] * 100, recall["high"] * 100],
            [position, position],
            color=RIGHT,
            lw=5,
            alpha=0.35,
            solid_capstyle="round",
        )
        axes.plot([recall["value"] * 100], [position], "o", color=RIGHT, ms=5)
    axes.axvline(accuracy * 100, color=WRONG, lw=1.2, ls="--", label="all classes")
    axes.set_yticks(range(len(rows)), [shorten(score["name"]) for score in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel("found, in % of the images of the class, with 95 % interval")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def brightness(description: Mapping[str, Any], title: str) -> Figure:
    """How often which value occurs: red, green, blue, and brightness, as shares of all pixels; from a Description as a dict."""
    figure, (axes,) = _figure(7, 2.6)
    colours = {"red": "#d1495b", "green": "#3f9b5f", "blue": "#3b7dd8", "brightness": INK}
    histograms = [*description["channel_histograms"], description["brightness_histogram"]]
    for (name, colour), counts in zip(colours.items(), histograms, strict=True):
        width, total = 256 / len(counts), sum(counts)
        axes.step(
            [i * width for i in range(len(counts) + 1)],
            [100 * count / total for count in [*counts, counts[-1]]],
            where="post",
            color=colour,
            lw=1.6,
            label=name,
        )
    axes.set(xlim=(0, 256), ylim=(0, None), xlabel="value of the pixel, 0 dark to 255 bright", ylabel="% of the pixels")
    axes.legend(loc="upper right", ncols=2)
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def gallery(pixels: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Rows of images under each other: `pixels` uint8 `(rows, columns, h, w, 3)`, a name for each row."""
    framed = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    rows, columns, height, width, _ = framed.shape
    figure, (axes,) = _figure(1.5 + 0.5 * columns, 0.8 + 0.5 * rows)
    axes.imshow(framed.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3), interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([(row + 0.5) * height for row in range(rows)], [shorten(name) for name in names])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _title(axes, title, width=1.5 + 0.5 * columns)
    return figure


@mpl.rc_context(STYLE)
def intervals(rows: Sequence[tuple[str, float, float, float]], label: str, title: str, *, zero: bool = False) -> Figure:
    """Named shares with their intervals under each other, in the order given; with a line at zero if asked for."""
    figure, (axes,) = _figure(7, 1.1 + 0.3 * len(rows))
    for position, (_, value, low, high) in enumerate(rows):
        axes.plot([100 * low, 100 * high], [position, position], color=RIGHT, lw=5, alpha=0.35, solid_capstyle="round")
        axes.plot([100 * value], [position], "o", color=RIGHT, ms=5)
    if zero:
        axes.axvline(0, color=WRONG, lw=1.2, ls="--")
    axes.set_yticks(range(len(rows)), [shorten(name, 36) for name, *_ in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def costs(points: Sequence[tuple[str, float, float]], front: Sequence[str], title: str) -> Figure:
    """Named variants by seconds of training and accuracy; those on the front are joined by a line, cheapest first."""
    figure, (axes,) = _figure(7, 3.8)
    places = {name: (seconds, 100 * accuracy) for name, seconds, accuracy in points}
    axes.plot(*zip(*(places[name] for name in front), strict=True), color=RIGHT, lw=1.2, ls="--", zorder=1)
    for name, place in places.items():
        axes.plot(*place, "o", color=RIGHT if name in front else TRAIN, ms=6)
        axes.annotate(shorten(name, 28), place, xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set(
        xlim=(0, 1.25 * max(0.1, *(seconds for seconds, _ in places.values()))),
        xlabel="seconds of training",
        ylabel="accuracy in %",
    )
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def changes_by_class(changes: Mapping[str, Sequence[float]], classes: Sequence[str], title: str) -> Figure:
    """What each variant wins and loses of each class's recall, in points: zero is neutral, one scale for all."""
    grid = 100 * np.array(list(changes.values()))
    end = max(float(np.abs(grid).max()), 1e-9)
    width = 3.2 + 0.55 * len(classes)
    figure, (axes,) = _figure(width, 1.6 + 0.28 * len(changes))
    axes.grid(visible=False)
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            colour, strength = RIGHT if value > 0 else WRONG, abs(value) / end
            axes.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, alpha=strength, linewidth=0))
            if len(classes) <= 20:
                ink = "white" if strength > 0.6 else INK
                axes.text(j + 0.5, i + 0.5, f"{value:+.1f}", ha="center", va="center", fontsize=8, color=ink)
    axes.set(xlim=(0, len(classes)), ylim=(len(changes), 0))
    axes.xaxis.set_ticks([j + 0.5 for j in range(len(classes))], [shorten(name) for name in classes])
    axes.yaxis.set_ticks([i + 0.5 for i in range(len(changes))], [shorten(name, 28) for name in changes])
    for axis, angle in ((axes.xaxis, 35), (axes.yaxis, 0)):
        axis.set_tick_params(length=0, labelrotation=angle, labelsize=8)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
        label.set_rotation_mode("anchor")
    _title(axes, title, width=width)
    return figure


@mpl.rc_context(STYLE)
def validation_curves(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str) -> Figure:
    """Validation accuracy of several runs against the seconds of their training."""
    figure, (axes,) = _figure(7, 3.6)
    for place, (name, (seconds, accuracies)) in enumerate(runs.items()):
        colour, dashes = SEVERAL[place % len(SEVERAL)], ("-", "--", ":", "-.")[place // len(SEVERAL) % 4]
        axes.plot(seconds, [100 * a for a in accuracies], dashes, color=colour, marker=".", label=shorten(name, 36))
    axes.set(xlim=(0, None), xlabel="seconds of training, validation included", ylabel="accuracy in %")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    _title(axes, title, width=7)
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
    figure.suptitle("\n".join(textwrap.wrap(title, int(columns * side * 9))), x=0.01, ha="left", fontsize=11)
    return figure


@mpl.rc_context(STYLE)
def reliability(calibration: Mapping[str, Any], title: str) -> Figure:
    """Accuracy against confidence, before and after the temperature: on the diagonal the network is as often right as it says."""
    figure, panels = _figure(7, 3.6, columns=2)
    for axes, name, words in zip(panels, ("before", "after"), ("as the network states it", "calibrated"), strict=True):
        found = calibration[name]
        bins = [b for b in found["bins"] if b["images"]]
        most = max(b["images"] for b in bins)
        for b in bins:
            axes.bar(
                100 * b["low"],
                100 * b["accuracy"],
                100 * (b["high"] - b["low"]),
                align="edge",
                color=RIGHT,
                alpha=0.25 + 0.75 * b["images"] / most,
                edgecolor=RIGHT,
                linewidth=0.6,
            )
        axes.plot([0, 100], [0, 100], color=WRONG, lw=1.2, ls="--")
        axes.plot([100 * b["confidence"] for b in bins], [100 * b["accuracy"] for b in bins], color=INK, lw=0, marker=".", ms=5)
        axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence in %", ylabel="accuracy in %")
        axes.set_title(f"{words}: error {100 * found['error']:.1f} %", loc="left", fontsize=10)
    panels[1].set_ylabel("")
    figure.suptitle("\n".join(textwrap.wrap(title, 63)), x=0.01, ha="left", fontsize=11)
    return figure


@mpl.rc_context(STYLE)
def coverage(selective: Mapping[str, Any], title: str) -> Figure:
    """The accuracy on the images that the network is surest of, against their share."""
    figure, (axes,) = _figure(7, 2.8)
    axes.plot([100 * c for c in selective["coverages"]], [100 * a for a in selective["accuracies"]], color=RIGHT)
    if selective["threshold"] is not None and selective["coverage"]:
        axes.plot(
            [100 * selective["coverage"]],
            [100 * selective["accuracy"]["value"]],
            "o",
            color=WRONG,
            label=f"confidence from {selective['threshold']:.0%}",
        )
        axes.legend(loc="lower left")
    axes.set(xlim=(0, 100), xlabel="images answered, the surest first, in %", ylabel="accuracy on them in %")
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def dendrogram(groups: Mapping[str, Any], title: str) -> Figure:
    """The tree of classes by how often they are taken for each other; the groups are in colour. From Groups as a dict."""
    from scipy.cluster import hierarchy

    names, largest, cut = groups["order"], 100 * groups["largest"], 100 * groups["cut"]
    figure, (axes,) = _figure(7, 1.2 + 0.26 * len(names))
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
    _title(axes, title, width=7)
    return figure


@mpl.rc_context(STYLE)
def corruptions(accuracies: Mapping[str, Sequence[float]], clean: float, title: str) -> Figure:
    """Accuracy for each corruption and severity, as a table in shades."""
    names = list(accuracies)
    grid = 100 * np.array([accuracies[name] for name in names])
    return _heat(grid, [name.replace("_", " ") for name in names], [f"severity {i + 1}" for i in range(5)], 100 * clean, title)


@mpl.rc_context(STYLE)
def corruptions_by_class(recalls: Mapping[str, Sequence[float]], classes: Sequence[str], clean: float, title: str) -> Figure:
    """Recall of each class for each corruption, mean over severities, as a table in shades."""
    names = list(recalls)
    grid = 100 * np.array([recalls[name] for name in names])
    return _heat(grid, [name.replace("_", " ") for name in names], [shorten(name) for name in classes], 100 * clean, title)


def _heat(grid: np.ndarray, rows: Sequence[str], columns: Sequence[str], top: float, title: str) -> Figure:
    """A table of percentages: the darker, the farther below `top`."""
    width = 2.2 + 0.55 * len(columns)
    figure, (axes,) = _figure(max(width, 4.5), 1.4 + 0.26 * len(rows))
    axes.grid(visible=False)
    with_numbers = len(columns) <= 20
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            strength = min(max((top - value) / max(top, 1), 0), 1)
            axes.add_patch(Rectangle((j, i), 1, 1, facecolor=WRONG, alpha=strength, linewidth=0))
            if with_numbers:
                colour = "white" if strength > 0.6 else INK
                axes.text(j + 0.5, i + 0.5, f"{value:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    axes.xaxis.set_ticks([j + 0.5 for j in range(len(columns))], columns)
    axes.yaxis.set_ticks([i + 0.5 for i in range(len(rows))], rows)
    for axis, angle in ((axes.xaxis, 35), (axes.yaxis, 0)):
        axis.set_tick_params(length=0, labelrotation=angle, labelsize=8 if with_numbers else 5)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
        label.set_rotation_mode("anchor")
    _title(axes, title, width=max(width, 4.5))
    return figure


def svg(figure: Figure) -> str:
    """The figure as an `<svg>` element in the colours of the page it stands in, no wider than its text is readable."""
    text = _save(figure, "svg", {"Date": None}).decode()
    text = text[text.index("<svg") :]
    width = figure.get_figwidth() * 96  # CSS pixels
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2).replace("<svg", f'<svg style="max-width: {width:.0f}px"', 1)
    return text.replace(INK, "currentColor").replace(LINE, "var(--line)")


def png(figure: Figure, dots: int = 150) -> bytes:
    """The figure as a PNG on white, so many dots an inch."""
    try:
        _draw_lines(figure, GREY)
        return _save(figure, "png", {}, facecolor="white", dpi=dots)
    finally:
        _draw_lines(figure, LINE)  # it may become an svg, too


def _draw_lines(figure: Figure, colour: str) -> None:
    """Axes, ticks and grid in another colour."""
    for axes in figure.axes:
        axes.tick_params(which="both", color=colour, grid_color=colour)
        for spine in axes.spines.values():
            spine.set_edgecolor(colour)


def _plain_numbers(axis: Axis) -> None:
    """Write 0.001 and 1e-05: the usual powers of ten would be formulas, which STYLE turns off."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of that many inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _title(axes: Axes, title: str, width: float) -> None:
    """The title, in as many lines as it needs in `width` inches."""
    axes.set_title("\n".join(textwrap.wrap(title, int(width * 9))), loc="left")


def _save(figure: Figure, kind: str, metadata: dict[str, Any], **options: Any) -> bytes:
    content = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has the glyph
        figure.savefig(content, format=kind, metadata=metadata, **options)
    return content.getvalue()


def shorten(name: str, most: int = 18) -> str:
    """A name that fits beside a chart."""
    return name if len(name) <= most else name[: most - 1] + "…"
