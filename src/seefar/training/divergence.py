"""Notice when the loss becomes NaN or infinite, and say where."""

import math

import torch

from seefar.errors import DivergedError
from seefar.training.events import Step

EVERY = 50  # steps between checks: a check waits for the device, and wasted steps cost little (chosen by hand)
FAR_OUT = 10  # times the loss of guessing evenly; a network that learns at all stays far below (chosen by hand)


class Watch:
    """Looks at the losses of the steps now and then. `last_finite` is the last loss that was a number, None before the first."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.last_finite: float | None = None

    def see(self, step: Step) -> None:
        """Take note of a step; every 50th time look at all since the last look."""
        self.steps.append(step)
        if len(self.steps) >= EVERY:
            self.look()

    def look(self) -> None:
        """Raise DivergedError if a loss since the last look is not finite."""
        if not self.steps:
            return
        losses = torch.stack([step.loss for step in self.steps]).tolist()
        for step, loss in zip(self.steps, losses, strict=True):
            if not math.isfinite(loss):
                before = (
                    "there was none before" if self.last_finite is None else f"the last before it was {self.last_finite:.4g}"
                )
                raise DivergedError(
                    f"the loss is {loss} in step {step.number}, at learning rate {step.rate:.3g}; {before}; "
                    f"use a smaller learning rate (--set learning_rate=...); what was saved before is kept"
                )
            self.last_finite = loss
        self.steps.clear()


def check_epoch(number: int, loss: float, validation_loss: float, rate: float, classes: int) -> None:
    """Raise DivergedError if an epoch's mean losses in nats are not finite, or far worse than guessing."""
    guessing = math.log(classes)
    for what, value in (("training", loss), ("validation", validation_loss)):
        if not math.isfinite(value) or (what == "training" and value > FAR_OUT * guessing):
            raise DivergedError(
                f"the {what} loss of epoch {number} is {value:.4g} (guessing evenly gives {guessing:.2f}), at learning rate "
                f"{rate:.3g}; use a smaller learning rate (--set learning_rate=...); what was saved before is kept"
            )
