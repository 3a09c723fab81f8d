"""Pairs of images that show the same photograph, cut, mirrored, moved, recoloured or compressed otherwise.

More thorough and slower than the near copies of `describe`: candidates come from small thumbnails and from a network's features,
and each is compared in full, moved by up to two pixels to and fro. Plain drawings may look alike without being copies.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from seefar.data.describe import grey, thumbnails

# In CIFAR-10 (JPEG of quality 75) these find 322 test images with a near duplicate in training (ciFAIR, by hand: 325), the network's
# features 15 of them; of 48 pairs with details between 0.6 and 0.7 some 40 are true to the eye (2026-11-25, docs/log.md)
DETAIL, LIKENESS = 0.65, 0.8
COSINE = 0.97  # below this similarity of features no near duplicate was found that the thumbnails had missed
SHIFT = 2  # pixels
NEIGHBOURS = 2  # nearest by features that become candidates
BLOCK = 1000  # images or pairs at a time: some 100 MB


@dataclass(frozen=True)
class NearDuplicate:
    """Two images that show the same.

    Attributes:
        one: position of the first image.
        other: position of the second.
        detail: how well their details agree where they overlap best, 0.65 to 1 (correlation of grey values less their local mean).
        mirrored: whether one had to be mirrored for that.
    """

    one: int
    other: int
    detail: float
    mirrored: bool


def near_duplicates(
    pixels: np.ndarray,
    features: np.ndarray,
    other_pixels: np.ndarray | None = None,
    other_features: np.ndarray | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[NearDuplicate]:
    """For images of one set their near duplicates in another, or within it if there is no other; most certain first.

    Args:
        pixels: uint8 `(n, h, w, 3)`.
        features: of a network for these images, `(n, d)`.
        other_pixels: uint8 `(m, h, w, 3)`; None: the same set.
        other_features: `(m, d)`.
        tell: called with the number of pairs compared and the total.
    """
    within = other_pixels is None or other_features is None
    others, their_features = (
        (pixels, features) if other_pixels is None or other_features is None else (other_pixels, other_features)
    )
    if len(others) <= within or not len(pixels):
        return []
    small = thumbnails(others)
    candidates = {
        (one, other)
        for queries, keys, most, least in (
            (thumbnails(pixels), small, 1, -1.0),
            (thumbnails(pixels[:, :, ::-1]), small, 1, -1.0),
            (unit(features), unit(their_features), NEIGHBOURS, COSINE),
        )
        for one, other in _nearest(queries, keys, most, least, within)
    }
    pairs = np.array(sorted({(min(pair), max(pair)) for pair in candidates} if within else candidates)).reshape(-1, 2)
    found = []
    for start in range(0, len(pairs), BLOCK):
        block = pairs[start : start + BLOCK]
        likeness, detail, mirrored = compare(pixels[block[:, 0]], others[block[:, 1]])
        for place in np.flatnonzero((detail > DETAIL) & (likeness > LIKENESS)):
            one, other = block[place].tolist()
            found.append(NearDuplicate(one, other, round(float(detail[place]), 4), bool(mirrored[place])))
        tell(min(start + BLOCK, len(pairs)), len(pairs))
    return sorted(found, key=lambda pair: (-pair.detail, pair.one, pair.other))


def compare(ones: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of images where they overlap best: correlation of their grey values, of their details, and whether mirrored; `(n,)` each."""
    grey_one, grey_other = grey(ones.astype(np.float32)), grey(others.astype(np.float32))
    fine_one, fine_other = _details(grey_one), _details(grey_other)
    likeness, detail = np.full(len(ones), -1, np.float32), np.full(len(ones), -1, np.float32)
    mirrored = np.zeros(len(ones), bool)
    steps = range(-SHIFT, SHIFT + 1)
    for turn, (down, right) in product((1, -1), product(steps, steps)):
        here, there = _overlap(down, right, ones.shape[1])
        agreement = _correlation(fine_one[here], fine_other[:, :, ::turn][there])
        better = agreement > detail
        if better.any():
            detail[better], mirrored[better] = agreement[better], turn < 0
            likeness[better] = _correlation(grey_one[better][here], grey_other[better][:, :, ::turn][there])
    return likeness, detail, mirrored


def _nearest(queries: np.ndarray, keys: np.ndarray, most: int, least: float, within: bool) -> Iterator[tuple[int, int]]:
    """For each row the `most` rows of `keys` with the largest product, if that is at least `least`; never a row itself."""
    columns = np.ascontiguousarray(keys.T)
    for start in range(0, len(queries), BLOCK):
        products = queries[start : start + BLOCK] @ columns
        rows = np.arange(len(products))
        if within:
            products[rows, start + rows] = -np.inf
        for _ in range(min(most, len(keys) - within)):
            best = products.argmax(1)
            for row in np.flatnonzero(products[rows, best] >= least):
                yield start + int(row), int(best[row])
            products[rows, best] = -np.inf


def _overlap(down: int, right: int, size: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where two images of which one is moved lie over each other: the part of either."""
    here = (slice(None), slice(max(down, 0), size + min(down, 0)), slice(max(right, 0), size + min(right, 0)))
    there = (slice(None), slice(max(-down, 0), size + min(-down, 0)), slice(max(-right, 0), size + min(-right, 0)))
    return here, there


def _correlation(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each image with its partner, -1..1; 0 where either is flat."""
    a, b = (x - x.mean((1, 2), keepdims=True) for x in (ones, others))
    lengths = np.sqrt(np.einsum("nij,nij->n", a, a) * np.einsum("nij,nij->n", b, b))
    found: np.ndarray = np.einsum("nij,nij->n", a, b) / np.maximum(lengths, 1e-3)
    return found


def _details(images: np.ndarray) -> np.ndarray:
    """Grey values less the mean of the 5x5 around them."""
    from scipy.ndimage import uniform_filter

    found: np.ndarray = images - uniform_filter(images, (0, 5, 5), mode="nearest")
    return found


def unit(features: np.ndarray) -> np.ndarray:
    """Each row divided by its length, so that products of rows are cosines."""
    rows: np.ndarray = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return rows
