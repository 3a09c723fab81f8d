"""Intervals over groups: as how many independent images those of some groups speak, by a bootstrap that draws whole groups.

Images of one deer or patient tend to be right or wrong together, so that they know less than as many images of different ones.
"""

from collections.abc import Callable, Sequence

import numpy as np

from seefar.data.checks import is_uneven
from seefar.evaluation.headline import Headline, interval_of
from seefar.metrics import Share
from seefar.seeds import derive

DRAWS = 2000  # of the bootstrap (chosen by hand: the variance is then known to 3 %)
BLOCK = 4_000_000  # weights held at once: 32 MB


class Clusters:
    """The groups of some images.

    Args:
        groups: the name of the group of each image, `n`.
    """

    def __init__(self, groups: Sequence[str] | np.ndarray) -> None:
        self.names, self.numbers = np.unique(np.asarray(groups), return_inverse=True)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, chosen: np.ndarray) -> "Clusters":
        return Clusters(self.names[self.numbers[chosen]])

    def share(self, right: np.ndarray) -> Share:
        """The share of images that are right, bool `(n,)`, with its 95 % interval over groups."""
        return self.mean_share(right, np.zeros(len(right), np.int64))

    def mean_share(self, right: np.ndarray, labels: np.ndarray) -> Share:
        """The mean over classes of the share that is right, with its 95 % interval over groups: see `independent`.

        Args:
            right: bool `(n,)`.
            labels: int64 `(n,)`; classes without images do not count.
        """
        return self.measured(right, labels)[0]

    def measured(self, right: np.ndarray, labels: np.ndarray) -> tuple[Share, int]:
        """What `mean_share` and `independent` say, from the same draws."""
        if not len(right):
            return interval_of(0.0, 0), 0
        images = self.independent(right, labels)
        return interval_of(_mean_share(*self._sums(right, labels), np.ones((1, len(self))))[0], images), images

    def independent(self, right: np.ndarray, labels: np.ndarray | None = None) -> int:
        """As how many independent images these speak of the accuracy or, with `labels`, of the mean over classes.

        The variance comes from drawing as many groups with replacement; where it is 0, since all images are right or all wrong, there
        are as many as groups. Few groups know their own variance badly, so for them fewer images are counted. In simulations the
        interval that follows covers the truth in 92 to 99 % of cases with 5 to 50 groups, where the bootstrap's own percentiles do in 47
        to 96 % and an interval over images in far fewer (docs/log.md, 2026-11-29).

        Sources: Field and Welsh 2007 (cluster bootstrap), https://doi.org/10.1111/j.1467-9868.2007.00593.x; Korn and Graubard 1998
        (effective number, few groups), Survey Methodology 24, pages 193 to 201
        """
        from scipy.stats import norm, t

        images, groups = len(right), len(self)
        if groups < 2:
            return min(images, groups)
        sums = self._sums(right, np.zeros(images, np.int64) if labels is None else labels)
        variance = float(np.var(self._draw(lambda weights: _mean_share(*sums, weights)))) * groups / (groups - 1)
        value = _mean_share(*sums, np.ones((1, groups)))[0]
        trials = value * (1 - value) / variance if variance else groups
        few = (norm.ppf(0.975) / t.ppf(0.975, groups - 1)) ** 2
        return max(round(float(min(trials, images) * few)), 1)

    def difference(self, base_right: np.ndarray, other_right: np.ndarray) -> tuple[float, float, float]:
        """The 95 % interval of a difference of accuracies on the same images, and the p of no difference, over groups.

        Args:
            base_right: bool `(n,)`, which images the base has right.
            other_right: the same for the other.

        Returns:
            Low and high end, -1..1, and p, two-sided: Student's t with one degree of freedom less than groups, its variance from the
            bootstrap.
        """
        from scipy.stats import t

        groups, change = len(self), other_right.astype(np.float64) - base_right
        sums, counts = (np.bincount(self.numbers, weights, groups) for weights in (change, np.ones(len(change))))
        value = float(sums.sum() / counts.sum())
        if groups < 2:
            return -1.0, 1.0, 1.0
        spread = (
            float(np.std(self._draw(lambda weights: (weights @ sums) / (weights @ counts)))) * (groups / (groups - 1)) ** 0.5
        )
        if not spread:
            return value, value, 1.0 if not value else 0.0
        half = float(t.ppf(0.975, groups - 1)) * spread
        return max(value - half, -1.0), min(value + half, 1.0), float(2 * t.sf(abs(value) / spread, groups - 1))

    def _sums(self, right: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each group how many images of each class are right, and how many there are: float64 `(groups, classes)` each."""
        present, labels = np.unique(labels, return_inverse=True)
        shape = len(self), len(present)
        place = self.numbers * shape[1] + labels
        hits = np.bincount(place, right.astype(np.float64), shape[0] * shape[1]).reshape(shape)
        return hits, np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def _draw(self, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A value for each draw, from how often each group was drawn, `(draws, groups)`."""
        rng = np.random.default_rng(derive(0, "cluster bootstrap"))
        groups, step = len(self), max(1, BLOCK // len(self))
        chances = np.full(groups, 1 / groups)
        return np.concatenate(
            [value(rng.multinomial(groups, chances, min(step, DRAWS - start))) for start in range(0, DRAWS, step)]
        )


def over_groups(clusters: Clusters, right: np.ndarray, labels: np.ndarray, train: Sequence[int]) -> Headline:
    """The figure to believe where it is known what each image shows; its number of images is that of the figure which is stated.

    Args:
        clusters: the groups of the images that count, `n`.
        right: bool `(n,)`.
        labels: int64 `(n,)`.
        train: training images of each class, which decide whether accuracy alone misleads.
    """
    uneven = is_uneven(train)
    share, images = clusters.measured(right, labels if uneven else np.zeros_like(labels))
    return Headline("balanced accuracy" if uneven else "accuracy", share.value, share.low, share.high, images)


def _mean_share(hits: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean over classes of the share that is right, for each row of weights; a class that was not drawn does not count."""
    drawn = weights @ counts
    shares = np.divide(weights @ hits, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    mean: np.ndarray = np.nanmean(shares, axis=1)
    return mean
