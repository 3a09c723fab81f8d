"""Data sets of torch and Hugging Face, read row by row through what they offer: neither library is imported."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from seefar.data.arrange import NAMES_OF_SPLITS
from seefar.data.decode import decode, decoded
from seefar.data.pixels import as_array
from seefar.errors import DataError, UsageError, did_you_mean

SIZE = 32  # to which PIL images of unequal size are brought, as `load` does


def rows_of(rows: Any, split: str, size: int | None, background: str) -> tuple[np.ndarray, list[Any]]:
    """All images of a data set as one array, and its labels.

    Args:
        rows: has a length; an item is (image, label), the image a PIL image, an array or a tensor, or the bytes of an image file.
        split: its name, for messages.
        size: height and width to which PIL images are brought; None: as the first one if all are alike and square, else 32.
        background: the colour behind transparent images.

    Raises:
        DataError: an item is something else, or arrays are of unequal shape.
        UsageError: it has no length.
    """
    images: list[Any] = []
    labels = []
    for number, item in enumerate(_items(rows, split)):
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(f"item {number} of {split} is no pair of image and label but {_kind(item)}; give (image, label)")
        image, label = item
        images.append(image)
        labels.append(label.item() if getattr(label, "ndim", None) == 0 else label)
    if not images:
        raise DataError(f"there are no images in {split}; give at least one")
    if all(isinstance(image, Image.Image | bytes) for image in images):
        return _pictures(images, split, size, background), labels
    arrays = [as_array(image) for image in images]
    if len(shapes := {array.shape for array in arrays}) > 1:
        one, other = sorted(shapes)[:2]
        raise DataError(f"images in {split} have shapes such as {one} and {other}; bring them to one, or give PIL images")
    return np.stack(arrays), labels


def splits_of(
    data: Any, image: str | None, label: str | None, group: str | None
) -> tuple[dict[str, Any], list[str] | None, dict[str, list[Any]] | None]:
    """The splits of a Hugging Face data set as rows of (image, label), the names of its classes, and the groups of each split.

    Args:
        data: a `Dataset` or a `DatasetDict`.
        image, label, group: columns; None: as the features say, and no groups.

    Raises:
        DataError: no train split, or it is unclear which columns are meant.
        UsageError: there is no such column.
    """
    given = dict(data) if isinstance(data, Mapping) else {"train": data}
    parts = {NAMES_OF_SPLITS[name]: part for name, part in given.items() if name in NAMES_OF_SPLITS}
    if "train" not in parts:
        raise DataError(f"there is no split 'train' among {', '.join(map(repr, given))}; choose one: data['...']")
    features = getattr(parts["train"], "features", None)
    if not isinstance(features, Mapping) or not hasattr(parts["train"], "__len__"):  # one that is streamed has none
        raise UsageError(f"expected a Hugging Face Dataset or DatasetDict, found {_kind(parts['train'])}")
    picture = _column(features, image, "Image", "image")
    answer = _column(features, label, "ClassLabel", "label")
    if group is not None:
        _column(features, group, "", "group")
    parts = {split: _unformatted(part, type(features[picture]).__name__ == "Image") for split, part in parts.items()}
    names = getattr(features[answer], "names", None)
    groups = {split: list(part[group]) for split, part in parts.items()} if group is not None else None
    rows = {split: _Rows(part, picture, answer) for split, part in parts.items()}
    return rows, list(names) if names else None, groups


def _unformatted(part: Any, pictures: bool) -> Any:
    """A split without the format that `with_format` gave it: that of a library, or only some of the columns.

    Pictures are then PIL images whatever the format, of any size and mode. Arrays keep theirs, which knows their type. A transform stays.
    """
    how = getattr(part, "format", None)
    kind = how.get("type") if isinstance(how, Mapping) else "custom"
    return part if kind == "custom" else part.with_format(None if pictures else kind)


class _Rows(Sequence[tuple[Any, Any]]):
    """A Hugging Face data set as pairs."""

    def __init__(self, data: Any, image: str, label: str) -> None:
        self._data, self._image, self._label = data, image, label

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, number: Any) -> Any:
        row = self._data[number]
        for name in (self._image, self._label):
            if name not in row:
                raise DataError(
                    f"row {number} has no {name!r}: a transform of the data set leaves it out; let it keep that column"
                )
        image = row[self._image]
        if isinstance(image, Mapping) and image.get("bytes") is not None:  # where decoding is switched off
            image = image["bytes"]
        return image, row[self._label]


def _column(features: Mapping[str, Any], asked: str | None, kind: str, role: str) -> str:
    """The column that was asked for, or else the only one of that kind, or else the one with the usual name."""
    if asked is not None:
        if asked not in features:
            raise UsageError(f"there is no column {asked!r}{did_you_mean(asked, features)}; there are {', '.join(features)}")
        return asked
    of_kind = [name for name, feature in features.items() if type(feature).__name__ == kind]
    if len(of_kind) == 1:
        return of_kind[0]
    if not of_kind and role in features:
        return role
    found = ", ".join(of_kind) or ", ".join(features)
    raise DataError(f"it is unclear which column holds the {role}s: {found}; say {role}=...")


def _items(rows: Any, split: str) -> Iterator[Any]:
    if not hasattr(rows, "__len__") or not hasattr(rows, "__getitem__"):
        raise UsageError(f"{split} is {_kind(rows)}, which has no length or cannot be indexed; give a data set that can")
    return (rows[number] for number in range(len(rows)))


def _pictures(images: Sequence[Any], split: str, size: int | None, background: str) -> np.ndarray:
    sizes = {image.size if isinstance(image, Image.Image) else None for image in images}
    width, height = sizes.pop() or (0, 1) if len(sizes) == 1 else (0, 1)
    side = size or (width if width == height else SIZE)
    pixels = np.empty((len(images), side, side, 3), np.uint8)
    for number, image in enumerate(images):
        try:
            is_picture = isinstance(image, Image.Image)
            pixels[number] = (decoded if is_picture else decode)(image, side, background).pixels
        except DataError as error:
            raise DataError(f"image {number} of {split} cannot be used: {error}; repair or remove it") from error
    return pixels


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
