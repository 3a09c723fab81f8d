"""Carve a share of every class off a set of images: validation from training, or a test set where the data has none."""

import numpy as np

from seefar.data.images import ImageSet
from seefar.errors import DataError, UsageError
from seefar.seeds import derive


def carve(images: ImageSet, share: float, seed: int, purpose: str) -> tuple[ImageSet, ImageSet]:
    """Split `images` in two, every class in the same proportion (a stratified split). Only the labels decide, never the pixels.

    Args:
        images: the set to split; every class needs at least 2 images.
        share: the part to carve off, in (0, 0.5]: of each class `round(share * count)` images, but at least 1.
        seed: the seed of the split, not that of the training, so that runs with other training seeds compare.
        purpose: what the carved part is for ("validation", "test"); other purposes give unrelated splits.

    Returns:
        (rest, carved): disjoint, together all of `images`, each in the original order.

    Raises:
        UsageError: `share` is out of range.
        DataError: a class has fewer than 2 images.
    """
    if not 0 < share <= 0.5:
        raise UsageError(f"the share for {purpose} must be above 0 and at most 0.5; found {share}")
    counts = [int(count) for count in images.counts()]
    if small := [f"class '{name}' ({count})" for name, count in zip(images.classes, counts, strict=True) if count < 2]:
        raise DataError(
            f"too few images to split some off for {purpose} in {small[0]}; every class needs at least 2: "
            "add images, or remove the class",
            details=small[1:],
        )
    rng = np.random.default_rng(derive(seed, purpose))
    chosen = np.zeros(len(images), dtype=bool)
    for label, count in enumerate(counts):
        members = np.flatnonzero(images.labels == label)
        chosen[rng.permutation(members)[: max(1, round(share * count))]] = True
    return images[~chosen], images[chosen]
