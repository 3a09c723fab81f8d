"""Learning-rate schedules by name: which part of the recipe's learning rate a step has, 0 to 1.

All that a schedule knows of the past is the scores of the finished epochs, so that a resumed run continues as it would have.
To add one, write a function and add a line to the dict.
"""

import math
from collections.abc import Callable, Sequence

from seefar.recipes import Recipe
from seefar.training.stopping import better

Schedule = Callable[[float, Sequence[float], Recipe], float]
"""(progress, scores, recipe) to the factor: the part of the run that is done, 0..1; the monitored figure of each finished epoch, where
higher is better; and the recipe, which gives the schedule its shape."""


def constant(_progress: float, _scores: Sequence[float], _recipe: Recipe) -> float:
    """The full rate throughout."""
    return 1.0


def linear(progress: float, _scores: Sequence[float], _recipe: Recipe) -> float:
    """A straight line from the full rate down to 0.

    After a warm-up it is the triangle of one cycle. Source: Smith and Topin 2017, https://arxiv.org/abs/1708.07120
    """
    return 1.0 - progress


def cosine(progress: float, _scores: Sequence[float], _recipe: Recipe) -> float:
    """Half a cosine wave from the full rate down to 0. Source: Loshchilov and Hutter 2017, equation 5, https://arxiv.org/abs/1608.03983"""
    return (1.0 + math.cos(math.pi * progress)) / 2


def step(_progress: float, scores: Sequence[float], recipe: Recipe) -> float:
    """A drop every `drop_after` epochs, whatever the scores."""
    how = recipe.optimisation
    return how.drop_factor ** (len(scores) // how.drop_after)


def plateau(_progress: float, scores: Sequence[float], recipe: Recipe) -> float:
    """A drop whenever more than `drop_after` epochs in a row brought no improvement; the count starts anew, the best stays.

    Epochs are counted as by torch's ReduceLROnPlateau, with an absolute threshold and no cooldown.
    """
    drops = waited = 0
    for improved in better(scores, recipe.stopping.min_change):
        waited = 0 if improved else waited + 1
        if waited > recipe.optimisation.drop_after:
            drops, waited = drops + 1, 0
    return recipe.optimisation.drop_factor**drops


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "step": step,
    "plateau": plateau,
}


def learning_rate(recipe: Recipe, progress: float, scores: Sequence[float]) -> float:
    """The learning rate of a step: a warm-up, then the schedule over the rest of the run.

    The warm-up rises from 0 in a straight line. Schedules that look at progress begin when it ends; those that count epochs count
    from the start of the run, and a drop within the warm-up takes effect at once.
    Source: Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677

    Args:
        recipe: its highest rate, warm-up and schedule.
        progress: the part of the run that is done, 0..1.
        scores: the monitored figure of each finished epoch; higher is better.
    """
    how = recipe.optimisation
    rise = min(1.0, progress / how.warmup) if how.warmup else 1.0
    rest = max(0.0, (progress - how.warmup) / (1 - how.warmup))
    return how.learning_rate * (rise * SCHEDULES[how.schedule](rest, scores, recipe))
