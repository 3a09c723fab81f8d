"""Which images are equal, pixel by pixel."""

import hashlib
import math
from collections.abc import Iterable, Iterator

import numpy as np

BLOCK_BYTES = 4 << 20  # pixels handled at a time; chosen by hand: 1,365 images of 32x32


def blocks(pixels: np.ndarray) -> Iterator[slice]:
    """The images `(n, h, w, c)` in turns of a few megabytes."""
    step = max(1, BLOCK_BYTES // math.prod(pixels.shape[1:]))
    return (slice(start, start + step) for start in range(0, len(pixels), step))


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
