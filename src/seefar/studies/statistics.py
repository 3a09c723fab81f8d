"""What a study's figures say: paired differences over seeds, corrected for their number, in a verdict.

Accuracies come in and go out as shares, 0..1; sentences speak in points, hundredths of a share. A failed run is missing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seefar.metrics import holm

Verdict = Literal["helps", "hurts", "no evidence", "too few seeds"]

LEVEL = 0.05  # of tests, and of what lies outside of intervals (the custom of the field)
FOUND = 0.8  # the power at which a difference counts as one that would be found (Cohen 1988, "Statistical power analysis")
SAME = 1e-9  # differences nearer than this are equal (chosen by hand: far below one image, far above what rounding leaves)


@dataclass(frozen=True)
class Summary:
    """One variant alone.

    Attributes:
        variant: its name.
        seeds, accuracies: a value for each run that ended well, by seed.
        mean: of the accuracies; None if every run failed.
        deviation: their sample standard deviation; None for one run.
        low, high: Student's 95 % interval of the mean, 0..1: where the mean over endless seeds plausibly lies. None for one
            run, and for runs that are all equally good: they do not show how far seeds scatter.
    """

    variant: str
    seeds: list[int]
    accuracies: list[float]
    mean: float | None
    deviation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effect:
    """One variant against another, over the seeds that both were trained with.

    Attributes:
        variant, against: their names.
        seeds: those that both have.
        value: mean over them of the accuracy of the variant less that of the other, -1..1; None without a common seed.
        low, high: its 95 % interval, paired. It is not corrected for the number of comparisons. None with fewer than two seeds,
            and where every seed shows the same difference: that does not show how far it scatters.
        p: of the two-sided paired t-test. None where there is no interval, and where nothing is tested because seeds are added
            until an interval is narrow.
        p_holm: p corrected for all comparisons of the study; None where p is.
        verdict: "helps" and "hurts" only if `p_holm` is below 0.05; "no evidence" also where nothing is tested.
        words: the verdict for a reader, in points; the p in it is `p_holm`.
    """

    variant: str
    against: str
    seeds: list[int]
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    verdict: Verdict
    words: str


def summaries(accuracies: Mapping[str, Mapping[int, float]]) -> list[Summary]:
    """Each variant alone, in their order: accuracies by variant and seed."""
    found = []
    for variant, by_seed in accuracies.items():
        seeds = sorted(by_seed)
        values = [float(by_seed[seed]) for seed in seeds]
        estimate = _estimate(np.array(values, np.float64))
        mean, half = _number(estimate.value), _number(estimate.half)
        found.append(
            Summary(
                variant=variant,
                seeds=seeds,
                accuracies=values,
                mean=mean,
                deviation=_number(estimate.deviation),
                low=None if mean is None or half is None else max(mean - half, 0.0),
                high=None if mean is None or half is None else min(mean + half, 1.0),
            )
        )
    return found


def effects(
    accuracies: Mapping[str, Mapping[int, float]], comparisons: Sequence[tuple[str, str]], estimation_only: bool = False
) -> list[Effect]:
    """What each variant does to the accuracy, with a verdict.

    Args:
        accuracies: by variant and seed. Runs with the same seed had the same split and order: they are paired.
        comparisons: pairs of a variant and that against which it is held. All of them are one family: every one counts in the
            correction, also one that could not be tested, so that their number is known before anything is trained.
        estimation_only: seeds are added until the intervals are narrow. Who looks repeatedly finds a small p by chance alone;
            so there is no test, only the difference with its interval.

    Source: the correction is Holm's, which holds however the tests depend on each other; see `seefar.metrics.holm`.
    """
    if not comparisons:
        return []
    common = [
        sorted(accuracies.get(variant, {}).keys() & accuracies.get(against, {}).keys()) for variant, against in comparisons
    ]
    differences = np.full((len(comparisons), max(map(len, common))), np.nan)
    for row, (variant, against), seeds in zip(differences, comparisons, common, strict=True):
        row[: len(seeds)] = [accuracies[variant][seed] - accuracies[against][seed] for seed in seeds]
    estimate = _estimate(differences)
    corrected = _corrected(estimate.p)
    found = []
    for i, ((variant, against), seeds) in enumerate(zip(comparisons, common, strict=True)):
        value, half = _number(estimate.value[i]), _number(estimate.half[i])
        p, p_holm = (None, None) if estimation_only else (_number(estimate.p[i]), _number(corrected[i]))
        low = None if value is None or half is None else max(value - half, -1.0)
        high = None if value is None or half is None else min(value + half, 1.0)
        verdict = _verdict(len(seeds), value, p_holm)
        words = _words(verdict, len(seeds), value, low, high, p, p_holm)
        found.append(Effect(variant, against, seeds, value, low, high, p, p_holm, verdict, words))
    return found


def narrow_enough(effects: Sequence[Effect], points: float) -> bool:
    """Whether the interval of every effect, from end to end, is at most so many points wide. One without an interval is not."""
    return all(
        effect.low is not None and effect.high is not None and effect.high - effect.low <= points / 100 for effect in effects
    )


def power(seeds: int, effect: float, comparisons: int = 1, level: float = LEVEL) -> float:
    """The chance that a study finds a true effect: that the two-sided paired t-test gives a corrected p below the level.

    The level is the strictest that Holm's correction asks for, `level / comparisons`: what it finds is at least this.

    Args:
        seeds: how many both variants were trained with. With fewer than two nothing is found.
        effect: the true difference, in standard deviations of the paired difference.
        comparisons: in the study.
        level: of the study as a whole.

    Source: the noncentral t distribution, Johnson and Welch 1940, https://doi.org/10.1093/biomet/31.3-4.362
    """
    from scipy.stats import nct, t

    if seeds < 2:
        return 0.0
    freedom, shift = seeds - 1, abs(effect) * math.sqrt(seeds)
    border = t.isf(level / comparisons / 2, freedom)
    # "hurts" for what helps; scipy 1.17 says NaN for some chances below 1e-20
    wrong_way = np.nan_to_num(nct.cdf(-border, freedom, shift))
    return float(min(nct.sf(border, freedom, shift) + wrong_way, 1.0))


def detectable(seeds: int, deviation: float, comparisons: int = 1) -> float:
    """The smallest true difference, in points, that a study finds with a chance of 80 %. Infinite with fewer than two seeds.

    Args:
        seeds: how many both variants were trained with.
        deviation: standard deviation of the paired difference, a share.
        comparisons: in the study.
    """
    from scipy.optimize import brentq

    if seeds < 2:
        return math.inf
    most = 1.0
    while power(seeds, most, comparisons) < FOUND:
        most *= 2
    return float(100 * deviation * brentq(lambda effect: power(seeds, effect, comparisons) - FOUND, 0, most))


def pareto(rows: Sequence[tuple[str, float, float]]) -> list[str]:
    """The names on the front, cheapest first: nothing else is at least as good and as cheap, and better in one of the two.

    Args:
        rows: name, cost and accuracy of each. Two that are equal in both stand side by side.
    """
    front = [
        (cost, place, name)
        for place, (name, cost, accuracy) in enumerate(rows)
        if not any(c <= cost and a >= accuracy and (c, a) != (cost, accuracy) for _, c, a in rows)
    ]
    return [name for _, _, name in sorted(front)]


def class_effects(
    correct: Mapping[str, Mapping[int, np.ndarray]], comparisons: Sequence[tuple[str, str]]
) -> dict[str, list[float]]:
    """What each variant does to the recall of each class: the mean paired difference, -1..1. Without a common seed, no entry.

    Args:
        correct: by variant and seed, float32 `(classes,)`: of each class, the share of images that were right.
        comparisons: pairs of a variant and that against which it is held.
    """
    found = {}
    for variant, against in comparisons:
        own, other = correct.get(variant, {}), correct.get(against, {})
        if seeds := sorted(own.keys() & other.keys()):
            differences = [own[seed].astype(np.float64) - other[seed].astype(np.float64) for seed in seeds]
            found[variant] = [float(value) for value in np.mean(differences, axis=0)]
    return found


@dataclass(frozen=True, eq=False)
class _Estimate:
    """Means over seeds: float64, the shape of what was measured less its last axis; NaN where too little is known.

    Attributes:
        value: the mean.
        deviation: sample standard deviation.
        half: half the width of Student's 95 % interval of the mean.
        p: two-sided, of the t-test against a mean of 0.
    """

    value: np.ndarray
    deviation: np.ndarray
    half: np.ndarray
    p: np.ndarray


def _estimate(values: np.ndarray) -> _Estimate:
    """Student's statistics over the last axis, float64 `(..., seeds)`; NaN where a run is missing.

    Values that are all the same show no scatter: deviation 0, but neither interval nor p.

    Source: Student 1908, https://doi.org/10.1093/biomet/6.1.1
    """
    from scipy.special import stdtr, stdtrit  # scipy.stats.t without its checks, which cost more than the test itself

    there = ~np.isnan(values)
    count = there.sum(-1)
    known = np.where(there, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(count > 0, known.sum(-1) / count, np.nan)
        squares = np.where(there, (known - value[..., None]) ** 2, 0.0).sum(-1)
        highest = values.max(-1, initial=-np.inf, where=there)
        scatter = (count > 1) & (highest - values.min(-1, initial=np.inf, where=there) > SAME)
        deviation = np.where(count > 1, np.where(scatter, np.sqrt(squares / (count - 1)), 0.0), np.nan)
        error = np.where(scatter, deviation / np.sqrt(count), np.nan)
        freedom = np.maximum(count - 1, 1)
        half = stdtrit(freedom, 1 - LEVEL / 2) * error
        p = 2 * stdtr(freedom, -np.abs(value / error))
    return _Estimate(value, deviation, half, p)


def _corrected(p: np.ndarray) -> np.ndarray:
    """Holm's correction over the last axis, float64 `(..., comparisons)`. NaN counts as one comparison and stays NaN."""
    untested = np.isnan(p)
    studies = np.where(untested, 1.0, p).reshape(-1, p.shape[-1]).tolist()
    return np.where(untested, np.nan, np.array([holm(study) for study in studies]).reshape(p.shape))


