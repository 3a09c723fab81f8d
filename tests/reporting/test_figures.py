"""Charts: valid SVG in the page's colours, repeatable, harmless whatever a class is called."""

import io
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from seefar.reporting import figures, shaded_tables, style

HISTORY = [
    {
        "number": i,
        "loss": 2 / i,
        "accuracy": 0.2 * i,
        "validation_loss": 2.1 / i,
        "validation_accuracy": 0.19 * i,
        "rate": 0.1 / i,
        "best": i < 4,
    }
    for i in range(1, 6)
]
NASTY = ["<script>alert(1)</script>", "$\\alpha_", "猫", "😀", "a" * 200, "x & y"]


def drawings(names: list[str] = NASTY) -> dict[str, Callable[[], Figure]]:
    n, title = len(names), names[0]
    scores: list[dict[str, Any]] = [{"name": name, "recall": {"value": 0.5, "low": 0.4, "high": 0.6}} for name in names]
    counts = [[10 if i == j else (i + j) % 3 for j in range(n)] for i in range(n)]
    histogram = list(range(32))
    groups = {"order": names[:3], "largest": 0.1, "cut": 0.06, "merges": [[0, 1, 0, 2], [2, 3, 0.08, 3]]}
    return {
        "curves": lambda: figures.curves(HISTORY, title),
        "stopped": lambda: figures.curves(HISTORY, title, "patience"),
        "rate curve": lambda: figures.rate_curve([1e-5, 1e-3, 1e-1, 10], [2.3, 1.5, 2, float("inf")], 0.002, title),
        "lines": lambda: figures.lines({name: ([1, 2], [50, 60]) for name in names}, *figures.TIME, title, marker="."),
        "matrix": lambda: shaded_tables.matrix(counts, names, title),
        "recalls": lambda: figures.recalls(scores, 0.5, title),
        "intervals": lambda: figures.intervals([(name, 0.1, -0.1, 0.3) for name in names], "points", title, zero=True),
        "brightness": lambda: figures.brightness(
            {"channel_histograms": [histogram] * 3, "brightness_histogram": histogram}, title
        ),
        "costs": lambda: figures.costs([(name, 9.0, 0.5) for name in names], names[:1], title),
        "changes": lambda: shaded_tables.changes_by_class({name: [0.1, -0.1] for name in names}, names[:2], title),
        "corruptions": lambda: shaded_tables.corruptions({"shot_noise": [0.8] * n}, names, 0.9, title),
        "dendrogram": lambda: figures.dendrogram(groups, title),
    }


@pytest.mark.parametrize("name", drawings())
def test_svg_is_valid_themed_repeatable_and_says_which_data_it_is(name: str) -> None:
    text = style.svg(drawings()[name]())
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert "currentColor" in text
    assert style.INK not in text
    assert style.LINE not in text
    assert text == style.svg(drawings()[name]())
    assert "shapes" in named(drawings(["shapes", "b", "c"])[name]())


@pytest.mark.parametrize("name", drawings())
def test_nothing_is_cut_off(name: str) -> None:
    figure = drawings(["automobile", "airplane", "a change of several fields"])[name]()
    with mpl.rc_context(style.STYLE):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.02
    assert max(drawn.x1 - width, drawn.y1 - height) < 0.02


def test_class_names_stand_in_the_chart_as_they_are() -> None:
    assert {"$\\alpha_", "猫", "😀", "x & y", "<script>alert(1)<…"} <= set(texts(drawings()["recalls"]()))


def named(figure: Figure) -> str:
    """What the page calls it, which is its title."""
    return ET.fromstring(style.svg(figure)).get("aria-label", "")


def test_a_title_is_the_name_on_a_page_and_stands_on_top_in_a_file() -> None:
    figure = drawings(["shapes", "b", "c"])["curves"]()
    assert named(figure) == "shapes"
    assert "shapes" not in texts(figure)
    assert figure.axes[0].get_title(loc="left") == "shapes"


def test_each_line_is_named_at_its_end_and_no_two_names_lie_on_each_other() -> None:
    figure = figures.lines({f"line {i}": ([1, 2], [50, 60 + i / 1000]) for i in range(8)}, *figures.TIME, "t")
    (axes,) = figure.axes
    assert axes.get_legend() is None
    assert not figure.legends
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    order = sorted(heights, key=heights.__getitem__)
    assert order == [f"line {i}" for i in range(8)]
    assert min(heights[b] - heights[a] for a, b in pairwise(order)) > 0.05
    assert {text.get_color() for text in axes.texts} == {line.get_color() for line in axes.lines}


