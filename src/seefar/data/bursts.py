"""Images that follow each other in name and look nearly the same: shots of one moment, or frames of one film."""

import re

import numpy as np

from seefar.data.describe import near_copies
from seefar.data.images import ImageSet


def bursts(images: ImageSet) -> np.ndarray:
    """Number the bursts: neighbours by name within a class that are near copies of each other share one, int64 `(n,)`.

    Names are compared as people read them, 2 before 10. Near copies are those of `describe`: lightly changed, not moved.

    Args:
        images: `n` images whose ids are their names.
    """
    order = np.array(
        sorted(range(len(images)), key=lambda i: (int(images.labels[i]), _as_read(images.ids[i]))), np.int64
    ).reshape(-1)
    begins = np.ones(len(images), bool)  # in that order, whether an image begins a burst
    if len(images) > 1:
        one, other = order[1:], order[:-1]
        same = near_copies(images.pixels[one], images.pixels, other) & (images.labels[one] == images.labels[other])
        begins[1:] = ~same
    numbers = np.empty(len(images), np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return numbers


def _as_read(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]
