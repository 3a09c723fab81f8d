"""What a run answered, as `evaluate` stored it, and several runs' answers brought into one order of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from seefar.errors import UsageError
from seefar.evaluation.earlier import counted
from seefar.metrics import softmax
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import from_json
from seefar.recipes import Recipe
from seefar.runs.folder import Run


@dataclass(frozen=True)
class RunCost:
    """What a run needs: learned parameters, multiply-adds for one image, seconds of training."""

    parameters: int
    multiply_adds: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run answered, and what it is made of; `n` images."""

    name: str
    recipe: Recipe
    seed: int
    data: Mapping[str, Any]  # its data.json
    seconds: float
    digest: str
    ids: np.ndarray  # str (n,)
    labels: np.ndarray  # int64 (n,)
    counts: np.ndarray  # bool (n,), the images that count: each once, none that it was trained on
    predicted: np.ndarray  # int64 (n,), the classes that it named
    probabilities: np.ndarray  # float64 (n,), what it gave to the true class
    groups: np.ndarray | None = None  # str (n,), what the images show, where that is known

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
        layers = summarise(build_network(self.recipe.network, len(self.data["classes"]), self.data["size"]), self.data["size"])
        return RunCost(sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers), self.seconds)


def read_answers(run: Run, name: str, split: str) -> Answers:
    """What the files of a run say."""
    stored = run.arrays(f"predictions-{split}.npz")
    labels, logits = stored["labels"], stored["logits"]
    counts = counted(run, split, stored)
    return Answers(
        name=name,
        recipe=from_json(run.recipe()),
        seed=run.read("recipe.json")["seed"],
        data=run.read("data.json"),
        seconds=float(sum(run.read("timing.json")["seconds_by_epoch"])),
        digest=run.evaluation(split)["digest"],
        ids=stored["ids"],
        labels=labels,
        counts=counts,
        predicted=logits.argmax(1),
        probabilities=softmax(logits)[np.arange(len(labels)), labels],
        groups=stored.get("groups"),
    )


def aligned(other: Answers, first: Answers, split: str) -> Answers:
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
        other,
        ids=first.ids,
        labels=first.labels,
        counts=other.counts[places],
        predicted=other.predicted[places],
        groups=first.groups,
        probabilities=other.probabilities[places],
    )


def only_counted(answers: Sequence[Answers]) -> list[Answers]:
    """The same answers, in one order of images, without the images that do not count for one of them."""
    counts = np.all([one.counts for one in answers], axis=0)
    if not counts.any():
        raise UsageError(
            "there is nothing to compare: every image is a copy of a training image, or has two labels; compare on others"
        )
    return [
        replace(
            one,
            ids=one.ids[counts],
            labels=one.labels[counts],
            counts=one.counts[counts],
            predicted=one.predicted[counts],
            groups=None if one.groups is None else one.groups[counts],
            probabilities=one.probabilities[counts],
        )
        for one in answers
    ]
