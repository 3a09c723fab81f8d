"""Which images count: each once, none of the training images, none with two labels; what is counted adds up."""

import numpy as np
from tests.conftest import images

from seefar.data.distinct import distinct
from seefar.data.images import ImageSet


def changed(whole: ImageSet, pixels: dict[int, np.ndarray], labels: dict[int, int] | None = None) -> ImageSet:
    """The same images but for these."""
    new, names = whole.pixels.copy(), whole.labels.copy()
    for i, one in pixels.items():
        new[i] = one
    for i, label in (labels or {}).items():
        names[i] = label
    return ImageSet(new, names, whole.classes, whole.ids)


TRAIN, TEST = images(30, 1, "train"), images(12, 2, "test")


def test_images_that_differ_all_count() -> None:
    found = distinct(TEST, TRAIN)
    assert found.counts.all()
    assert found.left_out == {"copies": 0, "repeats": 0, "contradicting": 0}


def test_training_images_do_not_count_whatever_their_label() -> None:
    test = changed(TEST, {0: TRAIN.pixels[3], 5: TRAIN.pixels[3]})
    assert TRAIN.labels[3] != test.labels[5]
    found = distinct(test, TRAIN)
    assert np.flatnonzero(~found.counts).tolist() == [0, 5]
    assert found.left_out == {"copies": 2, "repeats": 0, "contradicting": 0}


def test_a_mirrored_training_image_is_a_copy_only_within_its_class() -> None:
    mirrored = TRAIN.pixels[3, :, ::-1]
    test = changed(TEST, {0: mirrored, 1: mirrored})  # a b is no d
    assert TRAIN.labels[3] == test.labels[0] != test.labels[1]
    found = distinct(test, TRAIN)
    assert (found.copies, found.contradicting) == (1, 1)
    assert not found.counts[0]


def test_of_equal_images_the_first_counts() -> None:
    found = distinct(changed(TEST, {6: TEST.pixels[0], 9: TEST.pixels[0]}), TRAIN)
    assert np.flatnonzero(~found.counts).tolist() == [6, 9]
    assert found.left_out == {"copies": 0, "repeats": 2, "contradicting": 0}


def test_of_equal_images_of_two_classes_none_counts() -> None:
    found = distinct(changed(TEST, {1: TEST.pixels[0], 3: TEST.pixels[0]}), TRAIN)
    assert np.flatnonzero(~found.counts).tolist() == [0, 1, 3]
    assert found.left_out == {"copies": 0, "repeats": 0, "contradicting": 3}


def test_copies_of_training_images_are_nothing_else_as_well() -> None:
    found = distinct(changed(TEST, dict.fromkeys(range(12), TRAIN.pixels[0])), TRAIN)
    assert found.left_out == {"copies": 12, "repeats": 0, "contradicting": 0}
    assert not found.counts.any()


def test_no_images_are_no_copies() -> None:
    assert distinct(TEST[:0], TRAIN).left_out == {"copies": 0, "repeats": 0, "contradicting": 0}
    assert distinct(TEST, TRAIN[:0]).counts.all()