def _number(value: Any) -> float | None:
    """A float that JSON can hold: None for NaN."""
    return None if np.isnan(value) else float(value)


def _verdict(seeds: int, value: float | None, p_holm: float | None) -> Verdict:
    if seeds < 2:
        return "too few seeds"
    if value is None or p_holm is None or p_holm >= LEVEL:
        return "no evidence"
    return "helps" if value > 0 else "hurts"


def _words(
    verdict: Verdict,
    seeds: int,
    value: float | None,
    low: float | None,
    high: float | None,
    p: float | None,
    p_holm: float | None,
) -> str:
    if value is None:
        return "too few seeds to say: no seed with which both were trained"
    if verdict == "too few seeds":
        return f"too few seeds to say: {_points(value)} points with one seed"
    if low is None or high is None:
        return f"no evidence: {_points(value)} points with each of {seeds} seeds, which says nothing of other seeds"
    half = max(value - low, high - value)  # one end may have been cut off at -1 or 1
    digits = _digits(value, low, high, half)
    ends = f"{_points(low, digits)} to {_points(high, digits)}"
    if p is None or p_holm is None:
        return f"{_points(value, digits)} points (95 % interval: {ends})"
    if verdict == "no evidence":
        if p < LEVEL:  # its own interval leaves out 0: say why that is not enough
            return f"no evidence after correction (p = {_p(p)}, corrected {_p(p_holm)}): could be {ends}"
        return f"no evidence either way: could be {ends}"
    small = "p < 0.001" if p_holm < 0.001 else f"p = {_p(p_holm)}"
    return f"{verdict} ({_points(value, digits)} ± {100 * half:.{digits}f} points, {small})"


def _digits(value: float, low: float, high: float, half: float) -> int:
    """How many decimals points need: one, or more (up to three) where rounding would hide on which side of 0 an end lies."""
    for digits in (1, 2):
        shown = [round(100 * number, digits) for number in (low, high, half)]
        if all(shown) and abs(round(100 * value, digits)) != shown[2]:
            return digits
    return 3


def _points(share: float, digits: int = 1) -> str:
    """A difference of shares in points, with its sign; 0 has none."""
    text = f"{100 * share:+.{digits}f}"
    return text if float(text) else text[1:]


def _p(p: float) -> str:
    """A p-value, rounded, but never to the other side of the level ("0.0497", not "0.05")."""
    for digits in range(2, 6):
        text = f"{p:.{digits}g}" if p < 0.01 else f"{p:.{digits}f}"
        if (float(text) < LEVEL) == (p < LEVEL):
            break
    return text
