"""The one place where a recipe is unpacked: network, optimiser, batches and loss, made from its fields and from nothing else."""

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from seefar.data import augment
from seefar.data.augment import Augmentation
from seefar.data.batches import Batches
from seefar.data.images import ImageSet
from seefar.data.resolution import side_at
from seefar.errors import UsageError, did_you_mean
from seefar.models.device import choose_precision
from seefar.models.layers import Network
from seefar.recipes import Recipe
from seefar.training.averaging import Average
from seefar.training.balancing import class_weights
from seefar.training.network import build_network
from seefar.training.optimisers import OPTIMISERS, parameter_groups
from seefar.training.processes import ALONE, Processes
from seefar.training.schedules import SCHEDULES
from seefar.training.state import Learner


def check(recipe: Recipe, classes: int, size: int, images: float = math.inf, processes: int = 1) -> None:
    """Raise UsageError, before anything is done, if the recipe names what does not exist or cannot work on such images.

    Args:
        recipe: what to check; the ranges of its numbers are checked in `seefar.recipes`.
        classes: number of classes.
        size: height and width of the images in pixels.
        images: number of training images, where it is known already.
        processes: how many share each step.
    """
    for field, known in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
        if (name := getattr(recipe, field)) not in known:
            raise UsageError(f"no {field} is called {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    network = build_network(recipe, classes, size)
    smallest = min(side_at(((0, share),), 0, size) for _, share in recipe.resolution)
    if smallest < size:
        if not network.any_size:
            raise UsageError(
                f"the network {recipe.model!r} takes images of one size alone; use --set resolution=[[0,1]] or --set model=fast"
            )
        build_network(recipe, classes, smallest)
    augment.check(augmentation(recipe), smallest)
    if recipe.batch_size > images:
        raise UsageError(f"batch_size is {recipe.batch_size}, but there are {images} training images; use --set batch_size=...")
    if recipe.budget and processes > 1:
        raise UsageError("a budget is for one process: several would have to agree on the time; use --epochs instead")
    if recipe.leave_out and processes > 1:
        raise UsageError("leave_out is for one process: each sees the losses of its own images alone; use --set leave_out=0")
    if recipe.remember and processes > 1:
        raise UsageError(
            "remember is for one process: each sees the answers for its own images alone; use --set remember=false"
        )
    if recipe.leave_out and recipe.balance == "sampling":
        raise UsageError("leave_out and balance=sampling both choose the images of an epoch; use one of them")
    if recipe.batch_size % processes:
        even = processes * max(recipe.batch_size // processes, 1)
        raise UsageError(
            f"batch_size is {recipe.batch_size}, which {processes} processes cannot share evenly; use --set batch_size={even}"
        )
    least = processes * (2 if recipe.batch_norm else 1)  # one image has no deviation to be divided by
    if recipe.batch_size < least:
        raise UsageError(
            f"batch_size is {recipe.batch_size}, and with batch norm each process needs 2 images a step: at least {least}"
        )
    if 0 < images % recipe.batch_size < least:
        raise UsageError(
            f"batches of {recipe.batch_size} leave {images % recipe.batch_size} of the {images} training images for the last step, "
            f"and it needs {least}; use another --set batch_size=..."
        )


def augmentation(recipe: Recipe) -> Augmentation:
    """How the recipe changes training images."""
    return Augmentation(
        recipe.flip,
        recipe.shift,
        recipe.rotate,
        recipe.zoom,
        recipe.cutout,
        recipe.brightness,
        recipe.contrast,
        recipe.mixup,
        recipe.cutmix,
    )


def new_learner(recipe: Recipe, network: Network, device: torch.device) -> Learner:
    """The network on its device, and what changes it: optimiser, running average, fp16 scaler."""
    network = network.to(device)
    groups = parameter_groups(network, recipe.bias_rate, recipe.head_rate, recipe.weight_decay)
    return Learner(
        network,
        OPTIMISERS[recipe.optimiser](groups, recipe.learning_rate, recipe.momentum),
        Average(network, recipe.averaging) if recipe.averaging else None,
        torch.amp.GradScaler(device.type, enabled=choose_precision(recipe.precision, device) == torch.float16),
    )


def new_batches(recipe: Recipe, seed: int, train: ImageSet, device: torch.device, processes: Processes = ALONE) -> Batches:
    """The training images as the recipe shows them."""
    return Batches(
        train,
        recipe.batch_size,
        seed,
        device,
        augmentation(recipe),
        evenly=recipe.balance == "sampling",
        leave_out=recipe.leave_out,
        remember=recipe.remember,
        process=processes.rank,
        processes=processes.count,
    )


def new_criterion(recipe: Recipe, train: ImageSet, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of each image of a batch in nats, from logits `(b, classes)` and labels or shares of classes.

    Label smoothing: Szegedy et al. 2016, section 7, https://arxiv.org/abs/1512.00567
    """
    weights = class_weights(train.counts().tolist()).to(device) if recipe.balance == "weights" else None
    return functools.partial(F.cross_entropy, weight=weights, label_smoothing=recipe.label_smoothing, reduction="none")
