"""What is taken for what: planted pairs and groups are found, and nothing is found where nothing is."""

import numpy as np
import pytest

from seefar.evaluation.confusions import groups, mutual_confusion, pairs, weak_classes

NAMES = tuple("abcdefgh")


def matrix(each: int = 1000, error: float = 0.1, seed: int = 0) -> np.ndarray:
    """Every class with the same recall, its mistakes spread evenly."""
    probabilities = np.full((8, 8), error / 7)
    np.fill_diagonal(probabilities, 1 - error)
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(each, row) for row in probabilities])


def test_a_planted_pair_comes_first_with_its_stronger_direction() -> None:
    counts = matrix()
    counts[2, 5] += 120
    counts[5, 2] += 60
    first = pairs(counts, NAMES)[0]
    assert (first.one, first.other) == ("c", "f")
    assert (first.there, first.back) == (counts[2, 5], counts[5, 2])
    assert first.share == pytest.approx((counts[2, 5] + counts[5, 2]) / (counts[2].sum() + counts[5].sum()))


def test_the_stronger_direction_is_by_share_not_by_count() -> None:
    first = pairs(np.array([[900, 100], [50, 50]]), ("large", "small"))[0]
    assert (first.one, first.there, first.back) == ("small", 50, 100)


def test_all_pairs_are_those_of_an_independent_count() -> None:
    counts = matrix(seed=3)
    expected = sorted((counts[i, j] + counts[j, i]) / (counts[i].sum() + counts[j].sum()) for i in range(8) for j in range(i))
    assert [pair.share for pair in pairs(counts, NAMES, most=28)] == pytest.approx(expected[::-1])


def test_planted_groups_are_found_and_stand_side_by_side() -> None:
    counts = matrix()
    for i in (1, 4, 6):
        for j in (1, 4, 6):
            counts[i, j] += 80 * (i != j)
    found = groups(counts, NAMES)
    assert [set(group) for group in found.groups] == [{"b", "e", "g"}]
    places = sorted(found.order.index(name) for name in "beg")
    assert places[2] - places[0] == 2
    assert sorted(found.order) == list(NAMES)
    assert len(found.merges) == 7


def test_evenly_spread_mistakes_make_no_group_and_no_weak_class() -> None:
    for seed in range(20):
        counts = matrix(each=10_000, seed=seed)
        assert groups(counts, NAMES).groups == []
    assert sum(bool(weak_classes(matrix(seed=seed), NAMES)) for seed in range(100)) <= 11  # 5 expected


def test_two_classes_or_no_mistake_make_no_group() -> None:
    assert groups(np.array([[5, 5], [3, 7]]), ("a", "b")).groups == []
    found = groups(np.eye(8, dtype=int) * 9, NAMES)
    assert (found.groups, found.order) == ([], list(NAMES))
    assert pairs(np.eye(8, dtype=int), NAMES) == []


def test_a_class_that_does_worse_is_named_with_what_it_is_taken_for() -> None:
    counts = matrix()
    counts[3, 3] -= 150
    counts[3, 7] += 150
    (found,) = weak_classes(counts, NAMES)
    assert (found.name, found.taken_for, found.images) == ("d", "h", 1000)
    assert found.recall.value == counts[3, 3] / 1000
    assert found.others == pytest.approx((counts.trace() - counts[3, 3]) / 7000)
    assert found.p < 1e-6


def test_classes_without_images_are_left_out() -> None:
    counts = matrix()
    counts[0] = 0
    assert all(row.name != "a" for row in weak_classes(counts, NAMES))
    assert mutual_confusion(counts)[0, 0] == 0
