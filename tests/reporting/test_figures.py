"""Charts: valid SVG in the page's colours, repeatable, harmless whatever a class is called."""

import math
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from matplotlib.figure import Figure

from seefar.reporting import figures

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


def all_figures(names: list[str] = NASTY) -> dict[str, Figure]:
    n = len(names)
    scores: list[dict[str, Any]] = [{"name": name, "recall": {"value": 0.5, "low": 0.4, "high": 0.6}} for name in names]
    counts = [[10 if i == j else (i + j) % 3 for j in range(n)] for i in range(n)]
    histogram = list(range(32))
    return {
        "curves": figures.curves(HISTORY, names[0]),
        "stopped": figures.curves(HISTORY, names[0], "patience"),
        "rate curve": figures.rate_curve([1e-5, 1e-3, 1e-1, 10], [2.3, 1.5, 2, float("inf")], 0.002, names[0]),
        "matrix": figures.matrix(counts, names, names[0]),
        "recalls": figures.recalls(scores, 0.5, names[0]),
        "brightness": figures.brightness({"channel_histograms": [histogram] * 3, "brightness_histogram": histogram}, names[0]),
    }


@pytest.mark.parametrize("name", all_figures())
def test_svg_is_valid_themed_and_repeatable(name: str) -> None:
    text = figures.svg(all_figures()[name])
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert "currentColor" in text
    assert figures.INK not in text
    assert figures.LINE not in text
    assert text == figures.svg(all_figures()[name])


def test_class_names_stand_in_the_chart_as_they_are() -> None:
    root = ET.fromstring(figures.svg(all_figures()["recalls"]))
    texts = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")}
    assert {"$\\alpha_", "猫", "😀", "x & y", "<script>alert(1)<…"} <= texts


def test_the_title_says_which_data_it_is() -> None:
    for name, figure in all_figures(["shapes", "b"]).items():
        assert "shapes" in figures.svg(figure), name


def texts(figure: Figure) -> list[str]:
    return [
        "".join(element.itertext()) for element in ET.fromstring(figures.svg(figure)).iter() if element.tag.endswith("text")
    ]


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
    text = figures.svg(figures.matrix([[9 if i == j else 1 for j in range(100)] for i in range(100)], names, "t"))
    assert ">9<" not in text
    assert len(text) < 4_000_000


def test_png_has_a_white_ground() -> None:
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(figures.png(all_figures(["a", "b"])["curves"]))).convert("RGB")
    assert image.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["curves", "brightness"])
def test_an_svg_has_the_lines_of_the_page_after_a_png_too(name: str) -> None:
    figure = all_figures()[name]
    figures.png(figure)
    assert figures.svg(figure).count("var(--line)") == figures.svg(all_figures()[name]).count("var(--line)") > 10
