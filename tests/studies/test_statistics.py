"""Statistics of a study against scipy, against Holm by hand, and by simulation."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import nct, t, ttest_rel

from seefar.metrics import holm
from seefar.studies import statistics
from seefar.studies.statistics import class_effects, detectable, effects, narrow_enough, pareto, power, summaries

STUDIES = 10_000
SEEDS = [3, 1, 4, 15, 9]
RNG = np.random.default_rng(0)
ACCURACIES = {
    name: dict(zip(SEEDS, (0.8 + shift + RNG.normal(0, 0.004, 5)).tolist(), strict=True))
    for name, shift in (("base", 0.0), ("wider", 0.03), ("dropout", 0.004), ("flip", 0.0))
}
COMPARISONS = [("wider", "base"), ("dropout", "base"), ("flip", "base")]


def shifted(*points: float) -> dict[str, dict[int, float]]:
    """A base and a variant that differ by so many points, seed by seed."""
    base = [0.5, 0.61, 0.52, 0.57, 0.6][: len(points)]
    return {
        "base": dict(enumerate(base)),
        "x": {seed: base[seed] + point / 100 for seed, point in enumerate(points)},
    }


def words(*points: float, comparisons: int = 1, estimation_only: bool = False) -> tuple[str, str]:
    found = effects(shifted(*points), [("x", "base")] * comparisons, estimation_only)[0]
    return found.verdict, found.words


def simulated(studies: int, variants: int, seeds: int) -> np.ndarray:
    """Accuracies without any true effect, `(studies, 1 + variants, seeds)`; the base is the first. A seed shifts all alike."""
    rng = np.random.default_rng(7)
    return 0.8 + 0.003 * rng.normal(size=(studies, 1, seeds)) + 0.005 * rng.normal(size=(studies, 1 + variants, seeds))


# Numbers


def test_summaries_are_students() -> None:
    for found in summaries(ACCURACIES):
        values = [ACCURACIES[found.variant][seed] for seed in sorted(SEEDS)]
        assert (found.seeds, found.accuracies) == (sorted(SEEDS), values)
        interval = t.interval(0.95, 4, loc=np.mean(values), scale=np.std(values, ddof=1) / math.sqrt(5))
        assert (found.mean, found.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
        assert (found.low, found.high) == pytest.approx(interval)


def test_a_summary_says_no_more_than_its_runs() -> None:
    one, same, none, apart = summaries({"one": {0: 0.8}, "same": {0: 0.7, 1: 0.7}, "none": {}, "apart": {0: 0.99, 1: 0.4}})
    assert (one.mean, one.deviation, one.low, one.high) == (0.8, None, None, None)
    assert (same.mean, same.deviation, same.low, same.high) == (0.7, 0.0, None, None)
    assert (none.mean, none.deviation, none.low, none.seeds) == (None, None, None, [])
    assert (apart.low, apart.high) == (0.0, 1.0)


def test_effects_are_scipys_paired_t_tests() -> None:
    found = effects(ACCURACIES, COMPARISONS)
    tests = [
        ttest_rel([ACCURACIES[variant][seed] for seed in SEEDS], [ACCURACIES[against][seed] for seed in SEEDS])
        for variant, against in COMPARISONS
    ]
    for effect, test in zip(found, tests, strict=True):
        assert effect.p == pytest.approx(test.pvalue)
        assert (effect.low, effect.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
        assert effect.value == pytest.approx((effect.low + effect.high) / 2)
        assert effect.seeds == sorted(SEEDS)
    assert [effect.p_holm for effect in found] == pytest.approx(holm([test.pvalue for test in tests]))
    assert [effect.verdict for effect in found] == ["helps", "no evidence", "no evidence"]


def test_holm_by_hand() -> None:
    p = np.array([[0.01, 0.04, 0.03, 0.005], [0.9, 0.8, 0.02, np.nan]])
    expected = [[0.03, 0.06, 0.06, 0.02], [1.0, 1.0, 0.08, np.nan]]  # what could not be tested counts
    np.testing.assert_allclose(statistics._corrected(p), expected)


def test_only_common_seeds_are_paired() -> None:
    accuracies = {"base": {0: 0.5, 1: 0.6, 2: 0.7, 8: 0.1}, "x": {2: 0.73, 0: 0.51, 9: 0.9, 1: 0.62}, "y": {0: 0.52, 8: 0.11}}
    x, y, gone = effects(accuracies, [("x", "base"), ("y", "base"), ("gone", "base")])
    assert (x.seeds, y.seeds, gone.seeds) == ([0, 1, 2], [0, 8], [])
    assert (x.value, y.value, gone.value) == (pytest.approx(0.02), pytest.approx(0.015), None)
    assert x.p == pytest.approx(ttest_rel([0.51, 0.62, 0.73], [0.5, 0.6, 0.7]).pvalue)
    assert y.p == pytest.approx(ttest_rel([0.52, 0.11], [0.5, 0.1]).pvalue)
    assert x.p_holm == pytest.approx(3 * x.p)


def test_everything_is_plain_json() -> None:
    accuracies = {**ACCURACIES, "one": {1: 0.8}, "none": {}}
    comparisons = [*COMPARISONS, ("one", "base"), ("none", "base")]
    for value in (*summaries(accuracies), *effects(accuracies, comparisons), *effects(accuracies, comparisons, True)):
        assert json.loads(json.dumps(asdict(value), allow_nan=False)) == asdict(value)


def test_no_comparisons_no_effects() -> None:
    assert effects(ACCURACIES, []) == []
    assert [effect.verdict for effect in effects({}, [("x", "base")])] == ["too few seeds"]


# Words


def test_words_of_what_helps_and_hurts() -> None:
    assert words(1.3, 1.6, 1.0, 1.5, 1.1) == ("helps", "helps (+1.3 ± 0.3 points, p < 0.001)")
    assert words(-0.8, -1.1, -0.5, -1.2, -0.4) == ("hurts", "hurts (-0.8 ± 0.4 points, p = 0.0072)")
    assert words(1.3, 1.6, 1.0, 1.5, 1.1, comparisons=5) == ("helps", "helps (+1.3 ± 0.3 points, p = 0.0017)")  # corrected


def test_words_of_no_evidence() -> None:
    assert words(0.1, 0.5, -0.3, 0.2, 0.0) == ("no evidence", "no evidence either way: could be -0.3 to +0.5")
    verdict, text = words(-0.8, -1.1, -0.5, -1.2, -0.4, comparisons=8)
    assert (verdict, text) == (
        "no evidence",
        "no evidence after correction (p = 0.0072, corrected 0.06): could be -1.2 to -0.4",
    )


def test_words_of_too_few_seeds() -> None:
    assert words(0.4) == ("too few seeds", "too few seeds to say: +0.4 points with one seed")
    assert words(0.0) == ("too few seeds", "too few seeds to say: 0.0 points with one seed")
    found = effects({"base": {0: 0.5}, "x": {1: 0.6}}, [("x", "base")])[0]
    assert (found.verdict, found.words) == ("too few seeds", "too few seeds to say: no seed with which both were trained")
    assert (found.value, found.low, found.p, found.p_holm) == (None, None, None, None)


def test_equal_differences_say_nothing_of_other_seeds() -> None:
    accuracies = {"base": {0: 0.5, 1: 0.1, 2: 0.83}, "x": {0: 0.504, 1: 0.104, 2: 0.834}}
    assert len({accuracies["x"][seed] - accuracies["base"][seed] for seed in range(3)}) > 1  # rounding is no scatter
    found = effects(accuracies, [("x", "base")])[0]
    assert (found.low, found.high, found.p, found.p_holm, found.verdict) == (None, None, None, None, "no evidence")
    assert found.words == "no evidence: +0.4 points with each of 3 seeds, which says nothing of other seeds"
    assert words(0, 0, 0)[1] == "no evidence: 0.0 points with each of 3 seeds, which says nothing of other seeds"


def test_while_seeds_are_added_nothing_is_tested() -> None:
    assert words(1.3, 1.6, 1.0, 1.5, 1.1, estimation_only=True) == (
        "no evidence",
        "+1.3 points (95 % interval: +1.0 to +1.6)",
    )
    tested, estimated = effects(ACCURACIES, COMPARISONS), effects(ACCURACIES, COMPARISONS, estimation_only=True)
    assert [(effect.p, effect.p_holm, effect.verdict) for effect in estimated] == [(None, None, "no evidence")] * 3
    assert [(e.value, e.low, e.high) for e in estimated] == [(e.value, e.low, e.high) for e in tested]


def test_rounding_hides_no_sign_and_no_level() -> None:
    assert words(0.04, 0.05, 0.03, 0.04, 0.06)[1] == "helps (+0.04 ± 0.01 points, p < 0.001)"
    assert words(0.08, 0.53, 0.01, 0.38, 0.68)[1] == "no evidence either way: could be -0.02 to +0.69"
    assert [statistics._p(p) for p in (0.002, 0.01, 0.0497, 0.0502, 0.6, 1.0)] == [
        "0.002",
        "0.01",
        "0.0497",
        "0.05",
        "0.60",
        "1.00",
    ]


# What else is asked of them


def test_narrow_enough_is_the_whole_width_of_every_interval() -> None:
    wide = effects(shifted(0.1, 0.5, -0.3, 0.2, 0.0), [("x", "base")])  # 0.73 points
    narrow = effects(shifted(0.1, 0.2, 0.15, 0.12, 0.18), [("x", "base")])
    assert narrow_enough(wide, 0.74)
    assert not narrow_enough(wide, 0.72)
    assert narrow_enough(narrow, 0.5)
    assert not narrow_enough([*narrow, *wide], 0.5)
    assert not narrow_enough(effects(shifted(0.4), [("x", "base")]), 100)  # one seed
    assert not narrow_enough(effects(shifted(0.4, 0.4), [("x", "base")]), 100)  # no scatter seen


def test_the_front_is_what_nothing_beats() -> None:
    rows = [
        ("slow", 9.0, 0.9),
        ("fast", 1.0, 0.7),
        ("poor", 2.0, 0.6),
        ("good", 3.0, 0.9),
        ("twin", 1.0, 0.7),
        ("dear", 3.0, 0.8),
    ]
    assert pareto(rows) == ["fast", "twin", "good"]
    assert pareto([]) == []


def test_class_effects_are_means_of_paired_differences() -> None:
    correct = {
        "base": {0: np.array([0.5, 0.8], np.float32), 1: np.array([0.6, 0.9], np.float32), 2: np.zeros(2, np.float32)},
        "x": {1: np.array([0.8, 0.8], np.float32), 0: np.array([0.6, 0.8], np.float32)},
        "y": {7: np.array([0.8, 0.8], np.float32)},
    }
    found = class_effects(correct, [("x", "base"), ("y", "base")])
    assert found == {"x": [pytest.approx(0.15), pytest.approx(-0.05)]}
    assert type(found["x"][0]) is float


def test_power_is_the_noncentral_t() -> None:
    border = t.ppf(1 - 0.05 / 3 / 2, 4)
    expected = nct.sf(border, 4, 0.8 * math.sqrt(5)) + nct.cdf(-border, 4, 0.8 * math.sqrt(5))
    assert power(5, 0.8, comparisons=3) == pytest.approx(expected)
    assert power(5, -0.8, comparisons=3) == power(5, 0.8, comparisons=3)
    assert power(5, 0.0) == pytest.approx(0.05)
    assert power(1, 2.0) == 0.0
    for effect in (3, 8, 20, 1000):  # where scipy has no number for the other tail
        assert power(5, effect - 1) <= power(5, effect) <= 1


def test_detectable_is_where_the_power_is_80_percent() -> None:
    for seeds, comparisons in ((2, 1), (2, 20), (3, 8), (5, 1), (5, 8), (30, 4)):
        points = detectable(seeds, 0.004, comparisons)
        assert power(seeds, points / 0.4, comparisons) == pytest.approx(0.8)
    assert detectable(1, 0.004) == math.inf
    assert detectable(5, 0.0) == 0.0


# Simulations: 10,000 studies each, by the function that `effects` itself uses


def corrected(accuracies: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Corrected p-values `(studies, comparisons)` of accuracies `(studies, variants, seeds)`."""
    own, other = zip(*pairs, strict=True)
    return statistics._corrected(statistics._estimate(accuracies[:, own] - accuracies[:, other]).p)


