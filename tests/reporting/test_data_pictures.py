"""Pictures of a data set: every class in its row, whatever it is called and however few images it has."""

from pathlib import Path

import numpy as np
from PIL import Image
from tests.conftest import images

import seefar as sf
from seefar.data.describe import describe
from seefar.data.images import Dataset
from seefar.reporting import figures
from seefar.reporting.data_pictures import write_data_pictures


def test_both_pictures_are_written_and_are_pngs(small_data: Dataset, tmp_path: Path) -> None:
    sf.describe(small_data, out=tmp_path / "new" / "pictures")
    paths = sorted((tmp_path / "new" / "pictures").iterdir())
    assert [path.name for path in paths] == ["brightness.png", "examples.png"]
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200


def test_a_class_with_few_images_leaves_white_places(tmp_path: Path) -> None:
    few = images(4, 0, "train", classes=3)
    paths = write_data_pictures(few, describe(few), "few", tmp_path)
    assert [path.name for path in paths] == ["examples.png", "brightness.png"]


def test_every_image_stands_in_its_row_and_column() -> None:
    pixels = np.arange(2 * 3, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * np.ones((1, 1, 4, 4, 3), np.uint8)
    (axes,) = figures.gallery(pixels, ["a", "b"], "t").axes
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape == (2 * 6, 3 * 6, 3)
    assert [[shown[6 * row + 2, 6 * column + 2, 0] for column in range(3)] for row in range(2)] == [[0, 1, 2], [3, 4, 5]]
