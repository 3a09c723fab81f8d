"""The figure that is stated first: on images that count, with its interval; or why there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

import numpy as np

from seefar.data.checks import FEW, Finding, Inspection, is_uneven
from seefar.metrics import Share, wilson

NOTABLE = 0.95  # of the images that count: below it bursts widen the interval; above, nobody would see it (chosen by hand)
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Headline:
    """What is believed of a network.

    Attributes:
        name: "accuracy", or "balanced accuracy" where the classes are so uneven that accuracy alone misleads.
        value: 0..1.
        low, high: its 95 % interval; images that come in one burst count as one in it, and where groups are known it is over groups.
        images: how many independent images it rests on.
    """

    name: str
    value: float
    low: float
    high: float
    images: int


def why_not(found: Inspection, labels: np.ndarray) -> str:
    """Why nothing can be measured on these images; empty if it can.

    At least 30 images a class have to count on average, and one at least of every class that has images.

    Args:
        found: what a look at them found.
        labels: of all of them, int64 `(n,)`.

    Returns:
        "few" if there were too few to begin with; else the kind of finding that took most of them away.
    """
    classes = np.unique(labels)
    left = labels[found.distinct.counts]
    if len(left) >= FEW * len(classes) and len(np.unique(left)) == len(classes):
        return ""
    if len(labels) < FEW * len(classes):
        return "few"
    out = found.distinct.left_out
    return max(out, key=out.__getitem__)


def headline(accuracy: Share, recalls: Sequence[Share], train: Sequence[int], images: int, groups: int) -> Headline:
    """The figure to believe.

    Args:
        accuracy: on the images that count.
        recalls: of the classes that have such images, their intervals with bursts in mind.
        train: training images of each class, which decide whether accuracy alone misleads.
        images: how many images count.
        groups: how many independent images they are; as many as there are images, if none belong together in a burst.
    """
    burst = groups < NOTABLE * images
    if is_uneven(train):
        share = mean_of(recalls)
        return Headline("balanced accuracy", share.value, share.low, share.high, groups if burst else images)
    if burst:
        accuracy, images = interval_of(accuracy.value, groups), groups
    return Headline("accuracy", accuracy.value, accuracy.low, accuracy.high, images)


def mean_of(shares: Sequence[Share]) -> Share:
    """The mean of independent shares with its 95 % interval, from theirs.

    Source: Zou and Donner 2008 (variance estimates recovery), https://doi.org/10.1002/sim.3095
    """
    value = fmean(share.value for share in shares)
    below = math.hypot(*(share.value - share.low for share in shares)) / len(shares)
    above = math.hypot(*(share.high - share.value for share in shares)) / len(shares)
    return Share(value, max(value - below, 0.0), min(value + above, 1.0))


def interval_of(value: float, trials: int) -> Share:
    """Wilson's 95 % interval around a share of so many independent trials, when its numerator is no whole number."""
    if not trials:
        return wilson(0, 0)
    middle = (value + Z * Z / (2 * trials)) / (1 + Z * Z / trials)
    half = Z / (1 + Z * Z / trials) * math.sqrt(value * (1 - value) / trials + Z * Z / (4 * trials * trials))
    return Share(value, max(middle - half, 0.0), min(middle + half, 1.0))


def serious(findings: Sequence[Finding]) -> bool:
    """Whether any of them bears on the headline."""
    return any(finding.serious for finding in findings)
