"""What a budget buys: the best settings of `fast` for a given time, as they were measured, and how fast this machine is beside that one.

The settings were chosen on validation images of CIFAR-10 saved as JPEG (docs/log.md) and measured by
`benchmarks/time_to_accuracy.py`, which takes them from here. How long they take on this machine, a short trial says.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any

from seefar.data.batches import Lengths
from seefar.data.images import ImageSet
from seefar.errors import UsageError
from seefar.recipe_fields import change, find
from seefar.recipes import Recipe
from seefar.training.machine import Machine
from seefar.training.step_seconds import StepSeconds, step_seconds

DIGEST = "f5dd40e0eccda74df2d234089d691d7d2365406483d8486e7694be9ad8a3cea4"  # of the training images they were measured on
IMAGES = 50_000  # of them: all were trained on
STUDENT = {3: 4.303, 5: 2.776}  # quantile 0.975 of Student's t for a mean of so many seeds
SETTLING = 1.5  # seconds between the trial and the first step: files, first weights, timing a validation (about, measured once)
INTERIM = 0.2  # share of the validation images that answer between epochs: all of them would take a tenth of a short budget (docs/log.md)
MOST = 500  # images of a step of the trial that counts: small steps take 7 to 20 % longer an image than the run's own (docs/log.md)
CLOCK = 0.2  # logarithm of how much faster or slower than in its trial a machine may be later: of a shared one twice 0.1 (docs/log.md)


@dataclass(frozen=True)
class Point:
    """Settings, and what they gave.

    Attributes:
        seconds: of the training, on the machine they were measured on (two cores, bf16, product of 4096 x 4096 at 386 GFLOP/s).
        epochs: as many as it went through; those after the first are shorter, because they leave images out.
        accuracies: on test, with the six views of `tta=shift`, 0..1, a seed each.
        changes: of recipe `fast`.
    """

    seconds: float
    epochs: int
    accuracies: tuple[float, ...]
    changes: Mapping[str, Any]

    @property
    def accuracy(self) -> float:
        """The mean over seeds, 0..1."""
        return fmean(self.accuracies)

    @property
    def spread(self) -> float:
        """Half the width of the 95 % prediction interval for another seed, by Student's t."""
        return STUDENT[len(self.accuracies)] * stdev(self.accuracies) * math.sqrt(1 + 1 / len(self.accuracies))

    @property
    def seconds_an_image(self) -> float:
        """Seconds of that machine for an image shown, on average over the run."""
        lengths = self.lengths(IMAGES)
        return self.seconds / sum(lengths.images_in(epoch) for epoch in range(1, self.epochs + 1))

    def lengths(self, images: int) -> Lengths:
        """How long its epochs are with so many training images."""
        sampling = change(find("fast"), self.changes).sampling
        return Lengths(images, sampling.batch_size, sampling.leave_out)


NARROWEST = ((16, 16), (32, 64), (64, 128))
NARROW = ((32, 32), (64, 128), (128, 128))
MIDDLE = ((32, 32), (128, 128), (128, 128))
WIDE = ((32, 32), (192, 192), (256, 256, 256))
ALWAYS = {"patterns": 8, "residual": True}
SHORT = {"batch_size": 300, "learning_rate": 0.2}
LONG = {"batch_size": 1000, "label_smoothing": 0.2}

FRONTIER = (
    Point(10.9, 2, (0.7570, 0.7554, 0.7582, 0.7541, 0.7519), ALWAYS | SHORT | {"widths": NARROWEST, "leave_out": 0.7}),
    Point(16.9, 5, (0.8075, 0.7972, 0.8015, 0.8053, 0.7998), ALWAYS | SHORT | {"widths": NARROWEST, "leave_out": 0.7}),
    Point(26.4, 3, (0.8223, 0.8221, 0.8236, 0.8239, 0.8218), ALWAYS | SHORT | {"widths": NARROW, "leave_out": 0.68}),
    Point(
        48.3,
        6,
        (0.8535, 0.8528, 0.8573, 0.8547, 0.8539),
        ALWAYS | {"widths": NARROW, "leave_out": 0.55, "label_smoothing": 0.2},
    ),
    Point(
        86.4, 8, (0.8741, 0.8756, 0.8723, 0.8735, 0.8702), ALWAYS | {"widths": MIDDLE, "leave_out": 0.5, "label_smoothing": 0.2}
    ),
    Point(160.5, 17, (0.8857, 0.8852, 0.8913, 0.8840, 0.8883), ALWAYS | LONG | {"widths": MIDDLE, "leave_out": 0.52}),
    Point(396.6, 20, (0.9046, 0.9088, 0.9046), ALWAYS | LONG | {"widths": WIDE, "leave_out": 0.5}),
)


@dataclass(frozen=True)
class Forecast:
    """What a budget is expected to give on this machine.

    Attributes:
        recipe: `fast` with the budget and the settings for it.
        epochs: as many as it will go through.
        epoch_seconds: how long a run of one epoch would take, which shows every image once.
        accuracy: on test, with test-time augmentation, 0..1: the ends of a 95 % interval for one run. None for other images than those the
            points were measured on, and for a budget below the first point: nobody has measured it.
        least: seconds that the first point would take here.
    """

    recipe: Recipe
    epochs: float
    epoch_seconds: float
    accuracy: tuple[float, float] | None
    least: float


