"""One training, settled before its first step. There is no way from here to the test images."""

from dataclasses import dataclass

from seefar.data.images import ImageSet
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.training.machine import Machine
from seefar.training.new_network import Start
from seefar.training.pace import ByClock


@dataclass(frozen=True)
class Plan:
    """What is trained, on which images, where, and where the result goes.

    Attributes:
        recipe: every decision.
        seed: of weights, order, augmentation and dropout.
        train: images to learn from.
        validation: held-out images, by which the best epoch, the rate and the end are chosen where the recipe asks for it.
        run: the folder to save to.
        machine: where to compute, and how many processes share it.
        clock: where the recipe has a budget: the clock that has been running since the images were loaded.
        start: another network's weights to start from instead of random ones.
        checkpoint: where an earlier training of this run stood; it is resumed from there.
    """

    recipe: Recipe
    seed: int
    train: ImageSet
    validation: ImageSet
    run: Run
    machine: Machine
    clock: ByClock | None = None
    start: Start | None = None
    checkpoint: bytes | None = None
