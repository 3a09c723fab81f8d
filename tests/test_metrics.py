"""Numbers against scikit-learn's own and against formulas written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from seefar import metrics
from seefar.metrics import Confusion

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 500)
LOGITS = RNG.normal(size=(500, 4)) + 2 * np.eye(4)[LABELS]
PREDICTED = LOGITS.argmax(1)
NAMES = ("ant", "bee", "cat", "dog")


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_is_the_published_formula(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    share, z = successes / trials, 1.959963984540054
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    found = metrics.wilson(successes, trials)
    assert found.value == share
    assert found.low == pytest.approx(centre - half, abs=1e-9)
    assert found.high == pytest.approx(centre + half, abs=1e-9)


def test_wilson_for_ten_thousand_images_is_the_known_interval() -> None:
    found = metrics.wilson(9000, 10000)
    assert (round(found.low, 4), round(found.high, 4)) == (0.8940, 0.9057)


def test_nothing_tried_nothing_known() -> None:
    assert metrics.wilson(0, 0) == metrics.Share(0.0, 0.0, 1.0)


def test_the_matrix_has_true_classes_as_rows() -> None:
    assert metrics.confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 1]), 3).tolist() == [[0, 2, 0], [0, 1, 0], [0, 0, 0]]


def test_the_report_is_scikit_learns() -> None:
    expected = sk.classification_report(LABELS, PREDICTED, target_names=NAMES, output_dict=True)
    for score in metrics.class_scores(LABELS, PREDICTED, NAMES):
        row = expected[score.name]
        assert (score.precision, score.recall.value, score.f1, score.support) == pytest.approx(
            (row["precision"], row["recall"], row["f1-score"], row["support"])
        )


def test_loss_and_balanced_accuracy_are_scikit_learns() -> None:
    chances = metrics.probabilities(LOGITS)
    assert metrics.log_loss(LABELS, LOGITS) == pytest.approx(sk.log_loss(LABELS, chances))
    matrix = metrics.confusion_matrix(LABELS, PREDICTED, 4)
    assert metrics.balanced_accuracy(matrix) == pytest.approx(sk.balanced_accuracy_score(LABELS, PREDICTED))


def test_a_class_without_images_and_one_never_named_are_no_trouble() -> None:
    labels, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])
    scores = metrics.class_scores(labels, predicted, ("a", "b", "c"))
    assert [(score.precision, score.support) for score in scores] == [(pytest.approx(2 / 3), 2), (0.0, 1), (0.0, 0)]
    assert metrics.balanced_accuracy(metrics.confusion_matrix(labels, predicted, 3)) == 0.5


def test_huge_logits_stay_finite() -> None:
    assert metrics.log_loss(np.array([1]), np.array([[1e4, -1e4]], np.float32)) == pytest.approx(2e4)


def test_the_strongest_confusions_are_the_largest_shares_of_their_rows() -> None:
    matrix = np.array([[90, 10, 0], [3, 7, 0], [1, 0, 99]])
    assert metrics.strongest_confusions(matrix, ("a", "b", "c")) == [
        Confusion("b", "a", 3, 0.3),
        Confusion("a", "b", 10, 0.1),
        Confusion("c", "a", 1, 0.01),
    ]
