"""A few of the images that do not count: to see what is wrong with a split takes less time than to read it."""

from collections import Counter

import numpy as np

from seefar.data.equal import digests

MOST = 6  # a row on a screen (chosen by hand)


def left_out(pixels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different images of a split that do not count, those that occur most often first.

    Args:
        pixels: of the whole split, uint8 `(n, h, w, 3)`.
        counts: which images count, bool `(n,)`.

    Returns:
        Positions of at most six, int64 `(k,)`, and how many images of the split equal each of them, itself included, int64 `(k,)`.
    """
    out = np.flatnonzero(~counts)
    found = list(digests(pixels))
    times = Counter(found)
    firsts = {found[position]: position for position in reversed(out.tolist())}
    often = sorted(firsts.values(), key=lambda position: (-times[found[position]], position))[:MOST]
    return np.array(often, np.int64), np.array([times[found[position]] for position in often], np.int64)
