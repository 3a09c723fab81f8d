"""Two networks on the same images: the difference of their accuracies with its interval, and McNemar's test."""

import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np

from seefar.evaluation.clusters import Clusters


@dataclass(frozen=True)
class Difference:
    """How far two networks differ on the same images.

    Attributes:
        value: accuracy of the other less that of the base, -1..1.
        low, high: its 95 % interval: where the difference among endless such images plausibly lies, for these two networks.
        gained: images that only the other has right.
        lost: images that only the base has right.
        p: McNemar's exact test, two-sided: how often chance alone shares out gains and losses at least as unevenly. Where it is known
            what images show, a t test over groups, and the interval is over groups, too.
    """

    value: float
    low: float
    high: float
    gained: int
    lost: int
    p: float


def paired_difference(base_right: np.ndarray, other_right: np.ndarray, clusters: Clusters | None = None) -> Difference:
    """The difference of two accuracies measured on the same images. With no images nothing is known: 0, between -1 and 1.

    Args:
        base_right: bool `(n,)`, which images the base has right.
        other_right: the same for the other, in the same order.
        clusters: the groups of the images, where they are known.

    Source: the test is McNemar's, https://doi.org/10.1007/BF02295996, from the binomial distribution itself; for the interval
    see `paired_interval`.
    """
    images = len(base_right)
    gained, lost = int((other_right & ~base_right).sum()), int((base_right & ~other_right).sum())
    if images == 0:
        return Difference(0.0, -1.0, 1.0, 0, 0, 1.0)
    if clusters is not None:
        low, high, p = clusters.difference(base_right, other_right)
        return Difference((gained - lost) / images, low, high, gained, lost, p)
    low, high = paired_interval(gained, lost, images)
    return Difference((gained - lost) / images, float(low), float(high), gained, lost, _mcnemar(gained, lost))


def paired_interval(gained: Any, lost: Any, images: Any) -> tuple[Any, Any]:
    """The 95 % interval of a difference of paired shares, -1..1; counts as numbers or as arrays of one shape.

    It is Wald's, with half an image added to each of the four cells (both right, both wrong, gained, lost). Its middle thus
    lies a little nearer to 0 than the measured difference.

    Source: Agresti and Min 2005, https://doi.org/10.1002/sim.1781
    """
    z = statistics.NormalDist().inv_cdf(0.975)
    gained, lost, images = gained + 0.5, lost + 0.5, images + 2
    middle = (gained - lost) / images
    half = z * np.sqrt(gained + lost - (gained - lost) ** 2 / images) / images
    return np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)


def _mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact two-sided p; 1 if there is neither gain nor loss."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
