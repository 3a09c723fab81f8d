"""Charts: valid SVG in the page's colours, repeatable, harmless whatever a class is called."""

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
