"""The images that do not count: each once, with how often it occurs, the most frequent first."""

import numpy as np
from tests.conftest import images

from seefar.evaluation.left_out import MOST, left_out


def test_each_is_shown_once_with_how_often_it_occurs() -> None:
    pixels = images(4, 0, "test").pixels[[0, 1, 2, 2, 1, 2, 3]]
    counts = np.array([True, True, False, False, False, False, False])
    positions, times = left_out(pixels, counts)
    assert positions.tolist() == [2, 4, 6]  # the image at 1 counts, its repetition at 4 does not
    assert times.tolist() == [3, 2, 1]


def test_there_may_be_none_and_there_are_few() -> None:
    pixels = images(20, 0, "test").pixels
    assert [len(found) for found in left_out(pixels, np.ones(20, bool))] == [0, 0]
    assert left_out(pixels, np.zeros(20, bool))[0].tolist() == list(range(MOST))
    assert left_out(pixels[:0], np.zeros(0, bool))[0].dtype == np.int64
