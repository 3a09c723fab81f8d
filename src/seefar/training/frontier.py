"""What a budget buys: the best settings of `fast` for a given time, as they were measured, and how fast this machine is beside that one.

The points were chosen on validation images of CIFAR-10 saved as JPEG (docs/log.md). How long they take elsewhere, a short trial says.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from seefar.data.images import ImageSet
from seefar.errors import UsageError
from seefar.recipe_fields import change
from seefar.recipes import Recipe
from seefar.training.learner import new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.machine import Machine
from seefar.training.new_network import new_network
from seefar.training.processes import ALONE


@dataclass(frozen=True)
class Point:
    """Settings, and what they gave.

    Attributes:
        seconds: the budget on the machine they were measured on.
        accuracy: on validation, with test-time augmentation, 0..1: the mean over seeds.
        epochs: as many as that machine went through; those after the first are shorter, because they leave images out.
        changes: of recipe `fast`.
    """

    seconds: float
    accuracy: float
    epochs: float
    changes: Mapping[str, Any]


NARROW = ((32, 32), (64, 128), (128, 128))
MIDDLE = ((32, 32), (128, 128), (128, 128))
WIDE = ((64, 64), (128, 128), (256, 256))

# Measured with `seefar train --recipe fast --budget ...` on two cores at 850 GFLOP/s (bf16 product, 4096 x 4096); two or three runs each.
FRONTIER = (
    Point(15, 0.797, 2, {"widths": NARROW, "resolution": ((0.0, 0.625), (0.55, 0.8125), (0.8, 1.0))}),
    Point(30, 0.851, 6, {"widths": NARROW}),
    Point(50, 0.867, 9, {"widths": MIDDLE}),
    Point(90, 0.883, 16, {"widths": MIDDLE, "leave_out": 0.6}),
    Point(180, 0.896, 19, {"widths": WIDE, "leave_out": 0.6}),
)
DIGEST = "f5dd40e0eccda74df2d234089d691d7d2365406483d8486e7694be9ad8a3cea4"  # of the training images they were measured on
IMAGES = 50_000  # of them, validation included
PER_IMAGE = 272e-6  # seconds of that machine for an image of a full-size step of `fast`
TRIAL, STEPS = 250, 5  # images and steps of a trial; the fastest step counts, as the first ones are slower


@dataclass(frozen=True)
class Forecast:
    """What a budget is expected to give on this machine.

    Attributes:
        recipe: `fast` with the budget and the settings for it.
        epochs: as many as it will go through.
        accuracy: on images like those the points were measured on, 0..1; None for others: it has not been measured.
    """

    recipe: Recipe
    epochs: float
    accuracy: float | None


def forecast(recipe: Recipe, target: float | None, train: ImageSet, machine: Machine) -> Forecast:
    """The settings for a budget, or for the budget that an accuracy takes.

    Args:
        recipe: `fast`, with its budget unless there is a target.
        target: the accuracy to reach, 0..1; its budget is looked up. None: the recipe's budget stands.
        train: all training images, before validation is taken from them.
        machine: where the training will run.

    Raises:
        UsageError: the target is higher than any that was measured, or the images are not those that were measured.
    """
    known = train.digest == DIGEST
    if target is not None and not known:
        raise UsageError("the time to an accuracy is known only for CIFAR-10; use --budget, such as --budget 60s")
    slow = slowness(recipe, train, machine)
    there = seconds_for(target) if target is not None else recipe.stopping.budget / slow
    point = choose(there)
    chosen = change(recipe, {**point.changes, "budget": round(there * slow, 1)})
    part = len(train) / IMAGES
    return Forecast(chosen, point.epochs * there / point.seconds / part, expected(there) if known else None)


def slowness(recipe: Recipe, train: ImageSet, machine: Machine) -> float:
    """How long this machine takes for the work of one second of that machine, for such images: from a few steps of `fast`."""
    few = train[:TRIAL]
    whole = change(recipe, {"leave_out": 0.0, "resolution": [[0.0, 1.0]], "batch_size": len(few)})
    alone = replace(machine, compiled=False, processes=ALONE)  # a trial is not worth half a minute of compiling
    learner, batches = new_learner(whole, new_network(whole, 0, few), few, alone), new_batches(whole, 0, few, alone)
    seconds = []
    for epoch in range(1, STEPS + 1):  # each of one step
        began = time.perf_counter()
        for step in train_epoch(learner, batches, epoch, lambda _: whole.optimisation.learning_rate):
            step.loss.item()  # waits for the device
        seconds.append(time.perf_counter() - began)
    return min(seconds) / len(few) / PER_IMAGE


def choose(seconds: float) -> Point:
    """The point for so many seconds of that machine: the last that was made for no more, else the first."""
    return ([point for point in FRONTIER if point.seconds <= seconds] or FRONTIER[:1])[-1]


def expected(seconds: float) -> float:
    """The accuracy for so many seconds of that machine: a straight line between points over the logarithm of time."""
    for one, other in pairwise(FRONTIER):
        if seconds < other.seconds:
            share = max(math.log(seconds / one.seconds) / math.log(other.seconds / one.seconds), 0)
            return one.accuracy + share * (other.accuracy - one.accuracy)
    return FRONTIER[-1].accuracy


def seconds_for(accuracy: float) -> float:
    """The inverse of `expected`: the fewest seconds. Raises UsageError beyond the last point."""
    for one, other in pairwise(FRONTIER):
        if accuracy <= other.accuracy:
            share = max((accuracy - one.accuracy) / (other.accuracy - one.accuracy), 0)
            return one.seconds * math.pow(other.seconds / one.seconds, share)
    raise UsageError(
        f"no budget is known for {accuracy:.1%}: the longest that was measured gave {FRONTIER[-1].accuracy:.1%}; use a lower --target"
    )
