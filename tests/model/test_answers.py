"""Calibration of logits against scipy."""

import numpy as np
import pytest
from scipy.special import softmax

from seefar.model.answers import Answers, calibrated

LOGITS = np.array([[1, 2, 3], [1000, 0, -1000], [-1e4, -1e4, -1e4]], np.float32)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 2.5, 20.0])
def test_probabilities_are_softmax_of_the_divided_logits(temperature: float) -> None:
    found = calibrated(LOGITS, temperature)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, softmax(LOGITS.astype(np.float64) / temperature, axis=1), rtol=1e-6, atol=1e-30)


def test_no_temperature_counts_as_one_and_no_images_have_none() -> None:
    assert np.array_equal(calibrated(LOGITS, None), calibrated(LOGITS, 1.0))
    assert calibrated(LOGITS[:0], 2.0).shape == (0, 3)
    assert len(Answers(LOGITS, LOGITS, LOGITS)) == 3
