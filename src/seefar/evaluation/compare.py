"""Runs compared on the same images: paired differences, what was gained and lost, and what several seeds of one recipe say.

Nothing is computed anew with a network: the answers are those that `evaluate` stored, so this is no look at the test images.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from seefar.display import Shown
from seefar.errors import UsageError
from seefar.metrics import holm, softmax
from seefar.models.summary import summarise
from seefar.recipes import Recipe, from_json
from seefar.runs.folder import Run
from seefar.training.network import build_network

SHOWN = 50  # images named as gained or lost (chosen by hand: what somebody looks through)


@dataclass(frozen=True)
class Difference:
    """How far two networks differ on the same images.

    Attributes:
        value: accuracy of the other less that of the base, -1..1.
        low, high: its 95 % interval: where the difference among endless such images plausibly lies, for these two networks.
        gained: images that only the other has right.
        lost: images that only the base has right.
        p: McNemar's exact test, two-sided: how often chance alone shares out gains and losses at least as unevenly.
    """

    value: float
    low: float
    high: float
    gained: int
    lost: int
    p: float


@dataclass(frozen=True)
class ClassChange:
    """The change within one class.

    Attributes:
        name: the class.
        images: how many are of it.
        base, other: the share of them that each has right (recall), 0..1.
        gained, lost: images of it that only the other, only the base has right.
        p: McNemar's exact test within the class.
        p_holm: the same, adjusted by Holm for as many tests as there are classes with images.
    """

    name: str
    images: int
    base: float
    other: float
    gained: int
    lost: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class RunCost:
    """What a run needs: learned parameters, multiply-adds for one image, seconds of training."""

    parameters: int
    multiply_adds: int
    seconds: float


@dataclass(frozen=True)
class Cost:
    """What each of the two needs."""

    base: RunCost
    other: RunCost


@dataclass(frozen=True)
class Comparison:
    """One run against another.

    Attributes:
        base, other: names of the run folders.
        images: how many both have answered.
        difference: in accuracy.
        classes: a row for each class that has images.
        gained_ids: up to 50 images that only the other has right, those first to whose true class it gives most probability.
        lost_ids: likewise for the base.
        agreement: share of images to which both give the same answer, right or wrong.
        cost: of both.
    """

    base: str
    other: str
    images: int
    difference: Difference
    classes: list[ClassChange]
    gained_ids: list[str]
    lost_ids: list[str]
    agreement: float
    cost: Cost


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


@dataclass(frozen=True)
class Comparisons(Shown):
    """All that `compare` finds.

    Attributes:
        split: "validation" or "test".
        digest: of its images as the first run saw them.
        images: how many.
        pairs: every other run against the first.
        recipes: the runs, grouped by recipe and training images.
        recipe_differences: every other group against that of the first run, where they share two seeds or more.
    """

    split: str
    digest: str
    images: int
    pairs: list[Comparison]
    recipes: list[Seeds]
    recipe_differences: list[RecipeDifference]

    def __repr__(self) -> str:
        others = ", ".join(f"{pair.other} {100 * pair.difference.value:+.1f} points" for pair in self.pairs)
        return f"Comparisons({self.split}, {self.images:,} images, against {self.pairs[0].base}: {others})"


def paired_difference(base_right: np.ndarray, other_right: np.ndarray) -> Difference:
    """The difference of two accuracies measured on the same images. With no images nothing is known: 0, between -1 and 1.

    Args:
        base_right: bool `(n,)`, which images the base has right.
        other_right: the same for the other, in the same order.

    Source: the test is McNemar's, https://doi.org/10.1007/BF02295996, from the binomial distribution itself; for the interval
    see `paired_interval`.
    """
    images = len(base_right)
    gained, lost = int((other_right & ~base_right).sum()), int((base_right & ~other_right).sum())
    if images == 0:
        return Difference(0.0, -1.0, 1.0, 0, 0, 1.0)
    low, high = paired_interval(gained, lost, images)
    return Difference((gained - lost) / images, float(low), float(high), gained, lost, _mcnemar(gained, lost))


def paired_interval(gained: Any, lost: Any, images: Any) -> tuple[Any, Any]:
    """The 95 % interval of a difference of paired shares, -1..1; counts as numbers or as arrays of one shape.

    It is Wald's, with half an image added to each of the four cells (both right, both wrong, gained, lost). Its middle thus
    lies a little nearer to 0 than the measured difference.

    Source: Agresti and Min 2005, https://doi.org/10.1002/sim.1781
    """
    z = statistics.NormalDist().inv_cdf(0.975)
    gained, lost, images = gained + 0.5, lost + 0.5, images + 2
    middle = (gained - lost) / images
    half = z * np.sqrt(gained + lost - (gained - lost) ** 2 / images) / images
    return np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)


def compare(runs: Sequence[Run], split: str = "test", names: Sequence[str] | None = None) -> Comparisons:
    """Compare runs by the answers that `evaluate` stored in them. Images are matched by their ids, their order may differ.

    Args:
        runs: two or more; the first is what the others are compared with.
        split: "validation" or "test".
        names: what the runs are to be called; by default as their folders.

    Raises:
        UsageError: fewer than two runs, one of them twice, one without predictions of that split, or runs whose classes,
            images or labels differ; then nothing is computed.
        ModelFileError: a file of a run is missing or damaged.
    """
    if split not in ("validation", "test"):
        raise UsageError(f"split is {split!r}; allowed is validation or test")
    if len(runs) < 2:
        raise UsageError(f"a comparison needs two runs or more; given {len(runs)}")
    paths = [run.path.resolve() for run in runs]
    if twice := [run.path for i, run in enumerate(runs) if paths[i] in paths[:i]]:
        raise UsageError(f"{twice[0]} is given twice; name each run once")
    for run in runs:
        if not (run.has(f"predictions-{split}.npz") and run.has(f"evaluation-{split}.json")):
            raise UsageError(
                f"{run.path} has no predictions for {split} images; make them with `seefar evaluate {run.path} --split {split}`"
            )
    read = [_read(run, name, split) for run, name in zip(runs, names or _names(paths), strict=True)]
    first, *others = [_aligned(answers, read[0], split) for answers in read]
    groups = _groups([first, *others])
    return Comparisons(
        split=split,
        digest=first.digest,
        images=len(first.ids),
        pairs=[_pair(first, other) for other in others],
        recipes=[_seeds(group) for group in groups],
        recipe_differences=[found for group in groups[1:] if (found := _recipe_difference(groups[0], group))],
    )


@dataclass(frozen=True, eq=False)
class _Answers:
    """What a run answered, and what it is made of; `n` images."""

    name: str
    recipe: Recipe
    seed: int
    data: Mapping[str, Any]  # its data.json
    seconds: float
    digest: str
    ids: np.ndarray  # str (n,)
    labels: np.ndarray  # int64 (n,)
    predicted: np.ndarray  # int64 (n,), the classes that it named
    probabilities: np.ndarray  # float64 (n,), what it gave to the true class

    @cached_property
    def right(self) -> np.ndarray:
        """Which images are right, bool `(n,)`."""
        result: np.ndarray = self.predicted == self.labels
        return result

    @property
    def accuracy(self) -> float:
        return int(self.right.sum()) / len(self.ids)

    @cached_property
    def cost(self) -> RunCost:
        layers = summarise(build_network(self.recipe, len(self.data["classes"]), self.data["size"]), self.data["size"])
        return RunCost(sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers), self.seconds)


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of folders, with as many of those above them in front as it takes to tell all apart."""
    depth = 1
    while len(set(names := ["/".join(path.parts[-depth:]) for path in paths])) < len(paths):
        depth += 1
    return names


