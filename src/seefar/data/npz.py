"""Images and labels from a .npz file: MedMNIST's names, Keras' names, or `images` and `labels`. Nothing in it is unpickled."""

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from seefar.data.bounded import MAX_RATIO, read_exactly
from seefar.data.sources import ENCRYPTED, READ_BOUNDED, printable
from seefar.errors import DataError, UsageError
from seefar.files import disk_errors

# By layout: for each split the names of its images and labels
SPLITS = {"train": "train", "validation": "val", "test": "test"}
LAYOUTS: tuple[Mapping[str, tuple[str, str]], ...] = (
    {split: (f"{name}_images", f"{name}_labels") for split, name in SPLITS.items()},
    {split: (f"x_{name}", f"y_{name}") for split, name in SPLITS.items()},
    {"train": ("images", "labels")},
    {"train": ("x", "y")},
)
MOST = 8  # names of arrays in a sentence (chosen by hand)
EXPECTED = "train_images and train_labels, x_train and y_train, or images and labels"

Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


def read_npz(path: Path, group: str | None = None) -> tuple[Pairs, dict[str, np.ndarray] | None]:
    """The images and labels of each split, and their groups, if they have any.

    Args:
        path: the file.
        group: the array that says what each image shows, by its name, behind "train_", "val_" and "test_" where there are several
            splits; None: "groups", if it is there.

    Raises:
        DataError: it is damaged, holds objects, claims more than is in it, or has none of the known names.
        DiskError: it cannot be read.
        UsageError: there is no such array of groups.
    """
    shown = printable(path.name)
    try:
        with disk_errors(path):
            file = path.open("rb")
        with file, zipfile.ZipFile(file) as archive:
            entries = {
                entry.filename.removesuffix(".npy"): entry for entry in archive.infolist() if entry.filename.endswith(".npy")
            }
            layout = next((one for one in LAYOUTS if set(one["train"]) <= entries.keys()), None)
            if layout is None:
                found = ", ".join(printable(name) for name in sorted(entries)[:MOST]) or "no arrays"
                raise DataError(f"{shown} holds {found}; expected are {EXPECTED}")
            pairs, groups = {}, {}
            for split, names in layout.items():
                if not set(names) & entries.keys():
                    continue
                if missing := [name for name in names if name not in entries]:
                    beside = next(name for name in names if name in entries)
                    raise DataError(f"{shown} holds no {missing[0]} beside {beside}; images and labels go together")
                images, labels = (_array(archive, entries[name], f"{shown}: {name}") for name in names)
                pairs[split] = images, labels
                possible = [f"{SPLITS[split]}_{group or 'groups'}", *[group or "groups"] * (split == "train")]
                if (name := next((name for name in possible if name in entries), None)) is not None:
                    groups[split] = _array(archive, entries[name], f"{shown}: {name}")
                elif group is not None:
                    raise UsageError(
                        f"{shown} holds no {possible[0]}; it has {', '.join(map(printable, sorted(entries)[:MOST]))}"
                    )
            return pairs, groups or None
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OSError,
        OverflowError,
        ValueError,
        struct.error,
    ) as error:
        raise DataError(
            f"{shown} is a damaged npz file ({printable(str(error))[:100]}); copy, download or make it again"
        ) from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, what: str) -> np.ndarray:
    """One array. Its size is known, and known to be plausible, before there is room for it."""
    if entry.flag_bits & ENCRYPTED:
        raise DataError(f"{what} is encrypted; save it without a password")
    if entry.compress_type not in READ_BOUNDED:
        raise DataError(f"{what} is compressed by a method that is not read; save it with numpy.savez_compressed")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) or entry.compress_size > _size(archive):
        raise DataError(
            f"{what} claims to be {entry.file_size:,} bytes, which cannot come from {entry.compress_size:,}; make the file again"
        )
    with archive.open(entry) as file:
        return _content(file, entry.file_size, what)


def _content(file: IO[bytes], size: int, what: str) -> np.ndarray:
    """The array in a file of so many bytes."""
    shape, in_columns, dtype, header = _header(file, what)
    if dtype.hasobject:
        raise DataError(f"{what} holds Python objects, which are not read because they can run code; save numbers or names")
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or claimed != size - header:
        raise DataError(
            f"{what} claims {_times(shape)} of {dtype}, which are {claimed:,} bytes, and holds {size - header:,}; make "
            "the file again"
        )
    content = read_exactly(file, claimed, what)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C")


def read_npy(path: Path) -> np.ndarray:
    """The array in a .npy file. Raises: see `read_npz`."""
    with disk_errors(path):
        file, size = path.open("rb"), path.stat().st_size
    with file:
        return _content(file, size, printable(path.name))


def _header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether columns come first, type, and the number of bytes before the numbers."""
    formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(file)
        if version not in formats:
            raise DataError(f"{what} is of the npy version {version}; 1.0 and 2.0 are read")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about files that Python 2 wrote, which are read all the same
            shape, in_columns, dtype = formats[version](file)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise DataError(f"{what} is no array ({printable(str(error))[:100]}); make the file again") from error
    return shape, in_columns, dtype, file.tell()


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape) or "a single number"


def _size(archive: zipfile.ZipFile) -> int:
    """Bytes of the whole file up to its table of contents."""
    return archive.start_dir
