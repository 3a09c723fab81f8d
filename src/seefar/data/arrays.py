"""Images and labels in memory, by split, as ImageSets: whatever the form of either."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seefar.data.image_set import ImageSet
from seefar.data.labels import read_labels
from seefar.data.pixels import as_array, reading_of, to_pixels
from seefar.data.sources import printable
from seefar.data.splits import carve
from seefar.errors import DataError, UsageError

TEST_SHARE = 0.2  # of each class, where there are no test images; chosen by hand, a custom of the field


class Sets(NamedTuple):
    """The images of a data set.

    Attributes:
        train, test: as `Dataset` has them.
        validation: ids of those training images that the source holds out itself.
        test_by_rule: whether the test images were split off by the seeded rule.
    """

    train: ImageSet
    test: ImageSet
    validation: tuple[str, ...]
    test_by_rule: bool


def image_sets(
    parts: Mapping[str, tuple[Any, Any]],
    classes: Sequence[str] | None = None,
    groups: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
    *,
    size: int | None = None,
    channels: str | None = None,
    white: float | None = None,
    split_seed: int = 0,
) -> Sets:
    """Images and labels, by "train", "validation" and "test", of which only the first must be there.

    Args:
        parts: for each split its images and its labels (seefar.data.pixels and seefar.data.labels say what they may be).
        classes: the names, the label being the index.
        groups: for each split what each image shows; see `ImageSet.groups`.
        size: height and width to which the images are brought; None: as they are.
        channels: "last" or "first", where the shape allows both.
        white: the number that is white, where the values do not tell.
        split_seed: of the rule that splits off a test set.

    Raises:
        DataError: images or labels cannot be used.
        UsageError: an argument is out of range, or groups are given for some of the splits only.
    """
    if groups is not None and set(groups) != set(parts):
        raise UsageError(f"groups are given for {', '.join(groups)}, and images for {', '.join(parts)}; give both for the same")
    images = {split: as_array(x) for split, (x, _) in parts.items()}
    if len(kinds := sorted({str(array.dtype) for array in images.values()})) > 1:
        raise DataError(f"the images of the splits are of different types, {' and '.join(kinds)}; give all of them in one")
    how = reading_of(images["train"], "the train images", channels, white, size)
    labels, names = read_labels({split: y for split, (_, y) in parts.items()}, classes)
    for split, array in images.items():
        if len(array) != len(labels[split]):
            raise DataError(f"there are {len(array):,} {split} images and {len(labels[split]):,} labels; every image needs one")
    grouped = {split: _groups(one, split, len(images[split])) for split, one in (groups or {}).items()}
    sets = {}
    for split in images:
        ids = tuple(f"{split}/{number:06d}" for number in range(len(images[split])))
        pixels = to_pixels(images[split], how, f"the {split} images")
        sets[split] = ImageSet(pixels, labels[split], names, ids, grouped.get(split, ()))
    return arranged(sets, split_seed)


def arranged(sets: Mapping[str, ImageSet], split_seed: int) -> Sets:
    """The images of the splits as training and test images; where there are no test images, a fifth of train is split off.

    Raises:
        DataError: a split lacks images of a class.
    """
    train = sets["train"]
    for split in ("train", "test"):
        if split in sets:
            refuse_missing(split, sets[split].classes, sets[split].counts())
    by_rule = "test" not in sets
    train, test = carve(train, TEST_SHARE, split_seed, "test") if by_rule else (train, sets["test"])
    held_out = sets.get("validation")
    if held_out is None or not len(held_out):
        return Sets(train, test, (), by_rule)
    return Sets(joined(train, held_out), test, held_out.ids, by_rule)


def refuse_missing(split: str, classes: Sequence[str], counts: np.ndarray) -> None:
    """Raise DataError if a class has no images in a split."""
    for name, count in zip(classes, counts.tolist(), strict=True):
        if not count:
            raise DataError(f"class '{name}' has no images in {split}; add some, or leave the class out")


def joined(one: ImageSet, other: ImageSet) -> ImageSet:
    """The images of both, in this order."""
    pixels, labels = (np.concatenate([getattr(part, name) for part in (one, other)]) for name in ("pixels", "labels"))
    return ImageSet(pixels, labels, one.classes, one.ids + other.ids, one.groups + other.groups)


def _groups(given: Sequence[Any] | np.ndarray, split: str, images: int) -> tuple[str, ...]:
    named = tuple(printable(str(group)) for group in given)
    if len(named) != images:
        raise DataError(f"there are {images:,} {split} images and {len(named):,} groups; every image needs one")
    return named
