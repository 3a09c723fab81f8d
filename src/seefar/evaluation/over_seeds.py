"""What several seeds of one recipe say, and two recipes over the seeds that both were trained with."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from seefar.evaluation.answers import Answers


@dataclass(frozen=True)
class Seeds:
    """What the runs of one recipe on one set of training images say. Of several runs with one seed, the first counts.

    Attributes:
        recipe: its name.
        data: digest of the training images.
        runs, seeds, accuracies: a value for each run: folder, seed, share of images that were right.
        mean: of the accuracies.
        deviation: their sample standard deviation; None for one run.
        low, high: Student's 95 % interval of the mean: where the mean over endless seeds plausibly lies, on these images. None
            for one run, and for runs that are all equally good: they do not show how far seeds scatter.
        churn: share of images on which two of these runs answer differently, mean over all pairs of runs; None for one run.
    """

    recipe: str
    data: str
    runs: list[str]
    seeds: list[int]
    accuracies: list[float]
    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    churn: float | None


@dataclass(frozen=True)
class RecipeDifference:
    """One recipe against another, over the seeds that both were trained with.

    Attributes:
        base, other: names of the recipes.
        seeds: those that both have, at least two.
        value: mean over them of the accuracy of the other less that of the base, -1..1.
        low, high, p: 95 % interval and two-sided p of the paired t-test. None where every seed shows the same difference: that
            does not show how far it scatters.
    """

    base: str
    other: str
    seeds: list[int]
    value: float
    low: float | None
    high: float | None
    p: float | None


def by_recipe(answers: Sequence[Answers]) -> list[list[Answers]]:
    """Runs of the same recipe on the same training images from the same start, one for each seed, in the order of the first."""
    groups: dict[Any, dict[int, Answers]] = {}
    for one in answers:
        # The name alone would do but for recipes that another version of seefar calls the same
        key = (replace(one.recipe, about=""), one.data["digest"], (one.data.get("start") or {}).get("weights"))
        groups.setdefault(key, {}).setdefault(one.seed, one)
    return [list(group.values()) for group in groups.values()]


def over_seeds(group: Sequence[Answers]) -> Seeds:
    """See `Seeds`; the runs are one group of `by_recipe`."""
    accuracies = [one.accuracy for one in group]
    mean, several = statistics.mean(accuracies), len(group) > 1
    deviation = statistics.stdev(accuracies) if several else None
    low, high = None, None
    if deviation:
        from scipy.stats import t

        interval = t.interval(0.95, len(group) - 1, loc=mean, scale=deviation / math.sqrt(len(group)))
        low, high = max(float(interval[0]), 0.0), min(float(interval[1]), 1.0)
    return Seeds(
        recipe=group[0].recipe.name,
        data=group[0].data["digest"],
        runs=[one.name for one in group],
        seeds=[one.seed for one in group],
        accuracies=accuracies,
        mean=mean,
        deviation=deviation,
        low=low,
        high=high,
        churn=statistics.mean(float((a.predicted != b.predicted).mean()) for a, b in combinations(group, 2))
        if several
        else None,
    )


def recipe_difference(base: Sequence[Answers], other: Sequence[Answers]) -> RecipeDifference | None:
    """The paired difference of two recipes; None if they share fewer than two seeds."""
    bases, others = ({one.seed: int(one.right.sum()) for one in group} for group in (base, other))
    seeds = sorted(bases.keys() & others.keys())
    if len(seeds) < 2:
        return None
    images = len(base[0].ids)
    counts = [others[seed] - bases[seed] for seed in seeds]  # whole numbers: whether they are all the same is certain
    low, high, p = None, None, None
    if len(set(counts)) > 1:
        from scipy.stats import ttest_rel

        test = ttest_rel([others[seed] for seed in seeds], [bases[seed] for seed in seeds])
        interval = test.confidence_interval(0.95)
        low, high = max(float(interval.low) / images, -1.0), min(float(interval.high) / images, 1.0)
        p = float(test.pvalue)
    return RecipeDifference(base[0].recipe.name, other[0].recipe.name, seeds, sum(counts) / len(seeds) / images, low, high, p)