def test_the_simulated_function_is_that_of_effects() -> None:
    accuracies = simulated(200, 4, 3)
    accuracies[:, 1] += 0.03
    pairs = [(variant, 0) for variant in range(1, 5)]
    fast = corrected(accuracies, pairs)
    comparisons = [(str(variant), str(against)) for variant, against in pairs]
    verdicts = set()
    for study, expected in zip(accuracies, fast, strict=True):
        by_seed = {str(variant): dict(enumerate(row.tolist())) for variant, row in enumerate(study)}
        found = effects(by_seed, comparisons)
        assert [effect.p_holm for effect in found] == pytest.approx(expected.tolist())
        claimed = [effect.verdict in ("helps", "hurts") for effect in found]
        assert claimed == (expected < 0.05).tolist()
        verdicts |= {effect.verdict for effect in found}
    assert {"helps", "no evidence"} <= verdicts


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("variants", [1, 4, 8])
@pytest.mark.parametrize("images", [None, 1000], ids=["smooth", "counted"])
def test_without_an_effect_few_studies_claim_one(variants: int, seeds: int, images: int | None) -> None:
    accuracies = simulated(STUDIES, variants, seeds)
    if images:
        accuracies = np.round(accuracies * images) / images
    against_base = [(variant, 0) for variant in range(1, variants + 1)]
    each_on_the_last = [(variant, variant - 1) for variant in range(1, variants + 1)]
    for pairs in (against_base, each_on_the_last):
        claimed = (corrected(accuracies, pairs) < 0.05).any(1).mean()
        assert 0.005 < claimed <= 0.055