def forecast(recipe: Recipe, target: float | None, train: ImageSet, machine: Machine, spent: float = 0.0) -> Forecast:
    """The settings for a budget, or for the budget that an accuracy takes.

    Args:
        recipe: `fast`, with its budget unless there is a target.
        target: the accuracy to reach, 0..1; its budget is looked up. None: the recipe's budget stands.
        train: all training images, before validation is taken from them.
        machine: where the training will run.
        spent: seconds of the budget that are spent already. Trying the machine is added to them.

    Raises:
        UsageError: the target is higher than any that was measured, or the images are not those that were measured.
    """
    began = time.perf_counter() - spent - SETTLING
    known = train.digest == DIGEST
    if target is not None and not known:
        raise UsageError("the time to an accuracy is known only for CIFAR-10; use --budget, such as --budget 60s")
    first = FRONTIER[0]
    here = step_seconds(change(recipe, first.changes), train, machine)  # says about how far the budget goes
    spent = time.perf_counter() - began
    least = _budget(first, first.seconds, here, recipe, len(train), spent)
    there = _there(first, recipe.stopping.budget - spent, here, recipe, len(train)) if target is None else seconds_for(target)
    lower = choose(there)
    while True:
        point = lower  # another network has another speed: one that is too slow here to come to its time gives way
        here = step_seconds(change(recipe, point.changes), train, machine, MOST)
        spent = time.perf_counter() - began
        if target is None:
            there = _there(point, recipe.stopping.budget - spent, here, recipe, len(train))
        lower = choose(there)
        if lower.seconds >= point.seconds or lower.changes == point.changes:
            break
    budget = recipe.stopping.budget if target is None else round(_budget(point, there, here, recipe, len(train), spent), 1)
    learning, validation = _held_out(recipe, len(train))
    return Forecast(
        change(recipe, {**point.changes, "interim": INTERIM, "budget": budget}),
        _epochs(point, there * here.learning / point.seconds_an_image, here, learning),
        learning * here.learning + validation * here.answering,
        expected(min(there, _reach(point))) if known and there >= first.seconds else None,
        least,
    )


def _held_out(recipe: Recipe, images: int) -> tuple[int, int]:
    """How many of the images are learned from, and how many validate."""
    validation = round(images * recipe.kept.validation)
    return images - validation, validation


def _epochs(point: Point, seconds: float, here: StepSeconds, images: int) -> float:
    """How many epochs so many seconds of steps are, of so many images: the first shows all of them."""
    lengths, shown = point.lengths(images), seconds / here.learning
    return shown / images if shown < images else 1 + (shown - images) / lengths.images_in(2)


def _there(point: Point, seconds: float, here: StepSeconds, recipe: Recipe, images: int) -> float:
    """Seconds of that machine that do what is done here in `seconds`, of which the validation after each epoch takes its part."""
    learning, validation = _held_out(recipe, images)
    whole = validation * here.answering  # after the last epoch
    each, first = INTERIM * whole, learning * here.learning
    later = point.lengths(learning).images_in(2) * here.learning
    before = max(math.ceil((seconds - first - whole) / (later + each)), 0)  # epochs before the last one
    return max(seconds - before * each - whole, 0) * point.seconds_an_image / here.learning


def _budget(point: Point, there: float, here: StepSeconds, recipe: Recipe, images: int, spent: float) -> float:
    """The inverse of `_there`, with what is spent already: a budget."""
    learning, validation = _held_out(recipe, images)
    seconds = there * here.learning / point.seconds_an_image
    before = max(math.ceil(_epochs(point, seconds, here, learning)) - 1, 0)
    return spent + seconds + (before * INTERIM + 1) * validation * here.answering


def choose(seconds: float) -> Point:
    """The point for so many seconds of that machine: the last that was made for no more, else the first."""
    return ([point for point in FRONTIER if point.seconds <= seconds] or FRONTIER[:1])[-1]


def _reach(point: Point) -> float:
    """Seconds of that machine up to which a point's settings may be taken for the best: where the next point begins."""
    return min((other.seconds for other in FRONTIER if other.seconds > point.seconds), default=math.inf)


def expected(seconds: float) -> tuple[float, float]:
    """The interval of accuracies for so many seconds of that machine, from the first point on.

    Its middle is a straight line between points over the logarithm of time. Its width is that of seeds and of the machine's moods.
    """
    moment = math.log(seconds)
    for one, other in pairwise(FRONTIER):
        if seconds < other.seconds or other is FRONTIER[-1]:
            length = math.log(other.seconds / one.seconds)
            share = min((moment - math.log(one.seconds)) / length, 1.0)
            slope = (other.accuracy - one.accuracy) / length
            middle = one.accuracy + share * (other.accuracy - one.accuracy)
            half = math.hypot(one.spread + share * (other.spread - one.spread), slope * CLOCK)
            break
    return middle - half, middle + half


def seconds_for(accuracy: float) -> float:
    """The fewest seconds of that machine in which the middle of `expected` reaches an accuracy. Raises UsageError beyond the last point."""
    for one, other in pairwise(FRONTIER):
        if accuracy <= other.accuracy:
            share = max((accuracy - one.accuracy) / (other.accuracy - one.accuracy), 0)
            return one.seconds * math.pow(other.seconds / one.seconds, share)
    raise UsageError(
        f"no budget is known for {accuracy:.1%}: the longest that was measured gave {FRONTIER[-1].accuracy:.1%}; use a lower --target"
    )
