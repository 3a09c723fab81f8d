"""How long this machine takes for an image of a training: a few real steps at each of the sizes that the recipe shows."""

import time
from dataclasses import dataclass, replace
from statistics import fmean

from seefar.data.batches import Batches, Lengths
from seefar.data.images import ImageSet
from seefar.data.resolution import side_at
from seefar.networks.inference import predict
from seefar.recipe_fields import change
from seefar.recipes import Recipe
from seefar.training.learner import Learner, new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.machine import Machine
from seefar.training.new_network import new_network
from seefar.training.processes import ALONE

IMAGES, STEPS = 125, 3  # of a trial at one size; the mean of all steps but the first counts, which is slower


@dataclass(frozen=True)
class StepSeconds:
    """Seconds of this machine.

    Attributes:
        learning: for an image of a step, on average over the run: every size counts by its share of the steps.
        answering: for an image of a validation.
    """

    learning: float
    answering: float


def step_seconds(recipe: Recipe, train: ImageSet, machine: Machine, most: int = IMAGES) -> StepSeconds:
    """Try a recipe for a moment.

    Args:
        recipe: whose network, sizes and optimiser are tried.
        train: images like those that it will be trained on; the first ones are used.
        machine: where. A trial is not worth half a minute of compiling, and is made by this process alone.
        most: images of a step; the recipe's batch size if that is smaller.
    """
    few = train[: min(most, recipe.sampling.batch_size)]
    tried = change(recipe, {"leave_out": 0.0, "batch_size": len(few), "budget": 0.0})
    alone = replace(machine, compiled=False, processes=ALONE)
    learner, batches = new_learner(tried, new_network(tried, 0, few), few, alone), new_batches(tried, 0, few, alone)
    resolution = recipe.sampling.resolution
    ends = [*(start for start, _ in resolution[1:]), 1.0]
    learning = 0.0
    for place, ((start, _), end) in enumerate(zip(resolution, ends, strict=True)):
        steps = [
            _one_step(learner, batches, place * STEPS + number, side_at(resolution, start, few.size))
            for number in range(1, STEPS + 1)
        ]
        learning += (end - start) * fmean(steps[1:]) / len(few)
    predict(learner.judged, few.pixels, machine.precision)  # the first time is slower
    began = time.perf_counter()
    predict(learner.judged, few.pixels, machine.precision)
    return StepSeconds(learning, (time.perf_counter() - began) / len(few))


def run_seconds(recipe: Recipe, here: StepSeconds, images: int) -> float:
    """Seconds that a run takes on so many images, validation included; one that may stop early takes less."""
    validation = round(images * recipe.kept.validation)
    lengths = Lengths(images - validation, recipe.sampling.batch_size, recipe.sampling.leave_out)
    shown = sum(lengths.images_in(epoch) for epoch in range(1, recipe.stopping.epochs + 1))
    looks = 1 + (recipe.stopping.epochs - 1) * recipe.kept.interim
    return shown * here.learning + looks * validation * here.answering


def _one_step(learner: Learner, batches: Batches, epoch: int, side: int) -> float:
    """Seconds of an epoch of one step; how fast it learns is no matter."""
    began = time.perf_counter()
    for step in train_epoch(learner, batches, epoch, lambda _: 0.01, lambda _: side):
        step.loss.item()  # waits for the device
    return time.perf_counter() - began