def test_without_the_correction_many_would() -> None:
    accuracies = simulated(STUDIES, 8, 5)
    uncorrected = statistics._estimate(accuracies[:, 1:] - accuracies[:, :1]).p
    assert (uncorrected < 0.05).any(1).mean() > 0.15


def test_an_effect_of_two_deviations_is_found_by_five_seeds() -> None:
    accuracies = simulated(STUDIES, 1, 5)
    accuracies[:, 1] += 2 * 0.005 * math.sqrt(2)  # what the seed shifts cancels in the difference
    found = (corrected(accuracies, [(1, 0)]) < 0.05).mean()
    assert found >= 0.85
    assert found == pytest.approx(power(5, 2.0), abs=0.015)


@pytest.mark.parametrize(("seeds", "effect", "comparisons"), [(3, 2.0, 1), (5, 1.0, 1), (5, 2.0, 4), (3, 4.0, 8), (10, 1.0, 8)])
def test_power_is_the_simulated_share(seeds: int, effect: float, comparisons: int) -> None:
    accuracies = simulated(STUDIES, comparisons, seeds)
    accuracies[:, 1] += effect * 0.005 * math.sqrt(2)
    pairs = [(variant, 0) for variant in range(1, comparisons + 1)]
    p = statistics._estimate(accuracies[:, 1] - accuracies[:, 0]).p
    expected = power(seeds, effect, comparisons)
    assert (p < 0.05 / comparisons).mean() == pytest.approx(expected, abs=0.015)
    found = (corrected(accuracies, pairs)[:, 0] < 0.05).mean()
    assert expected - 0.015 <= found <= expected + 0.03  # Holm finds a little more than its strictest level


def test_intervals_cover_what_they_promise() -> None:
    accuracies = simulated(STUDIES, 1, 3)
    estimate = statistics._estimate(accuracies[:, 1] - accuracies[:, 0])
    assert (abs(estimate.value) <= estimate.half).mean() == pytest.approx(0.95, abs=0.007)
