"""What a budget buys: points, the line between them and its inverse, and how fast this machine is."""

import dataclasses
import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pytest
from scipy import stats
from tests.conftest import images
from tests.training.plans import CPU

from seefar.errors import UsageError
from seefar.recipe_fields import change, find
from seefar.recipes import Recipe
from seefar.training import budget_words, frontier
from seefar.training.budget_words import what_to_expect
from seefar.training.check import check
from seefar.training.frontier import FRONTIER, INTERIM, MOST, STUDENT, choose, expected, forecast, seconds_for
from seefar.training.step_seconds import StepSeconds, step_seconds

FAST = find("fast")
POINTS = (FRONTIER[0], *FRONTIER[2:])  # the second has the settings of the first, for longer


def test_the_points_rise_in_time_and_accuracy_and_can_be_carried_out() -> None:
    assert len(FRONTIER) > 3
    for one, other in pairwise(FRONTIER):
        assert one.seconds < other.seconds
        assert 0 < one.accuracy < other.accuracy < 1
    for point in FRONTIER:
        check(change(FAST, point.changes), 10, 32, 45_000)
        assert stats.t.ppf(0.975, len(point.accuracies) - 1) == pytest.approx(STUDENT[len(point.accuracies)], abs=1e-3)


def test_the_points_are_those_that_the_benchmark_measured() -> None:
    results = json.loads((Path(__file__).parents[2] / "docs" / "time-to-accuracy.json").read_bytes()).values()
    for number, point in enumerate(FRONTIER, start=1):
        runs = [run["last"] for run in results if run["name"] == f"fast {number} final"]
        assert tuple(run["test_tta"] for run in runs) == point.accuracies
        assert fmean(run["seconds"] for run in runs) == pytest.approx(point.seconds, abs=0.05)


def test_a_budget_takes_the_last_point_that_was_made_for_no_more() -> None:
    first, second, last = FRONTIER[0], FRONTIER[1], FRONTIER[-1]
    assert choose(first.seconds / 9) is choose(first.seconds) is choose(second.seconds - 0.1) is first
    assert choose(second.seconds) is second
    assert choose(last.seconds * 9) is last


def middle(seconds: float) -> float:
    low, high = expected(seconds)
    return (low + high) / 2


def test_the_expected_interval_has_the_points_in_its_middle_and_rises_between_them() -> None:
    for point in FRONTIER:
        low, high = expected(point.seconds)
        assert middle(point.seconds) == pytest.approx(point.accuracy)
        assert low < min(point.accuracies) <= max(point.accuracies) < high
    one, other = FRONTIER[1:3]
    assert middle((one.seconds * other.seconds) ** 0.5) == pytest.approx((one.accuracy + other.accuracy) / 2)
    assert expected(FRONTIER[-1].seconds * 2) == expected(FRONTIER[-1].seconds), "nobody has measured more"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99])
def test_the_time_to_an_accuracy_is_the_inverse(share: float) -> None:
    accuracy = FRONTIER[0].accuracy + share * (FRONTIER[-1].accuracy - FRONTIER[0].accuracy)
    assert middle(seconds_for(accuracy)) == pytest.approx(accuracy)
    assert seconds_for(FRONTIER[0].accuracy / 2) == FRONTIER[0].seconds


def test_an_accuracy_that_was_never_reached_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no budget is known for 99\.9%: the longest that was measured gave"):
        seconds_for(0.999)


def at_speed(monkeypatch: pytest.MonkeyPatch, slow: float, answering: float = 0.0) -> None:
    """A machine that is so many times as slow as that one, whatever the network; it tells points by their settings alone."""

    def trial(recipe: Recipe, *_: object) -> StepSeconds:
        parts = [(made.network, made.sampling) for made in (change(FAST, point.changes) for point in POINTS)]
        point = POINTS[parts.index((recipe.network, recipe.sampling))]
        return StepSeconds(slow * point.seconds_an_image, answering)

    monkeypatch.setattr(frontier, "FRONTIER", POINTS)
    monkeypatch.setattr(frontier, "step_seconds", trial)
    monkeypatch.setattr(frontier, "SETTLING", 0.0)


def test_a_forecast_scales_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(50, 0, "train")
    at_speed(monkeypatch, 2.0)
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    for point in POINTS[1:]:
        budget = round(2 * point.seconds + 0.5, 1)  # some milliseconds pass meanwhile
        made = forecast(change(FAST, {"budget": budget}), None, data, CPU)
        assert made.accuracy == pytest.approx(expected(point.seconds), abs=1e-3)
        assert made.recipe == change(change(FAST, {"budget": budget}), {**point.changes, "interim": INTERIM})
        assert made.least == pytest.approx(2 * POINTS[0].seconds, abs=0.1)
        aimed = forecast(FAST, point.accuracy, data, CPU)
        assert aimed.recipe.stopping.budget == pytest.approx(2 * point.seconds, abs=0.2)
        assert dataclasses.replace(aimed.recipe, stopping=made.recipe.stopping, name=made.recipe.name) == made.recipe


