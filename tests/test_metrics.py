"""Numbers against scikit-learn's own and against formulas written out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from seefar import metrics
from seefar.metrics import Confusion

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 500)
LOGITS = RNG.normal(size=(500, 4)) + 2 * np.eye(4)[LABELS]
PREDICTED = LOGITS.argmax(1)
NAMES = ("ant", "bee", "cat", "dog")


@settings(deadline=None)  # the first call imports scipy
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
    probabilities = metrics.softmax(LOGITS)
    assert metrics.log_loss(LABELS, LOGITS) == pytest.approx(sk.log_loss(LABELS, probabilities))
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


def test_wilson_covers_what_it_promises() -> None:
    """The chance that the interval holds the truth, by exact binomial sums: in the mean 95 %, and nowhere far from it."""
    from scipy.stats import binom

    for trials in (1000, 2000):
        intervals = [metrics.wilson(successes, trials) for successes in range(trials // 3, trials + 1)]
        low, high = (np.array([getattr(share, end) for share in intervals]) for end in ("low", "high"))
        successes = np.arange(trials // 3, trials + 1)
        coverage = []
        for p in np.linspace(0.5, 0.99, 99):
            probabilities = binom.pmf(successes, trials, p)
            assert probabilities.sum() > 1 - 1e-9  # fewer successes than a third do not happen
            coverage.append(probabilities[(low <= p) & (p <= high)].sum())
        assert 0.94 <= np.mean(coverage) <= 0.96
        assert min(coverage) >= 0.935
        assert max(coverage) <= 0.97


def test_top_k_brier_auc_and_kappa_are_scikit_learns() -> None:
    probabilities = metrics.softmax(LOGITS)
    matrix = metrics.confusion_matrix(LABELS, PREDICTED, 4)
    for k in (1, 2, 3):
        assert metrics.top_k(LABELS, LOGITS, k).value == pytest.approx(sk.top_k_accuracy_score(LABELS, LOGITS, k=k))
    assert metrics.roc_auc(LABELS, probabilities) == pytest.approx(sk.roc_auc_score(LABELS, probabilities, multi_class="ovr"))
    assert metrics.cohen_kappa(matrix) == pytest.approx(sk.cohen_kappa_score(LABELS, PREDICTED))
    one_hot = np.eye(4)[LABELS]
    assert metrics.brier(LABELS, probabilities) == pytest.approx(4 * sk.mean_squared_error(one_hot, probabilities))


def test_they_say_what_they_can_with_two_classes_or_an_empty_one() -> None:
    labels, logits = np.array([0, 0, 1, 1]), np.array([[2.0, 1.0], [1.0, 2.0], [0.0, 3.0], [0.0, 1.0]])
    assert metrics.top_k(labels, logits, 1).value == 0.75
    assert metrics.top_k(labels, logits, 2).value == 1.0
    assert metrics.roc_auc(labels, metrics.softmax(logits)) == pytest.approx(
        sk.roc_auc_score(labels, metrics.softmax(logits)[:, 1])
    )
    assert metrics.roc_auc(np.zeros(4, np.int64), metrics.softmax(logits)) is None
    assert metrics.cohen_kappa(np.array([[4, 0], [0, 0]])) == 0.0


def test_holm_by_hand() -> None:
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert metrics.holm([]) == []


def test_the_surest_mistakes_come_first_and_no_confusion_takes_more_than_eight_places() -> None:
    labels = np.array([0] * 12 + [1, 1, 2])
    logits = np.zeros((15, 3))
    logits[:12, 1] = np.arange(12) + 1.0  # 0 taken for 1, ever more confidently
    logits[12, 2] = 5.5  # 1 for 2
    logits[13, 1] = logits[14, 2] = 9.0  # right
    assert metrics.surest_mistakes(labels, logits).tolist() == [11, 10, 9, 8, 7, 6, 5, 12, 4]
    assert metrics.surest_mistakes(labels, logits, 3).tolist() == [11, 10, 9]
    for images in (slice(13, None), slice(0, 0)):
        assert metrics.surest_mistakes(labels[images], logits[images]).tolist() == []
