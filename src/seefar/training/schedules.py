"""Learning-rate schedules by name: functions from a moment of a run to the share of the recipe's learning rate, 0 to 1.

All that they know of the past is in the scores of the ended epochs, so that a run that is taken up again goes on as it would have.
To add one, write a function and add a line to the dict.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seefar.training.stopping import better


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in the run a step is.

    Attributes:
        progress: share of the whole run that lies behind, 0..1: steps done by all steps.
        epoch: epochs that have ended.
        scores: the monitored figure of each ended epoch; higher is better.
    """

    progress: float
    epoch: int
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class Course:
    """How a schedule is shaped; the fields are the recipe's.

    Attributes:
        warmup: share of the run in which the rate rises from nothing, 0 to below 1.
        drop_factor: step, plateau: what the rate is multiplied by at each drop, above 0 to 1.
        drop_after: step: epochs between drops; plateau: epochs in a row without a better one that it waits out.
        min_change: plateau: by how much a score must be higher than the best to be better.
    """

    warmup: float
    drop_factor: float
    drop_after: int
    min_change: float


def constant(_moment: Moment, _course: Course) -> float:
    """The full rate throughout."""
    return 1.0


def linear(moment: Moment, _course: Course) -> float:
    """A straight line from the full rate down to nothing.

    Behind a warm-up it is the triangle of one cycle. Source: Smith and Topin 2017, https://arxiv.org/abs/1708.07120
    """
    return 1.0 - moment.progress


def cosine(moment: Moment, _course: Course) -> float:
    """Half a wave from the full rate down to nothing. Source: Loshchilov and Hutter 2017, equation 5, https://arxiv.org/abs/1608.03983"""
    return (1.0 + math.cos(math.pi * moment.progress)) / 2


def step(moment: Moment, course: Course) -> float:
    """A drop every `drop_after` epochs, come what may."""
    return course.drop_factor ** (moment.epoch // course.drop_after)


def plateau(moment: Moment, course: Course) -> float:
    """A drop whenever more than `drop_after` epochs in a row brought nothing better; the count starts anew, the best stays.

    The counting is that of ReduceLROnPlateau in torch, with an absolute threshold and no cooldown.
    """
    drops = waited = 0
    for improved in better(moment.scores, course.min_change):
        waited = 0 if improved else waited + 1
        if waited > course.drop_after:
            drops, waited = drops + 1, 0
    return course.drop_factor**drops


SCHEDULES: dict[str, Callable[[Moment, Course], float]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "step": step,
    "plateau": plateau,
}


def share(name: str, moment: Moment, course: Course) -> float:
    """The share of the recipe's learning rate at a step, 0..1: a warm-up, then the schedule called `name` over the rest of the run.

    The warm-up rises from 0 in a straight line. Schedules that look at progress begin when it ends; those that count epochs count
    from the start of the run, and a drop that falls into the warm-up takes effect at once.
    Source: Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677
    """
    rise = min(1.0, moment.progress / course.warmup) if course.warmup else 1.0
    rest = max(0.0, (moment.progress - course.warmup) / (1 - course.warmup))
    return rise * SCHEDULES[name](dataclasses.replace(moment, progress=rest), course)
