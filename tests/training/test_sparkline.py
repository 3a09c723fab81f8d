"""Curves of characters: as wide as asked for, every dot where its value is."""

import math

import pytest

from seefar.training.sparkline import chart

DOT = {bit: (column, row) for column, bits in enumerate(((0, 1, 2, 6), (3, 4, 5, 7))) for row, bit in enumerate(bits)}


def drawn(curves: dict[str, list[float]], last: int, size: tuple[int, int] = (30, 6)) -> list[str]:
    lines = ["".join(text for text, _ in line) for line in chart("loss", curves, last, size, lambda value: f"{value:.3g}")]
    assert len(lines) == size[1]
    assert {len(line) for line in lines} == {size[0]}
    return lines


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Column and row of every dot, read back by the Unicode standard: dot number b + 1 is bit b."""
    return {
        (2 * x + DOT[bit][0], 4 * y + DOT[bit][1])
        for y, line in enumerate(lines[1:-1])
        for x, character in enumerate(line[6:])
        if 0x2800 < ord(character) < 0x2900
        for bit in range(8)
        if (ord(character) - 0x2800) >> bit & 1
    }


def test_a_line_goes_from_corner_to_corner() -> None:
    found = dots(drawn({"val": [1.0, 0.0]}, last=2))
    columns = 2 * (30 - 5 - 2 - len("val"))
    assert {x for x, _ in found} == set(range(columns))
    assert all(abs(y - x * 15 / (columns - 1)) <= 0.5 for x, y in found)


def test_an_axis_longer_than_the_curve_leaves_room() -> None:
    assert max(x for x, _ in dots(drawn({"val": [3.0, 2.0, 1.0]}, last=5))) == round(2 / 4 * 39)


def test_the_axes_say_where_they_end() -> None:
    lines = drawn({"train": [2.5, 1.25], "val": [2.0, 0.125]}, last=30)
    assert lines[0].strip() == "loss"
    assert lines[1].startswith("  2.5┤")
    assert lines[4].startswith("0.125┤")
    assert lines[-1].split() == ["1", "epoch", "30"]


def test_every_curve_has_its_name_at_its_end_and_only_the_last_is_solid() -> None:
    level = {"train": [0.0] * 9, "val": [1.0] * 9}
    lines = drawn(level, last=9)
    assert lines[1].rstrip().endswith(" val")
    assert lines[4].rstrip().endswith(" train")
    counts = [sum(y == row for _, y in dots(lines)) for row in (0, 15)]
    assert counts[0] > 2 * counts[1] > 10


def test_pieces_belong_to_their_curves() -> None:
    pieces = [piece for line in chart("t", {"train": [0, 0], "val": [1, 1]}, 2, (40, 7), str) for piece in line]
    assert {name for text, name in pieces if any(ord(c) >= 0x2800 for c in text)} == {"train", "val"}
    assert "".join(text for text, name in pieces if not name).split() == ["t", "1┤", "│", "│", "│", "0┤", "1", "epoch", "2"]


@pytest.mark.parametrize(
    "curves",
    [
        {"train": [0.5], "val": [0.5]},
        {"train": [0.5, 0.5, 0.5], "val": [0.5, 0.5, 0.5]},
        {"train": [1.0, math.nan, 3.0], "val": [math.inf, 2.0, 1.0]},
        {"train": [], "val": []},
        {"train": [math.nan], "val": [math.nan]},
        {"train": [1e-9 * i for i in range(300)], "val": [1e12] * 300},
        {"a": [0, 1], "b": [0, 1], "c": [0, 1]},
    ],
)
def test_odd_curves_are_drawn_all_the_same(curves: dict[str, list[float]]) -> None:
    last = len(next(iter(curves.values())))
    lines = drawn(curves, max(last, 1))
    if any(map(math.isfinite, next(iter(curves.values())))):
        assert dots(lines)
        for name in curves:
            assert sum(f" {name}" in line for line in lines) == 1


def test_what_is_level_stands_in_the_middle_with_its_value() -> None:
    lines = drawn({"val": [0.25, 0.25]}, last=2, size=(30, 7))
    assert {y // 4 for _, y in dots(lines)} == {2}
    assert lines[3].startswith(" 0.25┤")
