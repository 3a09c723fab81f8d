"""From a recipe to what learns: the network with its loss, optimiser and average, and the batches it learns from."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seefar.data.batches import Batches
from seefar.data.images import ImageSet
from seefar.networks.layers import Network
from seefar.recipes import Recipe
from seefar.training.averaging import Average
from seefar.training.balancing import class_weights
from seefar.training.machine import Machine
from seefar.training.optimisers import OPTIMISERS, parameter_groups

Criterion = Callable[[Tensor, Tensor], Tensor]
"""From logits `(b, classes)` and labels or shares of classes to the loss of each image in nats, `(b,)`."""


@dataclass(frozen=True)
class Learner:
    """A network and everything that changes it from step to step.

    Attributes:
        network: on its device.
        wrapped: what a step calls: the network itself, compiled, or with gradients averaged over processes.
        criterion: the loss.
        optimiser: holds the network's parameters.
        scaler: keeps small gradients from vanishing in fp16; does nothing if disabled.
        average: the exponential moving average of the weights, if there is one.
        precision: number format of convolutions and products; weights and loss are float32.
        clip: largest norm of the gradient; 0: any.
    """

    network: Network
    wrapped: nn.Module
    criterion: Criterion
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: Average | None
    precision: torch.dtype
    clip: float

    @property
    def judged(self) -> Network:
        """The network that is validated and kept: the average where there is one."""
        return self.average.network if self.average else self.network


def new_learner(recipe: Recipe, network: Network, train: ImageSet, machine: Machine) -> Learner:
    """A network, put on its device, with what its recipe says about learning from these images."""
    network, how = network.to(machine.device), recipe.optimisation
    optimiser = OPTIMISERS[how.optimiser](parameter_groups(network, how), how.learning_rate, how.momentum)
    average = Average(network, how.averaging) if how.averaging else None
    wrapped = machine.processes.wrap(network, machine.device, train.size)
    return Learner(
        network=network,
        wrapped=cast(nn.Module, torch.compile(wrapped)) if machine.compiled else wrapped,
        criterion=new_criterion(recipe, train, machine.device),
        optimiser=optimiser,
        scaler=torch.amp.GradScaler(machine.device.type, enabled=machine.precision == torch.float16),
        average=average,
        precision=machine.precision,
        clip=how.gradient_clip,
    )


def new_batches(recipe: Recipe, seed: int, train: ImageSet, machine: Machine) -> Batches:
    """The training images as the recipe shows them."""
    return Batches(
        train,
        recipe.sampling,
        recipe.augmentation,
        seed,
        machine.device,
        remember=recipe.kept.remember,
        process=machine.processes.rank,
        processes=machine.processes.count,
    )


def new_criterion(recipe: Recipe, train: ImageSet, device: torch.device) -> Criterion:
    """The loss of each image of a batch. Label smoothing: Szegedy et al. 2016, section 7, https://arxiv.org/abs/1512.00567"""
    weights = class_weights(train.counts().tolist()).to(device) if recipe.sampling.balance == "weights" else None
    smoothing = recipe.optimisation.label_smoothing
    return functools.partial(F.cross_entropy, weight=weights, label_smoothing=smoothing, reduction="none")
