"""The images of the self-test: of all classes, of several modes and sizes, and the plain ones as they are."""

import io

import numpy as np
from PIL import Image
from tests.conftest import images

from seefar.data.decode import decode
from seefar.exporting.examples import VARIANTS, example_files


def test_sixteen_files_of_all_classes_ten_of_them_as_they_are() -> None:
    given = images(60, 0, "train")
    files = example_files(given, "white")
    assert len(files) == 16
    for place, file in enumerate(files[:10]):
        pixels = decode(file, 16).pixels
        assert np.array_equal(pixels, given.pixels[place])  # the labels of these images are 0, 1, 2, 0, 1, 2, ...


def test_the_others_differ_in_size_and_mode() -> None:
    opened = [Image.open(io.BytesIO(file)) for file in example_files(images(60, 0, "train"), "white")[10:]]
    assert [picture.mode for picture in opened] == ["RGB", "RGB", "L", "P", "RGBA", "I;16"]
    assert [picture.size for picture in opened] == [(49, 32), (8, 11), (16, 16), (16, 16), (16, 16), (16, 16)]


def test_fewer_images_are_all_taken() -> None:
    assert len(example_files(images(3, 0, "train"), "white")) == 3
    assert len(example_files(images(8, 0, "train"), "white")) == 8
    assert len(VARIANTS) == 6


def test_the_background_matters_to_one_of_them() -> None:
    file = example_files(images(60, 0, "train"), "white")[14]
    assert not np.array_equal(decode(file, 16, "white").pixels, decode(file, 16, "black").pixels)