def test_a_class_has_one_colour_in_all_figures() -> None:
    scores = [{"name": name, "recall": {"value": value, "low": 0.1, "high": 0.9}} for name, value in (("a", 0.8), ("b", 0.5))]
    dots = {line.get_color() for line in figures.recalls(scores, 0.6, "t").axes[0].lines if line.get_marker() == "o"}
    assert dots == {style.class_colour(0), style.class_colour(1)}
    assert style.class_colour(11) == style.class_colour(1)


def texts(figure: Figure) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(style.svg(figure)).iter() if element.tag.endswith("text")]


def test_a_table_in_shades_colours_what_was_lost_and_names_what_stands_in_it() -> None:
    (axes,) = shaded_tables.corruptions({"shot_noise": [0.9, 0.0]}, ["cat", "dog"], 0.9, "t").axes
    assert [cell.get_alpha() for cell in axes.patches] == [0, 1]
    assert [(text.get_text(), text.get_color()) for text in axes.texts] == [("90", style.INK), ("0", style.PAPER)]
    assert [text.get_text() for text in (*axes.get_yticklabels(), *axes.get_xticklabels())] == ["shot noise", "cat", "dog"]


def test_the_curves_mark_the_best_epoch_in_every_panel() -> None:
    figure = figures.curves(HISTORY, "t")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss in nats", "accuracy in %", "learning rate"]
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines if line.get_label() == "best epoch: 3"] == [3]
    assert "best epoch: 3" in texts(figure)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("patience", "stopped: no better epoch"),
        ("budget", "stopped: budget used up"),
        ("interrupted", "interrupted"),
        ("diverged", "diverged"),
    ],
)
def test_an_early_end_is_marked_in_every_panel(ending: str, words: str) -> None:
    figure = figures.curves(HISTORY, "t", ending)
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines if line.get_label() == words] == [5]
    assert words in texts(figure)


@pytest.mark.parametrize("ending", ["", "finished"])
def test_a_whole_training_has_no_mark_at_its_end(ending: str) -> None:
    assert not {"stopped", "interrupted", "diverged"} & set(" ".join(texts(figures.curves(HISTORY, "t", ending))).split())


@pytest.mark.parametrize(
    ("rates", "scale"),
    [
        ([0.1] * 8, "linear"),
        *(
            ([0.1 * (1 - i / n) + 1e-9 for i in range(1, n + 1)], "linear") for n in (1, 2, 3, 4, 5, 10, 30)
        ),  # to nothing, straight
        *(([0.1 * (1 + math.cos(math.pi * i / n)) + 1e-9 for i in range(1, n + 1)], "linear") for n in (1, 2, 3, 4, 5, 10, 30)),
        ([0.1] * 4 + [0.01] * 2 + [0.001] * 2, "log"),
        ([0.1] * 4 + [0] * 4, "linear"),
    ],
)
def test_the_rate_has_a_logarithmic_axis_where_it_stays_decades_below(rates: list[float], scale: str) -> None:
    figure = figures.curves([HISTORY[0] | {"number": i, "rate": rate} for i, rate in enumerate(rates, 1)], "t")
    assert figure.axes[2].get_yscale() == scale
    assert not [text for text in texts(figure) if "$" in text]


def test_one_epoch_has_one_tick() -> None:
    figure = figures.curves(HISTORY[:1], "t")
    assert [tick for tick in figure.axes[2].get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_the_rate_curve_marks_the_suggestion_and_cuts_off_the_fall() -> None:
    figure = figures.rate_curve([1e-5, 1e-3, 1e-1, 10], [2.0, 1.0, 1.5, 1e6], 0.002, "t")
    (axes,) = figure.axes
    assert axes.get_ylim()[1] == 2.5
    assert {"suggested rate: 0.002", "0.001"} <= set(texts(figure))


def test_a_hundred_classes_are_drawn_without_numbers() -> None:
    names = [f"class {i}" for i in range(100)]
    counts = [[9 if i == j else int((i + j) % 5 == 0) for j in range(100)] for i in range(100)]
    text = style.svg(shaded_tables.matrix(counts, names, "t"))
    assert ">9<" not in text
    assert len(text) < 800_000  # for 2,000 cells


def test_png_has_a_white_ground() -> None:
    image = Image.open(io.BytesIO(style.png(drawings(["a", "b"])["curves"]()))).convert("RGB")
    assert image.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["curves", "brightness"])
def test_an_svg_has_the_lines_of_the_page_after_a_png_too(name: str) -> None:
    figure = drawings()[name]()
    style.png(figure)
    assert style.svg(figure).count("var(--line)") == style.svg(drawings()[name]()).count("var(--line)") > 10
