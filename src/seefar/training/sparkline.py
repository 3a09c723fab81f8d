"""Curves of characters for a terminal: numbers in, lines of text out. A cell is a braille character, two dots wide, four high."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

Piece = tuple[str, str]  # characters, and the name of the curve they belong to; "" for what belongs to none
Dot = tuple[int, int]  # column and row, from the left and from the top

BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # the Unicode standard, "Braille Patterns": by column and row
BLANK = 0x2800


def chart(
    title: str, curves: Mapping[str, Sequence[float]], last: int, size: tuple[int, int], write: Callable[[float], str]
) -> list[list[Piece]]:
    """Curves over 1, 2, 3, ... in one picture: the last of them solid, the others dotted, each with its name where it ends.

    Args:
        title: stands above.
        curves: the values of each curve by its name; those that are not finite are left out.
        last: where the horizontal axis ends, whether a curve has come as far or not.
        size: columns and lines of the whole picture, title and axis included: at least 30 by 5.
        write: turns the ends of the vertical axis into text.

    Returns:
        As many lines as `size` says, in pieces that have as many characters together.
    """
    rows = size[1] - 2
    finite = [value for values in curves.values() for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    level = low == high  # nothing to stretch: one line in the middle
    ends = {rows // 2: write(low)} if level else {0: write(high), rows - 1: write(low)}
    if not finite:
        ends = {}
    margin = max([5, *map(len, ends.values())])
    columns = size[0] - margin - 2 - max(map(len, curves))  # the axis, and at its end room for a space and a name

    cells: dict[Dot, tuple[int, str]] = {}
    tips: list[tuple[Dot, str]] = []
    for name, values in curves.items():
        path = list(_path(values, last, (low - level, high + level), (2 * columns, 4 * rows)))
        dots = path if name == list(curves)[-1] else path[::3] + path[-1:]
        for x, y in dots:
            cell = (x // 2, y // 4)
            cells[cell] = (cells.get(cell, (0, ""))[0] | BITS[x % 2][y % 4], name)
        tips += [((dots[-1][0] // 2, dots[-1][1] // 4), name)] if dots else []

    names = _apart(tips, rows)
    lines: list[list[Piece]] = [[(f"{'':{margin + 2}}{title}", "")]]
    for row in range(rows):
        line: list[Piece] = [(f"{ends.get(row, ''):>{margin}}{'┤' if row in ends else '│'}", "")]
        tip, name = names.get(row, (columns, ""))
        content = [cells.get((column, row), (0, "")) for column in range(min(tip + 1, columns))]
        for owner, run in groupby(content, key=itemgetter(1)):  # few pieces are quickly drawn
            line.append(("".join(chr(BLANK + bits) if bits else " " for bits, _ in run), owner))
        lines.append([*line, (f" {name}", name)])
    right = str(last) if last > 1 else ""
    lines.append([(f"{'':{margin}} 1{'epoch':^{columns - 1 - len(right)}}{right}", "")])
    return [_filled(line, size[0]) for line in lines]


def _path(values: Sequence[float], last: int, limits: tuple[float, float], size: tuple[int, int]) -> Iterator[Dot]:
    """The dots from value to value, each once, by straight lines."""
    (low, high), (width, height) = limits, size
    corners = [
        (round(position / max(last - 1, 1) * (width - 1)), round((high - value) / (high - low) * (height - 1)))
        for position, value in enumerate(values)
        if math.isfinite(value)
    ]
    yield from corners[:1]
    for (x, y), (next_x, next_y) in pairwise(corners):
        count = max(abs(next_x - x), abs(next_y - y))
        for i in range(1, count + 1):
            yield round(x + (next_x - x) * i / count), round(y + (next_y - y) * i / count)


def _apart(tips: list[tuple[Dot, str]], rows: int) -> dict[int, tuple[int, str]]:
    """A row of its own for each name, from the top in the order of the curves' ends; with the column to write it behind."""
    taken: dict[int, tuple[int, str]] = {}
    ordered = sorted(tips, key=lambda tip: tip[0][1])
    for position, ((column, row), name) in enumerate(ordered):
        free = max(row, max(taken, default=-1) + 1)
        taken[min(free, rows - len(ordered) + position)] = (column, name)
    return taken


def _filled(line: list[Piece], width: int) -> list[Piece]:
    return [*line, (" " * (width - sum(len(text) for text, _ in line)), "")]
