"""What a budget buys: points, the line between them and its inverse, and how fast this machine is."""

import dataclasses
from itertools import pairwise

import pytest
from tests.conftest import images
from tests.training.plans import CPU

from seefar.errors import UsageError
from seefar.recipe_fields import change, find
from seefar.training import frontier
from seefar.training.check import check
from seefar.training.frontier import FRONTIER, choose, expected, forecast, seconds_for

FAST = find("fast")


def test_the_points_rise_in_time_and_accuracy_and_can_be_carried_out() -> None:
    assert len(FRONTIER) > 3
    for one, other in pairwise(FRONTIER):
        assert one.seconds < other.seconds
        assert 0 < one.accuracy < other.accuracy < 1
    for point in FRONTIER:
        check(change(FAST, point.changes), 10, 32, 45_000)


def test_a_budget_takes_the_last_point_that_was_made_for_no_more() -> None:
    first, second, last = FRONTIER[0], FRONTIER[1], FRONTIER[-1]
    assert choose(first.seconds / 9) is choose(first.seconds) is choose(second.seconds - 0.1) is first
    assert choose(second.seconds) is second
    assert choose(last.seconds * 9) is last


def test_expected_accuracy_passes_through_the_points_and_rises_between_them() -> None:
    for point in FRONTIER:
        assert expected(point.seconds) == pytest.approx(point.accuracy)
    one, other = FRONTIER[1:3]
    middle = (one.seconds * other.seconds) ** 0.5
    assert expected(middle) == pytest.approx((one.accuracy + other.accuracy) / 2)
    assert expected(FRONTIER[0].seconds / 2) == FRONTIER[0].accuracy
    assert expected(FRONTIER[-1].seconds * 2) == FRONTIER[-1].accuracy


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99])
def test_the_time_to_an_accuracy_is_the_inverse(share: float) -> None:
    accuracy = FRONTIER[0].accuracy + share * (FRONTIER[-1].accuracy - FRONTIER[0].accuracy)
    assert expected(seconds_for(accuracy)) == pytest.approx(accuracy)
    assert seconds_for(FRONTIER[0].accuracy / 2) == FRONTIER[0].seconds


def test_an_accuracy_that_was_never_reached_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no budget is known for 99\.9%: the longest that was measured gave"):
        seconds_for(0.999)


def test_a_forecast_scales_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(45, 0, "train")
    monkeypatch.setattr(frontier, "slowness", lambda recipe, train, machine: 2.0)
    monkeypatch.setattr(frontier, "DIGEST", data.digest)
    point = FRONTIER[1]
    made = forecast(change(FAST, {"budget": 2 * point.seconds}), None, data, CPU)
    assert made.accuracy == pytest.approx(point.accuracy)
    assert made.epochs == pytest.approx(point.epochs * frontier.IMAGES / 45)
    assert made.recipe == change(FAST, {**point.changes, "budget": 2 * point.seconds})
    aimed = forecast(FAST, point.accuracy, data, CPU)
    assert aimed.recipe.stopping.budget == pytest.approx(2 * point.seconds, abs=0.1)
    assert dataclasses.replace(aimed.recipe, stopping=made.recipe.stopping, name=made.recipe.name) == made.recipe


def test_for_other_images_the_accuracy_is_unknown_and_a_target_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(45, 0, "train")
    monkeypatch.setattr(frontier, "slowness", lambda recipe, train, machine: 1.0)
    assert forecast(change(FAST, {"budget": 30.0}), None, data, CPU).accuracy is None
    with pytest.raises(UsageError, match="known only for CIFAR-10; use --budget"):
        forecast(FAST, 0.8, data, CPU)


def test_how_slow_a_machine_is_follows_from_a_trial_and_larger_images_take_longer() -> None:
    small, large = (frontier.slowness(FAST, images(32, 0, "train", size=size), CPU) for size in (16, 48))
    assert 0 < small < large
