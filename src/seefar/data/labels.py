"""Labels in any form that people have them, numbers, names or rows with one 1, to 0, 1, 2, ... and class names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seefar.data.sources import printable
from seefar.errors import DataError

ONE_COLUMN = 2  # axes of labels (n, 1), as MedMNIST has them
LARGEST = 2**53  # beyond it floats are no longer exact


def read_labels(parts: Mapping[str, Any], classes: Sequence[str] | None) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The labels of each part as int64 `(n,)`, and the names of the classes.

    Args:
        parts: by part ("train", "test"): whole numbers `(n,)` or `(n, 1)`, names `(n,)`, or rows `(n, k)` with one 1 each.
        classes: the names, the label being the index; None: names are sorted, and numbers are their own names.

    Raises:
        DataError: a label is negative, no whole number, empty or beyond `classes`; a row has not exactly one 1; there are fewer than
            two classes; the parts have labels of different kinds.
    """
    found = {part: _plain(given, part) for part, given in parts.items()}
    if len({array.dtype.kind == "U" for array in found.values()}) > 1:
        raise DataError("some labels are names and others numbers; give all of them in one form")
    if classes is not None:
        names = tuple(printable(str(name)) for name in classes)
        if len(set(names)) < len(names) or not all(names):
            raise DataError("the names in classes must be different, and none of them empty")
        return {part: _among(array, names, part) for part, array in found.items()}, _enough(names)
    values = np.unique(np.concatenate(list(found.values())))
    if values.dtype.kind == "U":
        values = np.array(sorted(values.tolist(), key=in_order))
        order = np.argsort(values)  # where each stands among the sorted names that searchsorted needs
        labels = {part: order[np.searchsorted(values, array, sorter=order)] for part, array in found.items()}
    else:
        labels = {part: np.searchsorted(values, array) for part, array in found.items()}
    names = tuple(printable(str(value)) for value in values.tolist())
    return {part: array.astype(np.int64) for part, array in labels.items()}, _enough(names)


def in_order(name: str) -> tuple[int, int, str]:
    """A key that sorts names that are whole numbers by value, before all others."""
    return (0, int(name), name) if re.fullmatch(r"[0-9]{1,18}", name) else (1, 0, name)


def _plain(given: Any, part: str) -> np.ndarray:
    """Whole numbers as int64 `(n,)`, or names as str `(n,)`."""
    array = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    if array.ndim == ONE_COLUMN and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype == object:
        if not all(isinstance(one, str) for one in array.ravel()):
            raise DataError(f"the {part} labels are Python objects; give whole numbers, or names")
        array = array.astype(str)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.ndim == ONE_COLUMN and array.dtype.kind in "buif":
        return _one_hot(array, part)
    if array.ndim != 1:
        raise DataError(f"the {part} labels are {array.shape}; expected are (n,), (n, 1), or rows (n, classes) with one 1 each")
    if array.dtype.kind == "U":
        names = np.char.strip(array)
        if (names == "").any():
            raise DataError(
                f"the {part} label {int(np.argmax(names == ''))} (counted from 0) is empty; give every image its class"
            )
        return names
    if array.dtype.kind not in "buif":
        raise DataError(f"the {part} labels are {array.dtype}; give whole numbers, or names")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (np.abs(array) < LARGEST) & (array == np.floor(array))).all():
        raise DataError(f"the {part} labels are not all whole numbers; classes are needed, not measurements")
    if len(array) and array.min() < 0:
        raise DataError(
            f"the {part} labels reach down to {array.min():g}; negative ones say that a label is unknown: leave those images out"
        )
    if array.dtype.kind == "u" and len(array) and array.max() >= LARGEST:
        raise DataError(f"the {part} labels reach {array.max()}, which is too large for the number of a class")
    return array.astype(np.int64)


def _one_hot(rows: np.ndarray, part: str) -> np.ndarray:
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(1) == 1).all()):
        raise DataError(
            f"the {part} labels are rows of {rows.shape[1]} numbers, not all with one 1 and else 0; each image needs one class"
        )
    chosen: np.ndarray = rows.argmax(1).astype(np.int64)
    return chosen


def _among(array: np.ndarray, names: tuple[str, ...], part: str) -> np.ndarray:
    """The labels as indices of the names that were given."""
    if array.dtype.kind == "U":
        places = {name: place for place, name in enumerate(names)}
        unknown = next((one for one in map(printable, array.tolist()) if one not in places), None)
        if unknown is not None:
            raise DataError(f"the {part} labels contain {unknown!r}, which is not among the {len(names)} classes")
        return np.array([places[printable(one)] for one in array.tolist()], np.int64)
    if len(array) and array.max() >= len(names):
        raise DataError(
            f"the {part} labels reach {array.max()}; with {len(names)} class names they may be 0 to {len(names) - 1}"
        )
    return array


def _enough(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"need at least 2 classes, found {len(names)}; give images of another")
    return names
