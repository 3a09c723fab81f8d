"""Schedules start at the full rate and never leave 0 to 1."""

import pytest

from seefar.training.schedules import SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_stays_between_nothing_and_the_full_rate(name: str) -> None:
    shares = [SCHEDULES[name](i / 100) for i in range(101)]
    assert shares[0] == 1
    assert all(0 <= share <= 1 for share in shares)


def test_constant_and_linear_are_what_they_say() -> None:
    assert [SCHEDULES["constant"](p) for p in (0, 0.5, 1)] == [1, 1, 1]
    assert [SCHEDULES["linear"](p) for p in (0, 0.5, 1)] == [1, 0.5, 0]