def _read(run: Run, name: str, split: str) -> _Answers:
    """What the files of a run say."""
    stored = run.arrays(f"predictions-{split}.npz")
    labels, logits = stored["labels"], stored["logits"]
    return _Answers(
        name=name,
        recipe=from_json(run.recipe()),
        seed=run.read("recipe.json")["seed"],
        data=run.read("data.json"),
        seconds=float(sum(run.read("timing.json")["seconds_by_epoch"])),
        digest=run.evaluation(split)["digest"],
        ids=stored["ids"],
        labels=labels,
        predicted=logits.argmax(1),
        probabilities=softmax(logits)[np.arange(len(labels)), labels],
    )


def _aligned(other: _Answers, first: _Answers, split: str) -> _Answers:
    """The other's answers with the images in the order of the first. Raises UsageError if they are not of the same images."""
    instead = f"evaluate both on the same {split} images, or compare others"
    if other.data["classes"] != first.data["classes"]:
        differing = sorted({*other.data["classes"]} ^ {*first.data["classes"]})
        what = f"{', '.join(differing)} are not in both" if differing else "the order is another"
        raise UsageError(f"{other.name} has other classes than {first.name}: {what}; compare runs with the same classes")
    if len(apart := np.setxor1d(other.ids, first.ids)):
        raise UsageError(
            f"{other.name} has answered other {split} images than {first.name}: {len(apart)} ids are in one of them only, "
            f"{str(apart[0])!r} first; {instead}"
        )
    order = np.argsort(other.ids, kind="stable")
    places = order[np.searchsorted(other.ids, first.ids, sorter=order)]
    if wrong := int((other.labels[places] != first.labels).sum()):
        raise UsageError(
            f"{other.name} and {first.name} do not agree on what the {split} images show: {wrong} of {len(first.ids)} labels "
            f"differ; {instead}"
        )
    # The digest knows the pixels, but also the order and the size: it can only speak where those are the same
    if np.array_equal(other.ids, first.ids) and other.data["size"] == first.data["size"] and other.digest != first.digest:
        raise UsageError(f"{other.name} has answered other pixels than {first.name} under the same ids; {instead}")
    return replace(
        other, ids=first.ids, labels=first.labels, predicted=other.predicted[places], probabilities=other.probabilities[places]
    )


