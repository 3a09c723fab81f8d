"""Tables in shades: the confusion matrix, what variants change by class, what corruptions cost. Nothing is computed here."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seefar.reporting.style import ABOUT, INK, PAPER, RIGHT, SMALL, STYLE, WRONG, chart, shorten, wrapped

READABLE = 20  # columns up to which the cells of a table have numbers (chosen by hand)

Cell = tuple[str, float, str, bool]  # colour, how strong, what stands in it, and whether that is white


@mpl.rc_context(STYLE)
def matrix(counts: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix: rows are the true classes, columns the predicted ones. Shade is the share of the row."""
    n = len(classes)
    small = n > READABLE
    side = max(1.4 + (0.13 * n if small else 0.42 * n), 4.5)  # inches

    def cell(i: int, j: int) -> Cell:
        share = counts[i][j] / max(sum(counts[i]), 1)
        strength = share if i == j else share**0.6  # small shares of mistakes must still be seen
        return RIGHT if i == j else WRONG, min(0.08 + 0.92 * strength, 1), f"{counts[i][j]}", strength > 0.75

    figure, axes = chart(side, "", side + 0.6)
    axes.set_title(wrapped(title, side), loc="left", gid=ABOUT)
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
    figure, axes = chart(1.6 + 0.28 * len(changes), title, 2.6 + 0.42 * len(classes))

    def cell(value: float) -> Cell:
        return RIGHT if value > 0 else WRONG, abs(value) / end, f"{value:+.1f}", abs(value) / end > 0.75

    _cells(axes, ((i, j, cell(value)) for (i, j), value in np.ndenumerate(grid)), list(changes), classes, 28)
    return figure


@mpl.rc_context(STYLE)
def corruptions(accuracies: Mapping[str, Sequence[float]], columns: Sequence[str], clean: float, title: str) -> Figure:
    """Accuracy for each corruption in percent, by severity or by class: the darker, the farther below that on clean images."""
    grid, top = 100 * np.array(list(accuracies.values())), 100 * clean
    figure, axes = chart(1.4 + 0.26 * len(grid), title, max(1.9 + 0.4 * len(columns), 4.5))

    def cell(value: float) -> Cell:
        strength = min(max((top - value) / max(top, 1), 0), 1)
        return WRONG, strength, f"{value:.0f}", strength > 0.75

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
            axes.text(j + 0.5, i + 0.5, words, ha="center", va="center", fontsize=SMALL, color=PAPER if white else INK)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    axes.set_xticks([j + 0.5 for j in range(len(columns))], [shorten(name) for name in columns])
    axes.set_yticks([i + 0.5 for i in range(len(rows))], [shorten(name, most) for name in rows])
    for axis, angle in ((axes.xaxis, 35), (axes.yaxis, 0)):
        axis.set_tick_params(length=0, labelrotation=angle, labelsize=SMALL)
    for label in axes.get_xticklabels():
        label.set(horizontalalignment="right", rotation_mode="anchor")
