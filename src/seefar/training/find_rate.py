"""The learning-rate finder: a short trial with a rate that grows from step to step shows from where to where training works.

Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, https://arxiv.org/abs/1506.01186
"""

import math
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import Any

from seefar.data.images import Dataset
from seefar.display import Shown
from seefar.errors import DivergedError
from seefar.recipes import Recipe
from seefar.seeds import derive
from seefar.training.check import choose
from seefar.training.learner import new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.machine import choose_machine
from seefar.training.new_network import new_network

LOWEST, HIGHEST = 1e-5, 10.0  # learning rates (chosen by hand: no optimiser here wants one outside)
STEPS = 120  # 20 for each factor of ten (chosen by hand)
SMOOTHING = 0.9  # of the losses, which jump from batch to batch (chosen by hand)
ENOUGH = 2.0  # times the lowest loss at which the trial ends (chosen by hand)
BELOW = 10  # where the loss is lowest, training is about to break; a tenth of that rate is safe (the rule of fastai's finder)


@dataclass(frozen=True)
class RateCurve(Shown):
    """What a trial found.

    Attributes:
        rates: the learning rate of each step.
        losses: the loss in nats at each step, smoothed.
        suggestion: a tenth of the rate at which the loss was lowest: a good first value for `learning_rate`.
        title: data, recipe and seed.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float
    title: str

    def __repr__(self) -> str:
        return f"RateCurve(suggestion={self.suggestion:.2g}, {len(self.rates)} steps)"


def find_rate(
    data: Dataset, recipe: str | Recipe = "baseline", seed: int = 0, *, device: str = "auto", **changes: Any
) -> RateCurve:
    """Train for a moment with a rate that grows from tiny to huge, and see where the loss breaks out. `sf.picture` draws the curve.

    Args:
        data: what `load` returns; its training images without those held out for validation.
        recipe: a name or a Recipe; batch size, optimiser, augmentation and number format count, its own rate and schedule do not.
        seed: of weights, order, augmentation and dropout.
        device: "auto", "cpu", "cuda" or "mps".
        changes: recipe fields to change.

    Raises:
        UsageError: there is no such recipe or field, or it does not work with such images.
        DivergedError: the very first loss is not finite, so no rate can be the cause.
    """
    chosen = choose(recipe, data.train.size, **changes)
    train, _ = data.held_out(chosen.kept.validation)
    machine = choose_machine(chosen.optimisation.precision, device, shared=False)
    learner = new_learner(chosen, new_network(chosen, seed, train), train, machine)
    batches = new_batches(chosen, derive(seed, "rate finder"), train, machine)
    growth = (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    curve = RateCurve([], [], 0.0, f"{data.name}, recipe {chosen.name}, seed {seed}")
    rates, losses, mean = curve.rates, curve.losses, 0.0
    steps = chain.from_iterable(
        train_epoch(learner, batches, epoch, lambda number: LOWEST * growth ** (number - 1)) for epoch in count(1)
    )
    for step in islice(steps, STEPS):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * step.loss.item()
        smooth = mean / (1 - SMOOTHING**step.number)
        if not losses and not math.isfinite(smooth):
            raise DivergedError(
                f"the loss is {smooth} in the first step, at learning rate {step.rate:.3g}: the rate is not the cause; "
                "try a more exact number format (--set precision=fp32)"
            )
        if not math.isfinite(smooth) or (losses and smooth > ENOUGH * min(losses)):
            break
        rates.append(step.rate)
        losses.append(smooth)
    return replace(curve, suggestion=rates[losses.index(min(losses))] / BELOW)