def _pair(base: _Answers, other: _Answers) -> Comparison:
    return Comparison(
        base=base.name,
        other=other.name,
        images=len(base.ids),
        difference=paired_difference(base.right, other.right),
        classes=_class_changes(base, other),
        gained_ids=_surest(other, base),
        lost_ids=_surest(base, other),
        agreement=float((base.predicted == other.predicted).mean()),
        cost=Cost(base.cost, other.cost),
    )


def _class_changes(base: _Answers, other: _Answers) -> list[ClassChange]:
    names: list[str] = base.data["classes"]
    of_class = [base.labels == label for label in range(len(names))]
    rows = [
        (name, int(own.sum()), base.right[own], other.right[own])
        for name, own in zip(names, of_class, strict=True)
        if own.any()
    ]
    found = [paired_difference(base_right, other_right) for _, _, base_right, other_right in rows]
    adjusted = holm([difference.p for difference in found])
    return [
        ClassChange(
            name, images, float(base_right.mean()), float(other_right.mean()), found.gained, found.lost, found.p, p_holm
        )
        for (name, images, base_right, other_right), found, p_holm in zip(rows, found, adjusted, strict=True)
    ]


def _surest(right: _Answers, wrong: _Answers) -> list[str]:
    """The ids of images that only `right` has right, those first of which it is surest."""
    only = np.flatnonzero(right.right & ~wrong.right)
    chosen = only[np.argsort(-right.probabilities[only], kind="stable")][:SHOWN]
    return [str(id_) for id_ in right.ids[chosen]]


def _groups(answers: Sequence[_Answers]) -> list[list[_Answers]]:
    """Runs of the same recipe on the same training images from the same start, one for each seed, in the order of the first."""
    groups: dict[Any, dict[int, _Answers]] = {}
    for one in answers:
        # The name alone would do but for recipes that another version of seefar calls the same
        key = (replace(one.recipe, about=""), one.data["digest"], (one.data.get("start") or {}).get("weights"))
        groups.setdefault(key, {}).setdefault(one.seed, one)
    return [list(group.values()) for group in groups.values()]


def _seeds(group: Sequence[_Answers]) -> Seeds:
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


def _recipe_difference(base: Sequence[_Answers], other: Sequence[_Answers]) -> RecipeDifference | None:
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


def _mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact two-sided p; 1 if there is neither gain nor loss."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
