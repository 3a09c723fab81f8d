"""The headline: believed where enough distinct images count, with an interval that keeps its promise when images are copied."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

import seefar as sf
from seefar.data.checks import Inspection
from seefar.data.distinct import Distinct
from seefar.data.images import Dataset
from seefar.evaluation.figures import beliefs
from seefar.evaluation.headline import Headline, headline, interval_of, mean_of, why_not
from seefar.metrics import Share, wilson


def looked(counts: np.ndarray, copies: int = 0, contradicting: int = 0, repeats: int = 0) -> Inspection:
    return Inspection("test", Distinct(counts, copies, contradicting, repeats), [], np.arange(len(counts)), [])


def test_thirty_images_a_class_are_enough_and_fewer_are_not() -> None:
    labels = np.arange(60) % 2
    assert why_not(looked(np.ones(60, bool)), labels) == ""
    assert why_not(looked(np.ones(59, bool)), labels[:59]) == "few"


def test_what_took_most_images_away_is_named() -> None:
    labels, counts = np.arange(80) % 2, np.arange(80) < 10
    assert why_not(looked(counts, copies=70), labels) == "copies"
    assert why_not(looked(counts, copies=10, repeats=60), labels) == "repeats"
    assert why_not(looked(counts, contradicting=70), labels) == "contradicting"


def test_a_class_of_which_none_counts_cannot_be_measured_however_many_others_do() -> None:
    labels = np.arange(400) % 2
    assert why_not(looked(labels == 0, copies=200), labels) == "copies"


def test_a_class_that_is_not_there_is_not_missed() -> None:
    assert why_not(looked(np.ones(60, bool)), np.repeat([0, 2], 30)) == ""


def test_accuracy_where_classes_are_even_and_balanced_accuracy_where_not() -> None:
    accuracy, recalls = wilson(90, 100), [wilson(50, 50), wilson(40, 50)]
    assert headline(accuracy, recalls, [100, 100], 100, 100) == Headline(
        "accuracy", accuracy.value, accuracy.low, accuracy.high, 100
    )
    said = headline(accuracy, recalls, [500, 100], 100, 100)
    assert said.name == "balanced accuracy"
    assert said.value == pytest.approx(0.9)
    assert said.low < 0.9 < said.high


def test_a_burst_counts_once_in_the_interval() -> None:
    accuracy = wilson(90, 100)
    said = headline(accuracy, [], [1, 1], 100, 25)
    assert (said.value, said.images) == (0.9, 25)
    assert said.high - said.low > 1.8 * (accuracy.high - accuracy.low)


def test_bursts_widen_the_interval_of_balanced_accuracy_too(run: sf.Run, small_data: Dataset) -> None:
    """A class of which all images are in two bursts is known as well as by two images."""
    sf.evaluate(run, "test", data=small_data)
    stored, labels = run.arrays("predictions-test.npz"), small_data.test.labels
    logits = np.eye(3)[(labels + (np.arange(90) % 5 == 0)) % 3]
    run.write("data.json", run.read("data.json") | {"train": [500, 50, 50]})
    alone, together = (
        beliefs(run, replace(looked(np.ones(90, bool)), bursts=bursts), stored["ids"].tolist(), labels, logits)["headline"]
        for bursts in (np.arange(90), np.where(labels == 0, np.arange(90) % 2, np.arange(90)))
    )
    assert alone.name == together.name == "balanced accuracy"
    assert alone.value == pytest.approx(together.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert together.images < alone.images == 90


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (500, 1000)])
def test_the_interval_of_a_share_is_wilsons(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    found = interval_of(hits / trials, trials)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert interval_of(0.0, 0) == Share(0.0, 0.0, 1.0)


def test_the_interval_of_a_balanced_accuracy_holds_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    truth, sizes = np.array([0.95, 0.7, 0.5]), (400, 40, 12)
    hits = 0
    for _ in range(2000):
        found = mean_of([wilson(int(rng.binomial(n, p)), n) for n, p in zip(sizes, truth, strict=True)])
        hits += found.low <= truth.mean() <= found.high
    assert 0.93 < hits / 2000 < 0.975


@pytest.mark.parametrize("spread", [1, 20])
def test_the_interval_holds_the_truth_however_often_images_are_copied(spread: int) -> None:
    """Images are copied 1 to `spread` times; each counts once. Counted as they come, the same interval is far too narrow."""
    rng = np.random.default_rng(1)
    truth, distinct, trials = 0.8, 200, 2000
    held = naive = 0
    for _ in range(trials):
        right = rng.random(distinct) < truth
        copies = rng.integers(1, spread + 1, distinct)
        ids = np.repeat(np.arange(distinct), copies)
        counts = np.concatenate([[True], ids[1:] != ids[:-1]])  # the first of each
        found, raw = wilson(int(right[ids][counts].sum()), int(counts.sum())), wilson(int(right[ids].sum()), len(ids))
        held += found.low <= truth <= found.high
        naive += raw.low <= truth <= raw.high
    assert 0.93 <= held / trials <= 0.97
    assert (naive / trials < 0.6) == (spread > 1)
