"""Calibration against cases worked by hand and against planted temperatures."""

import numpy as np
import pytest
from scipy.special import logsumexp

from seefar.evaluation.calibration import BINS, calibration, fit_temperature, reliability, selective, sure_from
from seefar.metrics import softmax


def drawn(n: int, seed: int, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with just the probabilities that they state: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    probabilities = softmax(logits)
    labels = (rng.random((n, 1)) > probabilities.cumsum(1)).sum(1).clip(0, classes - 1)
    return labels, logits


def test_the_error_by_hand() -> None:
    """Four images: two said 0.9 and one of them was right, two said 0.6 and both were."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    found = reliability(np.array([0, 1, 0, 0]), np.log(probabilities))
    assert found.error == pytest.approx(0.5 * (0.9 - 0.5) + 0.5 * (1 - 0.6))
    full = [b for b in found.bins if b.images]
    assert [(b.images, b.accuracy) for b in full] == [(2, 1.0), (2, 0.5)]
    assert [b.confidence for b in full] == pytest.approx([0.6, 0.9])
    assert full[0].low < 0.6 <= full[0].high
    assert sum(b.images for b in found.bins) == 4


def test_the_error_is_that_of_the_definition_written_as_a_loop() -> None:
    labels, logits = drawn(1000, 0)
    probabilities = softmax(3 * logits)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    wide = even = 0.0
    for i in range(BINS):
        inside = (confidence > i / BINS) & (confidence <= (i + 1) / BINS)
        if inside.any():
            wide += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    for part in np.array_split(np.argsort(confidence, kind="stable"), BINS):
        even += len(part) / 1000 * abs(confidence[part].mean() - right[part].mean())
    found = reliability(labels, 3 * logits)
    assert found.error == pytest.approx(wide)
    assert found.error_even == pytest.approx(even, abs=2e-3)  # where bins cannot be of one size, either may hold the odd image


def test_a_planted_temperature_is_found() -> None:
    labels, logits = drawn(20_000, 1)
    for planted in (0.5, 1.0, 2.5):
        assert fit_temperature(labels, planted * logits) == pytest.approx(planted, rel=0.04)


def test_the_temperature_is_where_the_loss_is_smallest() -> None:
    labels, logits = drawn(500, 2)

    def loss(temperature: float) -> float:
        scaled = 3 * logits / temperature
        return float((logsumexp(scaled, axis=1) - scaled[np.arange(500), labels]).mean())

    grid = np.exp(np.linspace(np.log(0.2), np.log(15), 1500))
    assert fit_temperature(labels, 3 * logits) == pytest.approx(min(grid, key=loss), rel=3e-3)


def test_calibrating_an_overconfident_network_lowers_error_and_loss_and_leaves_answers() -> None:
    labels, logits = drawn(5000, 3)
    other_labels, other = drawn(5000, 4)
    found = calibration(labels, 4 * logits, fit_temperature(other_labels, 4 * other), 5000)
    assert found.before.error > 0.1
    assert found.after.error < 0.03
    assert found.after.loss < found.before.loss
    assert found.images == 5000


def test_selective_prediction_by_hand() -> None:
    """Ten images, surer and surer; the three least sure are wrong."""
    sure = np.linspace(0.55, 0.98, 10)
    logits = np.log(np.stack([sure, 1 - sure], 1))
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    assert sure_from(labels, logits, 1.0) == pytest.approx(sure[3])
    found = selective(labels, logits, sure_from(labels, logits, 1.0), 1.0)
    assert found.coverage == 0.7
    assert found.accuracy.value == 1.0
    assert found.accuracies[-1] == 0.7
    assert found.accuracies[69] == 1.0
    assert found.accuracies[79] == pytest.approx(7 / 8)
    assert len(found.coverages) == 100


def test_where_99_per_cent_are_never_reached_nothing_is_promised() -> None:
    labels, logits = np.array([1, 1]), np.log(np.array([[0.9, 0.1], [0.8, 0.2]]))
    assert sure_from(labels, logits, 1.0) is None
    found = selective(labels, logits, None, 1.0)
    assert (found.coverage, found.accuracy.low, found.accuracy.high) == (0.0, 0.0, 1.0)
