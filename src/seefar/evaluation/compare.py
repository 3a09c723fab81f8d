"""Runs compared on the same images: paired differences, what was gained and lost, and what several seeds of one recipe say.

Nothing is computed anew with a network: the answers are those that `evaluate` stored, so this is no look at the test images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from seefar.display import Shown
from seefar.errors import UsageError
from seefar.evaluation.answers import Answers, RunCost, aligned, only_counted, read_answers
from seefar.evaluation.clusters import Clusters
from seefar.evaluation.over_seeds import RecipeDifference, Seeds, by_recipe, over_seeds, recipe_difference
from seefar.evaluation.paired import Difference, paired_difference
from seefar.metrics import holm
from seefar.model.run_images import check_split
from seefar.runs.folder import Run, open_run

SHOWN = 50  # images named as gained or lost (chosen by hand: what somebody looks through)


@dataclass(frozen=True)
class ClassChange:
    """The change within one class.

    Attributes:
        name: the class.
        images: how many are of it.
        base, other: the share of them that each has right (recall), 0..1.
        gained, lost: images of it that only the other, only the base has right.
        p: McNemar's exact test within the class, or a t test over groups, where they are known.
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
class Cost:
    """What each of the two needs."""

    base: RunCost
    other: RunCost


@dataclass(frozen=True)
class Comparison:
    """One run against another.

    Attributes:
        base, other: names of the run folders.
        images: how many both have answered, of those that count.
        difference: in accuracy.
        classes: a row for each class that has images.
        gained_ids: up to 50 images that only the other has right, those first to whose true class it gives most probability.
        lost_ids: likewise for the base.
        agreement: share of images to which both give the same answer, right or wrong.
        cost: of both.
        clusters: in how many groups the images are, where that is known; the difference is then one over groups.
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
    clusters: int | None


@dataclass(frozen=True)
class Comparisons(Shown):
    """All that `compare` finds.

    Attributes:
        split: "validation" or "test".
        digest: of its images as the first run saw them.
        images: how many count: each once, none that a run was trained on, none with two labels.
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


def compare(
    runs: Sequence[str | Path | Run] | Mapping[str, str | Path | Run], split: Literal["validation", "test"] = "test"
) -> Comparisons:
    """Compare runs on the same images, from the answers that `evaluate` stored: no look at the test images.

    Images are matched by their ids; their order may differ.

    Args:
        runs: two or more; the others are compared with the first. Runs of one recipe with several seeds are summed up. A dict
            gives them names; else they are called as their folders are.
        split: "validation" or "test".

    Raises:
        UsageError: fewer than two runs, one of them twice, one without predictions of that split, or runs whose classes,
            images or labels differ; then nothing is computed.
        ModelFileError: a file of a run is missing or damaged.
    """
    check_split(split)
    opened = [open_run(run) for run in (runs.values() if isinstance(runs, Mapping) else runs)]
    if len(opened) < 2:
        raise UsageError(f"a comparison needs two runs or more; given {len(opened)}")
    paths = [run.path.resolve() for run in opened]
    if twice := [run.path for i, run in enumerate(opened) if paths[i] in paths[:i]]:
        raise UsageError(f"{twice[0]} is given twice; name each run once")
    for run in opened:
        if not (run.has(f"predictions-{split}.npz") and run.has(f"evaluation-{split}.json")):
            raise UsageError(
                f"{run.path} has no predictions for {split} images; make them with `seefar evaluate {run.path} --split {split}`"
            )
    names = list(runs) if isinstance(runs, Mapping) else _names(paths)
    read = [read_answers(run, name, split) for run, name in zip(opened, names, strict=True)]
    first, *others = only_counted([aligned(answers, read[0], split) for answers in read])
    groups = by_recipe([first, *others])
    return Comparisons(
        split=split,
        digest=first.digest,
        images=len(first.ids),
        pairs=[_pair(first, other) for other in others],
        recipes=[over_seeds(group) for group in groups],
        recipe_differences=[found for group in groups[1:] if (found := recipe_difference(groups[0], group))],
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of folders, with as many of those above them in front as it takes to tell all apart."""
    depth = 1
    while len(set(names := ["/".join(path.parts[-depth:]) for path in paths])) < len(paths):
        depth += 1
    return names


def _pair(base: Answers, other: Answers) -> Comparison:
    return Comparison(
        base=base.name,
        other=other.name,
        images=len(base.ids),
        difference=paired_difference(base.right, other.right, Clusters(base.groups) if base.groups is not None else None),
        classes=_class_changes(base, other),
        gained_ids=_surest(other, base),
        lost_ids=_surest(base, other),
        agreement=float((base.predicted == other.predicted).mean()),
        cost=Cost(base.cost, other.cost),
        clusters=len(Clusters(base.groups)) if base.groups is not None else None,
    )


def _class_changes(base: Answers, other: Answers) -> list[ClassChange]:
    names: list[str] = base.data["classes"]
    of_class = [base.labels == label for label in range(len(names))]
    rows = [
        (
            name,
            int(own.sum()),
            base.right[own],
            other.right[own],
            Clusters(base.groups[own]) if base.groups is not None else None,
        )
        for name, own in zip(names, of_class, strict=True)
        if own.any()
    ]
    found = [paired_difference(base_right, other_right, clusters) for _, _, base_right, other_right, clusters in rows]
    adjusted = holm([difference.p for difference in found])
    return [
        ClassChange(
            name, images, float(base_right.mean()), float(other_right.mean()), found.gained, found.lost, found.p, p_holm
        )
        for (name, images, base_right, other_right, _), found, p_holm in zip(rows, found, adjusted, strict=True)
    ]


def _surest(right: Answers, wrong: Answers) -> list[str]:
    """The ids of images that only `right` has right, those first of which it is surest."""
    only = np.flatnonzero(right.right & ~wrong.right)
    chosen = only[np.argsort(-right.probabilities[only], kind="stable")][:SHOWN]
    return [str(id_) for id_ in right.ids[chosen]]
