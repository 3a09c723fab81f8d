"""Paired differences of two accuracies: against formulas written out, another program's figures, and drawn counts."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar.evaluation.paired import paired_difference, paired_interval


def right(gained: int, lost: int, both: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images the base and the other have right."""
    cells = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * both + [(False, False)] * neither
    base, other = np.array(cells, bool).reshape(-1, 2).T
    return base, other


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 40))
def test_mcnemar_is_the_sum_of_the_binomial_tail_twice(gained: int, lost: int, both: int) -> None:
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n
    found = paired_difference(*right(gained, lost, both, 1))
    assert found.p == pytest.approx(min(2 * tail, 1.0))
    assert (found.gained, found.lost) == (gained, lost)


def test_the_interval_is_that_of_the_r_package_propcis() -> None:
    """`diffpropci.mp(b = 40, c = 20, n = 160)` prints -0.21601726 -0.03089632."""
    found = paired_difference(*right(20, 40, 60, 40))
    assert found.value == -20 / 160
    assert (found.low, found.high) == pytest.approx((-0.21601726, -0.03089632), abs=1e-8)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_the_interval_holds_the_value_and_turns_with_the_runs(gained: int, lost: int, both: int, neither: int) -> None:
    base, other = right(gained, lost, both, neither)
    there, back = paired_difference(base, other), paired_difference(other, base)
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert (back.low, back.value, back.high) == pytest.approx((-there.high, -there.value, -there.low))
    assert back.p == there.p


def test_without_images_nothing_is_known() -> None:
    assert dataclasses.astuple(paired_difference(*right(0, 0, 0, 0))) == (0.0, -1.0, 1.0, 0, 0, 1.0)


@pytest.mark.parametrize("images", [200, 2000])
def test_the_interval_covers_the_truth_in_about_95_of_100_cases(images: int) -> None:
    rng = np.random.default_rng(0)
    covered = []
    for gain, loss in [(0.02, 0.02), (0.05, 0.02), (0.1, 0.05), (0.1, 0.1), (0.3, 0.1), (0.04, 0.01)]:
        counts = rng.multinomial(images, [gain, loss, 1 - gain - loss], 20_000)
        low, high = paired_interval(counts[:, 0], counts[:, 1], images)
        covered.append(((low <= gain - loss) & (gain - loss <= high)).mean())
    assert 0.94 <= np.mean(covered) <= 0.965
    assert min(covered) > 0.93