def test_the_trial_that_counts_has_steps_about_as_long_as_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def trial(recipe: Recipe, _train: object, _machine: object, most: int = 125) -> StepSeconds:
        tried.append((recipe.network, most))
        return StepSeconds(FRONTIER[0].seconds_an_image, 0.0)

    monkeypatch.setattr(frontier, "step_seconds", trial)
    made = forecast(change(FAST, {"budget": 30.0}), None, images(50, 0, "train"), CPU)
    assert tried == [(change(FAST, FRONTIER[0].changes).network, 125), (made.recipe.network, MOST)]


def test_a_network_that_proves_too_slow_for_the_budget_gives_way_to_the_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(50, 0, "train")
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    narrow, wide = FRONTIER[1:3]
    assert narrow.changes != wide.changes
    seconds = iter([FRONTIER[0].seconds_an_image, 1.4 * wide.seconds_an_image, narrow.seconds_an_image])
    monkeypatch.setattr(frontier, "step_seconds", lambda *_: StepSeconds(next(seconds), 0.0))
    made = forecast(change(FAST, {"budget": wide.seconds + 3}), None, data, CPU)
    assert made.recipe.network == change(FAST, narrow.changes).network
    assert made.accuracy is not None
    assert expected(narrow.seconds) < made.accuracy <= expected(wide.seconds)


def test_a_machine_that_proves_faster_is_promised_no_more_than_where_the_next_settings_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = images(50, 0, "train")
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    first, second = FRONTIER[1:3]
    seconds = iter([first.seconds_an_image, first.seconds_an_image / 3])
    monkeypatch.setattr(frontier, "step_seconds", lambda *_: StepSeconds(next(seconds), 0.0))
    made = forecast(change(FAST, {"budget": first.seconds + 3}), None, data, CPU)
    assert made.recipe.network == change(FAST, first.changes).network
    assert made.accuracy == expected(second.seconds)


def test_what_is_spent_before_and_on_validating_is_not_there_for_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(50, 0, "train")
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    point = POINTS[1]
    at_speed(monkeypatch, 1.0)
    plain = forecast(change(FAST, {"budget": 80.0}), None, data, CPU)
    late = forecast(change(FAST, {"budget": 85.0}), None, data, CPU, spent=5.0)
    assert late.accuracy == pytest.approx(plain.accuracy, abs=1e-4)
    assert late.epochs == pytest.approx(plain.epochs, rel=1e-2)
    at_speed(
        monkeypatch, 1.0, answering=0.001 / 5
    )  # 5 images validate: a millisecond an epoch, and epochs of 45 images are short
    checked = forecast(change(FAST, {"budget": 80.0}), None, data, CPU)
    assert checked.accuracy is not None
    assert plain.accuracy is not None
    assert checked.accuracy < plain.accuracy
    aimed = forecast(FAST, point.accuracy, data, CPU, spent=3.0)
    assert aimed.recipe.stopping.budget == pytest.approx(
        point.seconds + 3 + 0.001 * (1 + INTERIM * math.ceil(aimed.epochs - 1)), abs=0.1
    )
    assert aimed.epochs > 1000
    monkeypatch.setattr(frontier, "SETTLING", 4.0)
    settled = forecast(change(FAST, {"budget": 84.0}), None, data, CPU)
    assert settled.epochs == pytest.approx(checked.epochs, rel=1e-2)


def test_below_the_first_point_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(50, 0, "train")
    at_speed(monkeypatch, 3.0)
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    monkeypatch.setattr(budget_words, "DIGEST", data.digest)
    made = forecast(change(FAST, {"budget": 20.0}), None, data, CPU)
    assert made.accuracy is None
    assert made.least == pytest.approx(3 * POINTS[0].seconds, abs=0.1)
    assert made.epoch_seconds == pytest.approx(45 * 3 * POINTS[0].seconds_an_image)
    said = what_to_expect(made, data)
    assert (
        said[1] == "expected accuracy: unknown, so short: an epoch takes 0 s here, the shortest budget that was measured 33 s"
    )
    late = forecast(change(FAST, {"budget": 5.0}), None, data, CPU, spent=6.0)
    assert "nothing will be learned; give more seconds" in what_to_expect(late, data)[1]


def test_for_other_images_the_accuracy_is_unknown_and_a_target_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(50, 0, "train")
    at_speed(monkeypatch, 1.0)
    assert forecast(change(FAST, {"budget": 60.0}), None, data, CPU).accuracy is None
    with pytest.raises(UsageError, match="known only for CIFAR-10; use --budget"):
        forecast(FAST, 0.8, data, CPU)


def test_how_slow_a_machine_is_follows_from_a_trial_and_larger_images_take_longer() -> None:
    small, large = (step_seconds(FAST, images(32, 0, "train", size=size), CPU) for size in (16, 64))
    assert 0 < small.learning < large.learning
    assert 0 < small.answering < large.answering
