"""Pixels of many images in turns: which images are equal, and copies of some of them, without all of a mapped file in memory."""

import hashlib
import math
import mmap
from collections.abc import Iterable, Iterator

import numpy as np

BLOCK_BYTES = 4 << 20  # pixels handled at a time; chosen by hand: 1,365 images of 32x32


RESIDENT = 16  # blocks of a mapped file after which its pages are let go: 64 MB (chosen by hand)


def blocks(pixels: np.ndarray) -> Iterator[slice]:
    """The images `(n, h, w, c)` in turns of a few megabytes; of those that are mapped from a file, few are in memory at any time."""
    step = max(1, BLOCK_BYTES // math.prod(pixels.shape[1:]))
    for number, start in enumerate(range(0, len(pixels), step), start=1):
        yield slice(start, start + step)
        if number % RESIDENT == 0:
            let_go(pixels)
    let_go(pixels)


def taken(pixels: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """A copy of the images at these positions, int64 `(m,)`."""
    chosen = np.empty((len(positions), *pixels.shape[1:]), pixels.dtype)
    for block in blocks(chosen):
        chosen[block] = pixels[positions[block]]
        let_go(pixels)
    return chosen


def let_go(array: np.ndarray) -> None:
    """Give the memory of a mapped file back to the system, which reads it again when it is needed. Does nothing for other arrays.

    Only mappings that cannot be written are let go: what was written to a private one would be lost.
    """
    base: object = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def digests(pixels: np.ndarray) -> Iterator[bytes]:
    """The SHA-256 of each image, uint8 `(n, h, w, 3)`, in their order."""
    for block in blocks(pixels):
        for image in np.ascontiguousarray(pixels[block]):
            yield hashlib.sha256(image).digest()


def equal(found: Iterable[bytes]) -> list[list[int]]:
    """From the digests of images the positions of those that are equal, group by group, where there are two or more."""
    firsts: dict[bytes, int] = {}
    more: dict[int, list[int]] = {}  # by the first of them
    for position, digest in enumerate(found):
        first = firsts.setdefault(digest, position)
        if first != position:
            more.setdefault(first, [first]).append(position)
    return [more[first] for first in sorted(more)]
