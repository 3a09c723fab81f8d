"""Several seeds of a recipe: intervals against formulas written out, and which runs belong together."""

import dataclasses
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.evaluation.stored_runs import logits, made

from seefar.evaluation.compare import compare
from seefar.recipe_fields import change, find
from seefar.runs.folder import Run


def seeds(folder: Path, recipe: str, wrong: list[int], first: int = 0) -> list[Run]:
    """A run for each number: the first so many images are wrong; seeds count from `first`."""
    return [
        made(folder / f"{recipe}-{seed}", logits(dict.fromkeys(range(many), 1.0)), seed, recipe)
        for seed, many in enumerate(wrong, first)
    ]


def test_the_seeds_of_a_recipe_have_students_interval_and_churn(tmp_path: Path) -> None:
    (group,) = compare(seeds(tmp_path, "tiny", [3, 6, 5])).recipes
    accuracies = [27 / 30, 24 / 30, 25 / 30]
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies)
    half = stats.t.ppf(0.975, 2) * deviation / math.sqrt(3)
    assert (group.recipe, group.data) == ("tiny", "train")
    assert (group.runs, group.seeds, group.accuracies) == (["tiny-0", "tiny-1", "tiny-2"], [0, 1, 2], accuracies)
    assert (group.mean, group.deviation) == pytest.approx((mean, deviation))
    assert (group.low, group.high) == pytest.approx((mean - half, mean + half))
    assert group.churn == pytest.approx((3 + 2 + 1) / 3 / 30)


def test_one_run_and_equal_runs_do_not_show_how_far_seeds_scatter(tmp_path: Path) -> None:
    one, equal = compare([*seeds(tmp_path, "baseline", [3]), *seeds(tmp_path, "tiny", [2, 2])]).recipes
    assert (one.mean, one.deviation, one.low, one.high, one.churn) == (0.9, None, None, None, None)
    assert (equal.deviation, equal.low, equal.high, equal.churn) == (0.0, None, None, 0.0)


def test_an_interval_stays_within_what_an_accuracy_can_be(tmp_path: Path) -> None:
    (group,) = compare(seeds(tmp_path, "tiny", [0, 15])).recipes
    assert (group.low, group.high) == (0.0, 1.0)


def test_recipes_are_paired_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    runs = [
        *seeds(tmp_path, "tiny", [9, 6, 8, 7]),
        *seeds(tmp_path, "baseline", [4, 5, 5], first=1),
        *seeds(tmp_path, "deep", [1]),
    ]
    (found,) = compare(runs).recipe_differences
    differences = np.array([6 - 4, 8 - 5, 7 - 5]) / 30
    half = stats.t.ppf(0.975, 2) * differences.std(ddof=1) / math.sqrt(3)
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(3))
    assert (found.base, found.other, found.seeds) == ("tiny", "baseline", [1, 2, 3])
    assert found.value == pytest.approx(differences.mean())
    assert (found.low, found.high) == pytest.approx((differences.mean() - half, differences.mean() + half))
    assert found.p == pytest.approx(2 * stats.t.sf(t, 2))


def test_where_all_seeds_show_the_same_difference_there_is_no_interval(tmp_path: Path) -> None:
    (found,) = compare([*seeds(tmp_path, "tiny", [5, 7]), *seeds(tmp_path, "baseline", [4, 6])]).recipe_differences
    assert (found.value, found.low, found.high, found.p) == (pytest.approx(1 / 30), None, None, None)


def test_a_seed_counts_once(tmp_path: Path) -> None:
    again = made(tmp_path / "again", logits({1: 1.0}), seed=1)
    found = compare([*seeds(tmp_path, "tiny", [3, 6]), again])
    assert [pair.other for pair in found.pairs] == ["tiny-1", "again"]
    assert [group.runs for group in found.recipes] == [["tiny-0", "tiny-1"]]


def test_other_training_images_recipes_and_starts_are_other_groups(tmp_path: Path) -> None:
    same_name = dataclasses.replace(change(find("tiny"), {"dense": 32}), name="tiny")
    other_words = dataclasses.replace(find("tiny"), about="The same in other words.")
    runs = [
        made(tmp_path / "a", logits({}), 0),
        made(tmp_path / "b", logits({}), 1, recipe=other_words),
        made(tmp_path / "c", logits({}), 2, digest="fewer"),
        made(tmp_path / "d", logits({}), 3, recipe=same_name),
        made(tmp_path / "e", logits({}), 4, start={"run": "before", "weights": "1234"}),
    ]
    assert [group.runs for group in compare(runs).recipes] == [["a", "b"], ["c"], ["d"], ["e"]]
