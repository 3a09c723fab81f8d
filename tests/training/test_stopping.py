"""What counts as better, and early stopping against the counters of Keras written out."""

import math
import random

import pytest

from seefar.training.stopping import better, out_of_patience


def keras_stops_after(scores: list[float], patience: int, min_delta: float) -> int | None:
    """Epochs after which Keras's EarlyStopping(mode="max") sets stop_training; None if it never does."""
    best: float | None = None
    wait = 0
    for epoch, current in enumerate(scores):
        wait += 1
        if best is None or current - min_delta > best:
            best, wait = current, 0
        elif wait >= patience and epoch > 0:
            return epoch + 1
    return None


@pytest.mark.parametrize("min_change", [0.0, 0.01, 0.125])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_it_stops_where_keras_does(patience: int, min_change: float) -> None:
    draw = random.Random(patience)
    stopped = 0
    for _ in range(300):
        scores = [draw.randrange(16) / 16 for _ in range(20)]  # coarse, so that there are equals
        over = [out_of_patience(scores[:n], patience, min_change) for n in range(len(scores) + 1)]
        expected = keras_stops_after(scores, patience, min_change)
        assert (over.index(True) if True in over else None) == expected
        stopped += expected is not None
    assert stopped > 100


def test_patience_0_never_stops() -> None:
    assert not any(out_of_patience([1.0, *[0.0] * n], 0, 0.0) for n in range(50))


def test_nothing_out_of_patience_before_the_first_epoch() -> None:
    assert not out_of_patience([], 1, 0.0)
    assert not out_of_patience([0.5], 1, 0.0)


def test_the_first_epoch_and_the_first_of_equals_are_better() -> None:
    assert better([0.5, 0.5, 0.4, 0.6, 0.6]) == [True, False, False, True, False]
    assert better([-3.0, -2.0]) == [True, True]
    assert better([]) == []


def test_small_gains_add_up_to_one_that_counts() -> None:
    assert better([0.5, 0.625, 0.75, 0.875], min_change=0.25) == [True, False, False, True]


def test_what_is_no_number_is_never_better_and_does_not_hide_what_follows() -> None:
    assert better([math.nan, 0.5, math.nan, 0.6]) == [False, True, False, True]
