"""Intervals over groups: against a formula, by simulation, and on planted near copies."""

import numpy as np
import pytest

from seefar.evaluation.clusters import Clusters, over_groups
from seefar.evaluation.paired import paired_difference
from seefar.metrics import Share, wilson


def names(sizes: np.ndarray) -> np.ndarray:
    return np.repeat([f"g{i}" for i in range(len(sizes))], sizes)


def test_groups_of_one_image_speak_as_images_do() -> None:
    right = np.arange(400) % 5 > 0
    found, plain = Clusters(names(np.ones(400, int))).share(right), wilson(int(right.sum()), 400)
    assert found.value == plain.value
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.004)


def test_groups_that_are_wholly_right_or_wrong_speak_as_one_image_each() -> None:
    right = np.repeat(np.arange(100) % 5 > 0, 10)
    clusters = Clusters(names(np.full(100, 10)))
    assert clusters.independent(right) == pytest.approx(100, abs=8)
    plain = wilson(80, 100)
    assert (clusters.share(right).low, clusters.share(right).high) == pytest.approx((plain.low, plain.high), abs=0.02)


def test_where_all_are_right_there_are_as_many_as_groups_less_for_few() -> None:
    assert Clusters(names(np.full(1000, 3))).independent(np.ones(3000, bool)) == pytest.approx(1000, abs=5)
    few = Clusters(names(np.full(4, 300)))
    assert few.independent(np.ones(1200, bool)) == 2
    assert few.share(np.ones(1200, bool)).low < 0.5
    assert Clusters(names(np.array([50]))).independent(np.ones(50, bool)) == 1


def test_the_mean_over_classes_is_balanced_accuracy_and_the_seed_is_fixed() -> None:
    rng = np.random.default_rng(0)
    labels, right = np.repeat([0, 1], [300, 60]), rng.random(360) < np.repeat([0.9, 0.5], [300, 60])
    clusters = Clusters(rng.permutation(names(np.full(60, 6))))
    found = clusters.mean_share(right, labels)
    assert found.value == pytest.approx((right[:300].mean() + right[300:].mean()) / 2)
    assert found.low < found.value < found.high
    assert clusters.mean_share(right, labels) == found


def test_the_headline_has_the_number_of_images_of_the_figure_that_is_stated_from_one_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng, draws = np.random.default_rng(0), []
    labels, right = np.repeat([0, 1], [300, 60]), rng.random(360) < np.repeat([0.9, 0.5], [300, 60])
    clusters = Clusters(rng.permutation(names(np.full(60, 6))))
    numbers = clusters.independent(right), clusters.independent(right, labels)
    assert numbers[0] != numbers[1]
    shares = clusters.share(right), clusters.mean_share(right, labels)
    draw = Clusters._draw
    monkeypatch.setattr(Clusters, "_draw", lambda *given: draws.append(1) or draw(*given))
    for uneven, train in enumerate(([60, 60], [300, 60])):
        draws.clear()
        said = over_groups(clusters, right, labels, train)
        assert len(draws) == 1
        assert (said.name, said.images) == (("accuracy", "balanced accuracy")[uneven], numbers[uneven])
        assert Share(said.value, said.low, said.high) == shares[uneven]


@pytest.mark.parametrize(("groups", "together"), [(8, 0.3), (20, 0.9)])
def test_the_interval_covers_the_truth_where_one_over_images_does_not(groups: int, together: float) -> None:
    rng, truth, runs = np.random.default_rng(groups), 0.8, 150
    covered = [0, 0]
    for _ in range(runs):
        sizes = rng.integers(5, 16, groups)
        of_group = rng.beta(truth * (1 / together - 1), (1 - truth) * (1 / together - 1), groups)
        right = rng.random(sizes.sum()) < np.repeat(of_group, sizes)
        for place, share in enumerate((Clusters(names(sizes)).share(right), wilson(int(right.sum()), len(right)))):
            covered[place] += share.low <= truth <= share.high
    assert covered[0] >= 0.9 * runs
    assert covered[1] <= 0.8 * runs


def test_a_difference_over_groups_of_one_is_that_over_images_and_over_copies_is_wider() -> None:
    rng = np.random.default_rng(0)
    base, other = rng.random(300) < 0.8, rng.random(300) < 0.9
    alone = Clusters(names(np.ones(300, int)))
    low, high, p = alone.difference(base, other)
    plain = paired_difference(base, other)
    assert (low, high) == pytest.approx((plain.low, plain.high), abs=0.01)
    assert (p < 0.01) == (plain.p < 0.01)
    copies = Clusters(names(np.full(300, 10)))
    same = copies.difference(base.repeat(10), other.repeat(10))
    assert same == pytest.approx((low, high, p), abs=0.01)
    flattered = paired_difference(base.repeat(10), other.repeat(10))
    assert flattered.high - flattered.low < 0.5 * (same[1] - same[0])
    assert paired_difference(base.repeat(10), other.repeat(10), copies).p == same[2]
    assert alone.difference(base, base) == (0, 0, 1)
