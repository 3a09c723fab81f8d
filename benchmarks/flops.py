"""How much arithmetic a training of `time_to_accuracy.py` took, from its network and the images that it was shown.

Counted are convolutions and dense layers: two operations a multiply-add, and three times the way forward, since the gradients of
inputs and of weights take as many each. (A little too many: nothing before the first layer needs a gradient.)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import seefar as sf
from seefar.data.batches import Lengths
from seefar.data.resolution import side_at
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import change, find
from seefar.recipes import Recipe
from seefar.training.pace import BySteps

SIDE, CLASSES = 32, 10
EVERYTHING, WITHOUT_VALIDATION = 50_000, 45_000  # training images
PER_MULTIPLY_ADD = 2 * 3
AIRBENCH, RESNET = 118_147_360, 555_422_720  # multiply-adds an image; tests count them in the networks of the peers


def training_flops(result: Mapping[str, Any]) -> float:
    """Floating-point operations of a training, from its entry among the results."""
    script, *options = result["options"]
    if script == "ours.py":
        fields = dict(word.split("=", 1) for word in options if "=" in word)
        return ours(change(find("fast"), fields), EVERYTHING if "--everything" in options else WITHOUT_VALIDATION)
    products, batch = {  # the notebooks have the networks of two recipes
        "airbench94_muon": (AIRBENCH, 2000),
        "resnet18": (RESNET, 128),
        "keras_notebook": (sum(layer.multiply_adds for layer in sf.summary("baseline" if "plain" in options else "deep")), 1),
    }[Path(script).stem]
    epochs: float = result["looks"][-1]["epoch"]
    return PER_MULTIPLY_ADD * products * epochs * (WITHOUT_VALIDATION // batch * batch)


def ours(recipe: Recipe, images: int) -> float:
    """The same for a recipe, whose images are smaller at first and fewer after the first epoch."""
    how, epochs = recipe.sampling, recipe.stopping.epochs
    lengths = Lengths(images, how.batch_size, how.leave_out)
    pace = BySteps(lengths.steps_before(epochs + 1))
    shown = lengths.images_in(1) + (epochs - 1) * lengths.images_in(2)
    network = build_network(recipe.network, CLASSES, SIDE)
    sides = [side_at(how.resolution, pace.progress(step), SIDE) for step in range(1, pace.steps + 1)]
    products = {side: sum(layer.multiply_adds for layer in summarise(network, side)) for side in set(sides)}
    return PER_MULTIPLY_ADD * sum(products[side] for side in sides) * shown / pace.steps
