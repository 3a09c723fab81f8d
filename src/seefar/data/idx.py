"""Images and labels from IDX files, as MNIST has them: `train-images-idx3-ubyte.gz` and its three sisters.

Source of the format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", http://yann.lecun.com/exdb/mnist
"""

import gzip
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from seefar.data.bounded import MAX_RATIO, read_exactly
from seefar.data.sources import printable
from seefar.data.targz import MAGIC
from seefar.errors import DataError
from seefar.files import disk_errors

NAME = re.compile(r"(?P<set>.*?)(?P<split>train|t10k|test)-(?P<kind>images|labels)[-.]idx(?P<axes>[1-4])-ubyte(\.gz)?")
SPLITS = {"train": "train", "t10k": "test", "test": "test"}
BYTES = 8  # the code of unsigned bytes in the header

Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


def is_idx(name: str) -> bool:
    """Whether a file is, by its name, one of the four."""
    return NAME.fullmatch(name) is not None


def read_idx(path: Path) -> Pairs:
    """The images and labels of each split, uint8.

    Args:
        path: a folder with the files, or one of them: the others lie beside it.

    Raises:
        DataError: a file is missing, damaged, or claims more than is in it.
        DiskError: a file cannot be read.
    """
    with disk_errors(path):
        beside = path if path.is_dir() else path.parent
        names = sorted(file.name for file in beside.iterdir() if is_idx(file.name))
    found = [match for match in map(NAME.fullmatch, names) if match]
    own = NAME.fullmatch(path.name)
    sets = sorted({match["set"] for match in found} if path.is_dir() or own is None else {own["set"]})
    if len(sets) > 1:
        raise DataError(
            f"{printable(path.name)} holds several sets of images, {', '.join(map(repr, sets))}; give one of the files of the one you mean"
        )
    pairs: Pairs = {}
    for split in dict.fromkeys(SPLITS[match["split"]] for match in found if match["set"] == sets[0]):
        mine = [match for match in found if match["set"] == sets[0] and SPLITS[match["split"]] == split]
        images, labels = ([match.string for match in mine if match["kind"] == kind] for kind in ("images", "labels"))
        if not images or not labels:
            raise DataError(
                f"there is no file of {split} {'labels' if images else 'images'} beside {(images or labels)[0]}; put it there"
            )
        pairs[split] = (_read(beside / _one(images), (3, 4)), _read(beside / _one(labels), (1,)))
    if "train" not in pairs:
        raise DataError(f"{printable(beside.name)} holds no train-images-idx3-ubyte; put it beside the others")
    return {split: pairs[split] for split in ("train", "test") if split in pairs}


def _one(names: Iterable[str]) -> str:
    """Of a file and its compressed twin the latter."""
    return max(names, key=len)


def _read(path: Path, axes: tuple[int, ...]) -> np.ndarray:
    """One file as an array: uint8, with so many axes."""
    shown = printable(path.name)
    with disk_errors(path), path.open("rb") as raw:
        size = path.stat().st_size
        compressed = raw.read(2) == MAGIC
        raw.seek(0)
        file: IO[bytes] = gzip.GzipFile(fileobj=raw) if compressed else raw  # type: ignore[assignment]
        head = read_exactly(file, 4, shown)
        if head[:3] != bytes([0, 0, BYTES]) or head[3] not in axes:
            raise DataError(
                f"{shown} starts with {bytes(head).hex()}, which is no IDX file of unsigned bytes with {axes[0]} axes; get it again"
            )
        shape = tuple(int.from_bytes(read_exactly(file, 4, shown), "big") for _ in range(head[3]))
        claimed, start = math.prod(shape), 4 + 4 * head[3]
        most = size * MAX_RATIO if compressed else size - start
        if claimed > most or (not compressed and claimed < most):
            raise DataError(
                f"{shown} claims {' x '.join(f'{side:,}' for side in shape)} bytes, and cannot hold them in {size:,}; get it again"
            )
        content = read_exactly(file, claimed, shown)
        try:
            rest = file.read(1)  # at the end gzip compares its checksum
        except (EOFError, OSError) as error:
            raise DataError(f"{shown} is damaged ({error}); get it again") from error
        if rest:
            raise DataError(f"{shown} goes on after the {claimed:,} bytes that it claims; get it again")
    return np.frombuffer(content, np.uint8).reshape(shape)
