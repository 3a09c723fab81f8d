"""Arrays and labels in every form that people have them; what can be read in two ways is asked about."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from seefar.data.images import Dataset
from seefar.errors import DataError, UsageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
LABELS = np.arange(30) % 3


@pytest.mark.parametrize(
    ("images", "pixels"),
    [
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR),
        (torch.from_numpy(COLOUR).permute(0, 3, 1, 2), COLOUR),
        (GREY, GREY[..., None]),
        (GREY[:, None], GREY[..., None]),
        (GREY[..., None], GREY[..., None]),
        (COLOUR / 255, COLOUR),
        (COLOUR.astype(np.float32), COLOUR),
        (COLOUR.astype(np.int64), COLOUR),
        (torch.from_numpy(COLOUR).permute(0, 3, 1, 2) / 255, COLOUR),
        (COLOUR > 127, np.where(COLOUR > 127, 255, 0)),
        (COLOUR.tolist(), COLOUR),
        (np.asfortranarray(COLOUR), COLOUR),
    ],
)
def test_images_of_any_layout_and_range_become_the_same_pixels(images: Any, pixels: np.ndarray) -> None:
    data = Dataset.from_arrays((images, LABELS), (images, LABELS))
    assert data.train.pixels.dtype == np.uint8
    assert np.array_equal(data.train.pixels, np.broadcast_to(pixels, COLOUR.shape))
    assert data.train.labels.tolist() == LABELS.tolist()
    assert not data.test_by_rule


def test_the_array_that_was_given_stays_writable_and_can_be_changed() -> None:
    given = COLOUR.copy()
    data = Dataset.from_arrays((given, LABELS))
    before = data.train.pixels.copy()
    given[:] = 0
    assert np.array_equal(data.train.pixels, before)


@pytest.mark.parametrize(
    ("images", "options", "sentence"),
    [
        (load_digits().images[:30], {}, "float64 from 0 to 16, so it is unclear which number is white; say white="),
        (np.minimum(GREY, 1), {}, "uint8 from 0 to 1, so it is unclear"),
        (GREY.astype(np.uint16) * 257, {}, "uint16 from 0 to 65535, so it is unclear"),
        (COLOUR / 127.5 - 1, {}, "reach from -1 to 1, as after normalisation"),
        (np.where(GREY == 5, np.nan, GREY / 255.0), {}, "not finite"),
        (np.zeros((30, 3, 16, 3), np.uint8), {"size": 8}, "read in two ways; say channels='last' or channels='first'"),
        (np.zeros((30, 16, 16, 4), np.uint8), {}, r"\(30, 16, 16, 4\); expected are"),
        (np.zeros((30, 768), np.uint8), {}, r"\(30, 768\); expected are"),
        (np.zeros((30, 16, 20), np.uint8), {}, "16x20 pixels, not square; give size="),
        (np.zeros((30, 0, 0), np.uint8), {}, "empty"),
        (np.array([GREY[0], None] * 15, object), {}, "object and not numbers"),
        (GREY.astype(str), {}, "not numbers"),
        (GREY.astype(complex), {}, "complex128 and not numbers"),
        ([GREY[0], GREY[0][:8]] * 15, {}, "unequal size"),
        (GREY / 255, {"white": 0.5}, "beyond 0 to 0.5"),
    ],
)
def test_images_that_leave_a_doubt_get_a_sentence(images: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Dataset.from_arrays((images, LABELS), **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"channels": "middle"}, "allowed is 'last' or 'first'"),
        ({"white": 0}, "a number above 0"),
        ({"size": 4}, "8 to 512"),
        ({"name": "../"}, "expected letters or digits"),
        ({"groups": {"test": LABELS}}, "groups are given for test, and images for train"),
    ],
)
def test_arguments_out_of_range_get_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Dataset.from_arrays((COLOUR, LABELS), **options)


@pytest.mark.parametrize(
    ("labels", "classes", "names", "numbers"),
    [
        (LABELS, None, ("0", "1", "2"), LABELS),
        (LABELS[:, None].astype(np.uint8), None, ("0", "1", "2"), LABELS),
        (np.eye(3)[LABELS], None, ("0", "1", "2"), LABELS),
        (torch.from_numpy(LABELS), None, ("0", "1", "2"), LABELS),
        (LABELS.astype(float), None, ("0", "1", "2"), LABELS),
        (LABELS * 5 + 2, None, ("2", "7", "12"), LABELS),
        ([("oak", "ash", "elm")[i] for i in LABELS], None, ("ash", "elm", "oak"), [(2, 0, 1)[i] for i in LABELS]),
        ([("10", "9", "x")[i] for i in LABELS], None, ("9", "10", "x"), [(1, 0, 2)[i] for i in LABELS]),
        ([b"oak", b"ash", b"elm"] * 10, ["oak", "ash", "elm"], ("oak", "ash", "elm"), LABELS),
        (LABELS, ["oak", "ash", "elm"], ("oak", "ash", "elm"), LABELS),
    ],
)
def test_labels_of_any_form(labels: Any, classes: Any, names: tuple[str, ...], numbers: Any) -> None:
    data = Dataset.from_arrays((COLOUR, labels), (COLOUR, labels), classes)
    assert data.classes == names
    assert data.train.labels.tolist() == list(numbers)


@pytest.mark.parametrize(
    ("labels", "classes", "sentence"),
    [
        (LABELS[:-1], None, "30 train images and 29 labels"),
        (LABELS - 1, None, "reach down to -1"),
        (LABELS / 2, None, "not all whole numbers"),
        (np.ones((30, 3)), None, "rows of 3 numbers, not all with one 1"),
        (np.zeros((30, 2, 2)), None, "labels are"),
        (np.zeros(30, int), None, "need at least 2 classes, found 1"),
        (LABELS, ["a", "b"], "reach 2; with 2 class names they may be 0 to 1"),
        (LABELS, ["a", "b", "b"], "must be different"),
        (LABELS, ["a", "b", "c", "d"], "class 'd' has no images in train"),
        (["a", "b", ""] * 10, None, "label 2 .counted from 0. is empty"),
        (["a", "b", "q"] * 10, ["a", "b", "c"], "contain 'q', which is not among the 3 classes"),
        ([{"a": 1}] * 30, None, "Python objects"),
        (np.full(30, 2**63, np.uint64), None, "too large"),
        (np.array(["2020-01-01"] * 30, "M8[D]"), None, "datetime64"),
    ],
)
def test_labels_that_cannot_be_used_get_a_sentence(labels: Any, classes: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Dataset.from_arrays((COLOUR, labels), classes=classes)


def test_splits_that_do_not_fit_each_other_are_refused() -> None:
    for test, sentence in (
        ((COLOUR / 255, LABELS), "different types, float64 and uint8"),
        ((GREY, LABELS), "another layout"),
        ((COLOUR, ["a", "b", "c"] * 10), "some labels are names and others numbers"),
        ((COLOUR, LABELS % 2), "class '2' has no images in test"),
    ):
        with pytest.raises(DataError, match=sentence):
            Dataset.from_arrays((COLOUR, LABELS), test)


def test_images_are_cut_to_a_square_and_resized_as_files_are(tmp_path: Any) -> None:
    from PIL import Image

    from seefar.data.decode import decode

    wide = RNG.integers(0, 256, (6, 20, 30, 3), dtype=np.uint8)
    data = Dataset.from_arrays((wide, [0, 1] * 3), (wide, [0, 1] * 3), size=12)
    Image.fromarray(wide[0]).save(tmp_path / "a.png")
    assert np.array_equal(data.train.pixels[0], decode((tmp_path / "a.png").read_bytes(), 12).pixels)


def test_own_validation_images_are_held_out_and_test_images_carved_from_the_others() -> None:
    data = Dataset.from_arrays((COLOUR, LABELS), validation=(COLOUR[::-1], LABELS))
    train, validation = data.held_out(0.1)
    assert validation.ids == data.validation == tuple(f"validation/{i:06d}" for i in range(30))
    assert np.array_equal(validation.pixels, COLOUR[::-1])
    assert {*train.ids, *data.test.ids} == {f"train/{i:06d}" for i in range(30)}
    assert data.test_by_rule


def test_the_same_arrays_give_the_same_digest_and_groups_are_part_of_it() -> None:
    one, other = (Dataset.from_arrays((COLOUR, LABELS), (COLOUR, LABELS)) for _ in range(2))
    assert one.train.digest == other.train.digest
    groups = {"train": range(30), "test": range(30)}
    assert Dataset.from_arrays((COLOUR, LABELS), (COLOUR, LABELS), groups=groups).train.digest != one.train.digest
