"""Groups: which images show the same deer, patient or film, and splits that keep each group on one side."""

import re
import warnings
from collections.abc import Sequence

import numpy as np

from seefar.data.image_set import ImageSet
from seefar.errors import DataError, UsageError

TRIES = 5  # shuffles until one leaves every class on both sides (chosen by hand)


def pattern_of(group: str) -> re.Pattern[str]:
    """A regular expression that finds the group in the name of an image. Raises UsageError if it is none."""
    try:
        return re.compile(group)
    except re.error as error:
        raise UsageError(f"--group {group!r} is no regular expression ({error}); use one such as '(deer[0-9]+)_'") from error


def group_in(pattern: re.Pattern[str], name: str) -> str:
    """The group that an image belongs to: what the first bracket of the expression matches in its name or, without one, all of it.

    Raises:
        DataError: it does not match.
    """
    found = pattern.search(name)
    group = (found[1] if pattern.groups else found[0]) if found else None
    if not group:
        raise DataError(
            f"--group {pattern.pattern!r} finds no group in the image {name!r}; it must match the names of all images"
        )
    return group


def chosen_groups(images: ImageSet, share: float, seed: int, purpose: str) -> np.ndarray:
    """Which images to carve off so that no group is parted and every class keeps about its proportion: bool `(n,)`.

    Groups that share an equal image count as one, unless a class would then be on one side alone. The share is met as nearly as
    whole groups allow.

    Args:
        images: with groups.
        share: the part to carve off, in (0, 0.5].
        seed: of the choice, an integer of at most 64 bits.
        purpose: what the part is for, in messages.

    Raises:
        DataError: a class is in one group only, or no division by groups leaves every class on both sides.

    Source: scikit-learn's StratifiedGroupKFold; of its folds the one whose classes are nearest to the share is carved off.
    """
    numbers = np.unique(np.array(images.groups), return_inverse=True)[1]
    for label, name in enumerate(images.classes):
        within = len(np.unique(numbers[images.labels == label]))
        if within < 2:
            raise DataError(
                f"class '{name}' is in {within} group{'' if within == 1 else 's'}, so none can be split off for {purpose}; every "
                "class needs images of at least 2 groups"
            )
    for candidate in (joined_groups(numbers, images.equal), numbers):
        chosen = _nearest_fold(images, candidate, share, seed)
        if chosen is not None:
            return chosen
    raise DataError(
        f"no division of the {len(np.unique(numbers))} groups leaves every class on both sides of the split for {purpose}; give "
        "more groups, or make the split yourself"
    )


def _nearest_fold(images: ImageSet, groups: np.ndarray, share: float, seed: int) -> np.ndarray | None:
    """The fold whose classes are nearest to the share, of those that leave every class on both sides; None if none does.

    With few groups a fold of that share may lack a class: then larger ones are tried.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    counts = images.counts()
    most = min(max(round(1 / share), 2), len(np.unique(groups)), int(counts.max()))
    for folds in range(most, 1, -1):
        found = []
        for state in range(TRIES):
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=(seed + state) % 2**32)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # about classes that are smaller than the number of folds
                parts = [inside for _, inside in splitter.split(images.labels, images.labels, groups)]
            for inside in parts:
                carved = np.bincount(images.labels[inside], minlength=len(counts))
                if carved.all() and (carved < counts).all():
                    found.append((float(np.abs(carved / counts - share).mean()), inside))
            if found:
                chosen = np.zeros(len(images), bool)
                chosen[min(found, key=lambda one: one[0])[1]] = True
                return chosen
    return None


def joined_groups(groups: np.ndarray, same: Sequence[Sequence[int]]) -> np.ndarray:
    """The groups, those with equal images joined: int64 `(n,)`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.array([(groups[first], groups[other]) for first, *others in same for other in others], np.int64).reshape(-1, 2)
    count = int(groups.max()) + 1
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (count, count))
    found: np.ndarray = connected_components(graph, directed=False)[1].astype(np.int64)
    joined: np.ndarray = found[groups]
    return joined
