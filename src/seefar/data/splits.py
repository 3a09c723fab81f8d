"""Carve a share of every class off a set of images: validation from training, a test set where the data has none, a smaller set."""

import numpy as np

from seefar.data.groups import chosen_groups
from seefar.data.image_set import ImageSet
from seefar.errors import DataError, UsageError
from seefar.seeds import derive


def carve(images: ImageSet, share: float, seed: int, purpose: str) -> tuple[ImageSet, ImageSet]:
    """Split `images` in two, every class in the same proportion (a stratified split).

    Labels and seed decide. Equal images stay on one side: where the split would part them, all go where the first goes, so that the
    carved part may be a little smaller or larger; only a class that would be on one side alone keeps its copies in both.

    Args:
        images: the set to split; every class needs at least 2 images.
        share: the part to carve off, in (0, 0.5]: of each class `round(share * count)` images, but at least 1.
        seed: the seed of the split, not that of the training, so that runs with other training seeds compare.
        purpose: what the carved part is for ("validation", "test"); other purposes give unrelated splits.

    Returns:
        (rest, carved): disjoint, together all of `images`, each in the original order. No group is in both.

    Raises:
        UsageError: `share` is out of range.
        DataError: a class has fewer than 2 images, or groups cannot be divided.
    """
    chosen = choose(images, share, seed, purpose)
    return images[~chosen], images[chosen]


def choose(images: ImageSet, share: float, seed: int, purpose: str) -> np.ndarray:
    """Which images `carve` carves off, bool `(n,)`. Arguments and errors: `carve`."""
    if not 0 < share <= 0.5:
        raise UsageError(f"the share for {purpose} must be above 0 and at most 0.5; found {share}")
    counts = [int(count) for count in images.counts()]
    if small := [f"class '{name}' ({count})" for name, count in zip(images.classes, counts, strict=True) if count < 2]:
        raise DataError(
            f"too few images to split some off for {purpose} in {small[0]}; every class needs at least 2: "
            "add images, or remove the class",
            details=small[1:],
        )
    if images.groups:
        return chosen_groups(images, share, derive(seed, f"{purpose} by groups"), purpose)
    return _unparted(images, _chosen(images, share, seed, purpose))


def part(images: ImageSet, count: int, seed: int) -> ImageSet:
    """About so many of the images (exactly so many where classes allow it), every class in the same proportion.

    Args:
        images: the set to choose from.
        count: 10 for each class at least, all images at most.
        seed: the seed of the choice.

    Raises:
        UsageError: `count` is out of range.
    """
    least = 10 * len(images.classes)
    if not least <= count <= len(images):
        raise UsageError(f"subset is {count}; allowed is {least} to {len(images)}, the training images")
    return images[_chosen(images, count / len(images), seed, "subset")]


def _unparted(images: ImageSet, chosen: np.ndarray) -> np.ndarray:
    """The same choice with equal images on one side, that of the first, but for classes that would be on one side alone."""
    kept = chosen.copy()
    for group in images.equal:
        kept[group] = chosen[group[0]]
    carved = np.bincount(images.labels[kept], minlength=len(images.classes))
    whole = (carved == 0) | (carved == images.counts())  # classes that would be on one side only
    return np.where(whole[images.labels], chosen, kept)


def _chosen(images: ImageSet, share: float, seed: int, purpose: str) -> np.ndarray:
    """Which images make up that share of every class, at least one of each: bool `(n,)`."""
    rng = np.random.default_rng(derive(seed, purpose))
    chosen = np.zeros(len(images), dtype=bool)
    for label, count in enumerate(images.counts().tolist()):
        members = np.flatnonzero(images.labels == label)
        chosen[rng.permutation(members)[: max(1, round(share * count))]] = True
    return chosen
