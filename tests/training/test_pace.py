"""How much of a run lies behind, by steps and by the clock."""

from seefar.training.pace import ByClock, BySteps


def test_steps_are_counted_from_one() -> None:
    pace = BySteps(4)
    assert [pace.progress(step) for step in (1, 2, 5)] == [0, 0.25, 1]


def test_a_clock_counts_from_its_beginning_less_the_reserve_and_stops_at_one() -> None:
    now = [100.0]
    clock = ByClock(10, 100.0, reserve=2, now=lambda: now[0])
    seen = []
    for moment in (100, 104, 108, 200):
        now[0] = moment
        seen.append(clock.progress(1))
    assert seen == [0, 0.5, 1, 1]
    assert clock.spent() == 100


def test_a_run_that_goes_on_has_begun_earlier() -> None:
    clock = ByClock(10, 50.0, now=lambda: 51.0)
    clock.began -= 4
    assert clock.progress() == 0.5


def test_a_reserve_as_long_as_the_budget_leaves_nothing() -> None:
    assert ByClock(1, 0.0, reserve=1, now=lambda: 0.5).progress() == 1
    assert ByClock(1, 0.0, reserve=3, now=lambda: 0.5).progress() == 1


def test_sizes_get_the_steps_that_they_name_and_the_time_for_them() -> None:
    """Half of the steps at half the side are a fifth of the time."""
    now = [0.0]
    clock = ByClock(10, 0.0, ((0.0, 0.5), (0.5, 1.0)), now=lambda: now[0])
    seen = []
    for moment in (0, 1, 2, 6, 10):
        now[0] = moment
        seen.append(round(clock.progress(), 9))
    assert seen == [0, 0.25, 0.5, 0.75, 1]
