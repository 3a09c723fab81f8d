"""Whether a recipe can be carried out on such images, before anything is done; and what its network is made of."""

import math
from typing import Any

from torch import nn

from seefar import recipe_fields
from seefar.data import augment
from seefar.data.resolution import side_at
from seefar.errors import UsageError, did_you_mean
from seefar.networks.build import build_network
from seefar.networks.outside import Outside
from seefar.networks.summary import Layers, summarise
from seefar.recipe_fields import model_of
from seefar.recipes import Recipe
from seefar.training.optimisers import OPTIMISERS
from seefar.training.schedules import SCHEDULES


def changed(recipe: str | Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe by name or value, with changes. Raises UsageError if there is no such recipe, field or value."""
    return recipe_fields.change(recipe_fields.find(recipe) if isinstance(recipe, str) else recipe, changes)


def choose(recipe: str | Recipe, size: int = 32, **changes: Any) -> Recipe:
    """The recipe that was asked for, with changes, known to work on images of `size` pixels.

    Raises:
        UsageError: there is no such recipe, field or value, or it does not work with such images.
    """
    chosen = changed(recipe, changes)
    check(chosen, classes=2, size=size)
    return chosen


def summary(recipe: str | Recipe = "baseline", classes: int = 10, size: int = 32, **changes: Any) -> Layers:
    """The layers of a recipe's network in the order in which an image passes them: shapes, parameters, multiply-adds.

    Args:
        recipe: a name or a Recipe.
        classes: how many the images have.
        size: height and width of the images in pixels.
        changes: recipe fields to change.

    Raises:
        UsageError: there is no such recipe or field, or images of `size` pixels are too small for it.
    """
    return summarise(build_network(choose(recipe, size, **changes).network, classes, size), size)


def check(recipe: Recipe, classes: int, size: int, images: float = math.inf, processes: int = 1) -> None:
    """Raise UsageError, before anything is done, if the recipe names what does not exist or cannot work on such images.

    Args:
        recipe: what to check; the ranges of its numbers are checked in `seefar.recipe_fields`.
        classes: number of classes.
        size: height and width of the images in pixels.
        images: number of training images, where it is known already.
        processes: how many share each step.
    """
    sampling, how = recipe.sampling, recipe.optimisation
    for field, name, known in (("optimiser", how.optimiser, OPTIMISERS), ("schedule", how.schedule, SCHEDULES)):
        if name not in known:
            raise UsageError(f"no {field} is called {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    network = build_network(recipe.network, classes, size)
    smallest = min(side_at(((0, share),), 0, size) for _, share in sampling.resolution)
    if smallest < size:
        if not network.takes(smallest):
            raise UsageError(
                f"the network {model_of(recipe.network)!r} takes images of one size only; use --set resolution=[[0,1]] or --set model=fast"
            )
        build_network(recipe.network, classes, smallest)
    if isinstance(network, Outside):
        network.try_learning(sampling.batch_size)
    if recipe.network.frozen_stages:
        network.freeze(recipe.network.frozen_stages)
    augment.check(recipe.augmentation, smallest)
    if sampling.batch_size > images:
        raise UsageError(
            f"batch_size is {sampling.batch_size}, but there are {images} training images; use --set batch_size=..."
        )
    if recipe.stopping.budget and processes > 1:
        raise UsageError("a budget is for one process: several would have to agree on the time; use --epochs instead")
    if sampling.leave_out and processes > 1:
        raise UsageError("leave_out is for one process: each sees the losses of its own images only; use --set leave_out=0")
    if recipe.kept.remember and processes > 1:
        raise UsageError("remember is for one process: each sees the answers for its own images only; use --set remember=false")
    if recipe.kept.interim < 1 and recipe.kept.keep == "best":
        raise UsageError("with interim below 1 epochs answer for different images, and none is the best; use --set keep=last")
    if sampling.leave_out and sampling.balance == "sampling":
        raise UsageError("leave_out and balance=sampling both choose the images of an epoch; use one of them")
    if sampling.batch_size % processes:
        even = processes * max(sampling.batch_size // processes, 1)
        raise UsageError(
            f"batch_size is {sampling.batch_size}, which {processes} processes cannot share evenly; use --set batch_size={even}"
        )
    has_norm = any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in network.modules())
    least = processes * (2 if has_norm else 1)  # one image has no deviation to be divided by
    if sampling.batch_size < least:
        raise UsageError(
            f"batch_size is {sampling.batch_size}, and with batch norm each process needs 2 images a step: at least {least}"
        )
    if 0 < images % sampling.batch_size < least:
        raise UsageError(
            f"batches of {sampling.batch_size} leave {images % sampling.batch_size} of the {images} training images for the last step, "
            f"and it needs {least}; use another --set batch_size=..."
        )
