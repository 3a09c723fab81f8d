"""How much of a run lies behind: by its steps, or, where it was given a budget, by the clock."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from seefar.data.resolution import steps_done


class Pace(Protocol):
    """What schedules follow."""

    def progress(self, step: int) -> float:
        """The share of the run that lies behind when a step begins, by its number from 1; 1 when nothing may follow."""


@dataclass(frozen=True)
class BySteps:
    """A run of a known number of steps."""

    steps: int

    def progress(self, step: int) -> float:
        return (step - 1) / self.steps


@dataclass
class ByClock:
    """A run that ends when its time is up, however many steps that makes: a slow moment costs steps and not the deadline.

    Attributes:
        seconds: from the beginning to the finished run, all included.
        began: when that was, by `now`; a resumed run began earlier by the seconds that were used before.
        resolution: the recipe's: the time is shared out so that each size gets the share of the steps that it names.
        reserve: seconds at the end that are not for steps: the last validation, and writing.
        now: the clock.
    """

    seconds: float
    began: float
    resolution: Sequence[tuple[float, float]] = ((0.0, 1.0),)
    reserve: float = 0.0
    now: Callable[[], float] = field(default=time.perf_counter)

    def progress(self, _step: int = 0) -> float:
        left = self.seconds - self.reserve
        return steps_done(self.resolution, min(1.0, self.spent() / left) if left > 0 else 1.0)

    def spent(self) -> float:
        """Seconds since the beginning."""
        return self.now() - self.began
