"""`sf.picture`: every value and every part of a run has its picture, a wrong name lists the right ones, saving makes folders."""

import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from tests.conftest import images

import seefar as sf
from seefar.cli.output import write_audit
from seefar.data.augmentation_preview import Augmented
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.evaluation.audit import Audit
from seefar.evaluation.robustness import Robustness
from seefar.explaining.explanation import Explanation
from seefar.metrics import wilson
from seefar.reporting import content, figures, value_figures
from seefar.reporting.picture import PICTURES
from seefar.reporting.style import ENLARGED, WIDTH
from seefar.runs.folder import Run, npz_bytes
from seefar.training.find_rate import RateCurve

PIXELS = images(2, 0, "train").pixels


def explanation(labels: list[str] | None) -> Explanation:
    maps = {"grad_cam": np.ones((2, 16, 16), np.float32)}
    return Explanation(["a.png", "b.png"], PIXELS, labels, ["cat", "cat"], ["cat", "dog"], [0.9, 0.1], maps, {}, "title")


VALUES: dict[str, Callable[[Dataset, Run, Path], object]] = {
    "examples": lambda data, *_: data,
    "brightness": lambda data, *_: sf.describe(data),
    "augmented": lambda *_: Augmented(np.stack([PIXELS, PIXELS]), ["cat", "dog"], "title"),
    "rates": lambda *_: RateCurve([1e-4, 1e-2, 1], [2.0, 1.0, float("inf")], 1e-3, "title"),
    "matrix": lambda data, run, _: sf.evaluate(run, data=data),
    "differences": lambda _, run, folder: sf.compare([run, shutil.copytree(run.path, folder / "other")], "validation"),
    "corruptions": lambda *_: Robustness("test", 9, "", wilson(8, 9), {"fog": [0.5] * 5}, {"weather": 0.5}, 0.5, {}),
    "where": lambda *_: explanation(["cat", "dog"]),
}


@pytest.mark.parametrize("name", VALUES)
def test_every_value_has_a_picture(name: str, data: Dataset, run: Run, tmp_path: Path) -> None:
    value = VALUES[name](data, run, tmp_path)
    picture = sf.picture(value)
    assert picture.name == name
    with Image.open(io.BytesIO(picture.png)) as content:
        assert content.format == "PNG"
        assert content.width / picture.width == pytest.approx(content.height / picture.height, rel=0.02)
    with pytest.raises(UsageError, match=f"no picture is called 'xyz'; there are {name}"):
        sf.picture(value, "xyz")


def test_every_kind_of_value_is_tried() -> None:
    assert len(VALUES) + 1 == len(value_figures.FIGURES)  # an audit has a test of its own


def test_what_is_no_value_of_ours_has_no_picture() -> None:
    with pytest.raises(UsageError, match="there is no picture of a value of type int; give a run, or what a verb returned"):
        sf.picture(3)


def test_an_audit_is_drawn_from_the_images_that_it_speaks_of(data: Dataset, audit: Audit, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the data set with data="):
        sf.picture(audit)
    assert sf.picture(audit, data=data).name == "label-errors"
    for name in ("near-duplicates", "strange"):
        assert sf.picture(audit, name, data=data).name == name
    with pytest.raises(UsageError, match=r"did you mean 'strange'.*; there are label-errors, near-duplicates, strange"):
        sf.picture(audit, "strang", data=data)
    nothing = replace(audit, listed_label_issues=[], listed_duplicates=[], strange=[])
    with pytest.raises(UsageError, match="there are none"):
        sf.picture(nothing, data=data)
    write_audit(audit, data, tmp_path / "new" / "audit")
    kept = {path.name for path in (tmp_path / "new" / "audit").iterdir()}
    assert kept == {"audit.json", "label-errors.png", "near-duplicates.png", "strange.png"}
    assert json.loads((tmp_path / "new" / "audit" / "audit.json").read_bytes()) == asdict(audit)


def test_saving_makes_folders(data: Dataset, tmp_path: Path) -> None:
    picture = sf.picture(sf.describe(data))
    path = picture.save(tmp_path / "new" / "pictures" / "brightness.png")
    assert path.read_bytes() == picture.png


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize(
    ("labels", "caption"),
    [
        (["cat", "dog"], "dog predicted as cat; evidence for dog (10.0"),
        (None, "b.png predicted as cat; evidence for dog (10.0"),
    ],
)
def test_an_explanation_says_what_each_image_was_called(labels: list[str] | None, caption: str) -> None:
    assert caption in texts(value_figures.explanation(explanation(labels), None)["where"]())


def test_a_class_with_few_images_leaves_white_places() -> None:
    figure = value_figures.examples_of(images(4, 0, "train", classes=3), "few")
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert shown.shape == (3 * 18, 11 * 18, 3)
    assert [bool((shown[18 * row : 18 * row + 18, 18 : 2 * 18] == 255).all()) for row in range(3)] == [False, True, True]


def test_every_image_stands_in_its_row_and_column() -> None:
    pixels = np.arange(2 * 3, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * np.ones((1, 1, 4, 4, 3), np.uint8)
    (axes,) = figures.gallery(pixels, ["a", "b"], "t").axes
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape == (2 * 6, 3 * 6, 3)
    assert [[shown[6 * row + 2, 6 * column + 2, 0] for column in range(3)] for row in range(2)] == [[0, 1, 2], [3, 4, 5]]


def test_pictures_by_name(run: Run, tmp_path: Path) -> None:
    never = {"corruptions", "corruptions-by-class", "maximised"}  # nobody asked for them
    for name in PICTURES:
        if name in never or (name == "cases" and not run.read("inside-validation.json")["cases"]):
            with pytest.raises(UsageError, match=rf"has no picture '{name}' .*sf\.{PICTURES[name][0]}"):
                sf.picture(run, name)
        elif name not in ("mistakes", "groups"):  # a network without mistakes has none
            picture = sf.picture(run, name)
            assert picture.png.startswith(b"\x89PNG")
            assert len(picture.png) < 300_000
    content, size = sf.picture(run)._repr_png_()
    assert size["width"] == round(96 * ENLARGED * WIDTH)
    assert sf.picture(run).save(tmp_path / "curves.png").read_bytes() == content
    with pytest.raises(UsageError, match=r"no picture is called 'curve' \(did you mean 'curves'\?\); there are curves,"):
        sf.picture(run, "curve")


def test_mistakes_are_shown_with_what_they_were_called(run: Run, tmp_path: Path) -> None:
    """Planted: the network makes none."""
    own = sf.open_run(shutil.copytree(run.path, tmp_path / "run"))
    with pytest.raises(UsageError, match="has no picture 'mistakes'"):
        sf.picture(own, "mistakes")
    own.write_bytes("mistakes-validation.npz", npz_bytes(positions=np.array([0, 1]), pixels=PIXELS))
    assert sf.picture(own, "mistakes").width > sf.picture(own, "curves").width


def test_all_charts_of_the_report_have_a_name(run: Run) -> None:
    drawings = content.drawings(run, content.numbers(run))
    assert {re.sub(r"^inside-|-validation$|-test$", "", name) for name in drawings} <= set(PICTURES)
