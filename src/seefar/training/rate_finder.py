"""The learning-rate finder: a short trial with a rate that grows from step to step shows from where to where training works.

Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, https://arxiv.org/abs/1506.01186
"""

import copy
import math
from dataclasses import dataclass

import torch

from seefar.data.images import ImageSet
from seefar.display import Shown
from seefar.errors import DivergedError
from seefar.models.device import choose_precision
from seefar.models.layers import Network
from seefar.recipes import Recipe
from seefar.seeds import derive
from seefar.training.loop import train_epoch
from seefar.training.prepare import new_batches, new_criterion, new_learner

LOWEST, HIGHEST = 1e-5, 10.0  # learning rates (chosen by hand: no optimiser here wants one outside)
STEPS = 120  # 20 for each factor of ten (chosen by hand)
SMOOTHING = 0.9  # of the losses, which jump from batch to batch (chosen by hand)
ENOUGH = 2.0  # times the lowest loss at which the trial ends (chosen by hand)
BELOW = (
    10  # the lowest loss stands where training is about to break; a tenth of that rate is safe (the rule of fastai's finder)
)


@dataclass(frozen=True)
class RateCurve(Shown):
    """What a trial found.

    Attributes:
        rates: the learning rate of each step.
        losses: the loss in nats at each step, smoothed.
        suggestion: a tenth of the rate at which the loss was lowest: a good first value for `learning_rate`.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def __repr__(self) -> str:
        return f"RateCurve(suggestion={self.suggestion:.2g}, {len(self.rates)} steps)"


def find_rate(recipe: Recipe, seed: int, train: ImageSet, network: Network, device: torch.device) -> RateCurve:
    """Try learning rates on a copy of the network, which stays as it is; so does every other stream of random numbers.

    Args:
        recipe: batch size, optimiser, augmentation and number format count; its own rate and schedule do not.
        seed: the trial draws from streams of its own, derived from it.
        train: images to learn from.
        network: where to start; on the CPU or `device`.
        device: where to compute.

    Raises:
        DivergedError: the very first loss is not a finite number, so no rate can be to blame.
    """
    trial = new_learner(recipe, copy.deepcopy(network), device)
    batches = new_batches(recipe, derive(seed, "rate finder"), train, device)
    criterion = new_criterion(recipe, train, device)
    precision = choose_precision(recipe.precision, device)
    growth = (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    rates: list[float] = []
    losses: list[float] = []
    mean, epoch = 0.0, 0
    while len(rates) < STEPS:
        epoch += 1
        steps = train_epoch(
            trial.network,
            batches,
            criterion,
            trial.optimiser,
            lambda number: LOWEST * growth ** (number - 1),
            None,
            precision,
            trial.scaler,
            recipe.gradient_clip,
            epoch,
        )
        for step in steps:
            mean = SMOOTHING * mean + (1 - SMOOTHING) * step.loss.item()
            smooth = mean / (1 - SMOOTHING**step.number)
            if not losses and not math.isfinite(smooth):
                raise DivergedError(
                    f"the loss is {smooth} in the first step, at learning rate {step.rate:.3g}: the rate is not the reason; "
                    "try more exact numbers (--set precision=fp32)"
                )
            if not math.isfinite(smooth) or (losses and smooth > ENOUGH * min(losses)):
                return _curve(rates, losses)
            rates.append(step.rate)
            losses.append(smooth)
            if len(rates) == STEPS:
                break
    return _curve(rates, losses)


def _curve(rates: list[float], losses: list[float]) -> RateCurve:
    return RateCurve(rates, losses, rates[losses.index(min(losses))] / BELOW)
