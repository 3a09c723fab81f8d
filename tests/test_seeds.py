"""Streams of random numbers are repeatable and unrelated."""

from hypothesis import given
from hypothesis import strategies as st

from seefar.seeds import derive


def test_a_known_value_so_that_no_release_changes_what_a_seed_means() -> None:
    assert derive(0, "weights") == 2039098572050236917


@given(st.integers(), st.text(max_size=10), st.lists(st.integers(0, 10**6), max_size=3))
def test_same_arguments_same_stream_others_another(seed: int, purpose: str, counters: list[int]) -> None:
    value = derive(seed, purpose, *counters)
    assert value == derive(seed, purpose, *counters)
    assert 0 <= value < 2**63
    assert value != derive(seed + 1, purpose, *counters)
    assert value != derive(seed, purpose, *counters, 0)
