"""The space in which the last layer sees images: which lie near each other.

Near means a large cosine: how long the features of an image are says how sure the network is rather than what it sees.
"""

from collections.abc import Callable

import numpy as np

from seefar.data.near_duplicates import unit
from seefar.metrics import Share, wilson

BLOCK = 1000  # queries at a time: 40 MB of cosines to 10 000 known images
VOTERS = 20  # neighbours that vote: Caron et al. 2021
TEMPERATURE = 0.07  # of the votes: Wu et al. 2018, and Caron et al. 2021
PERPLEXITY = 30.0  # neighbours that t-SNE keeps together: scikit-learn's default
FEWEST = 10  # points; fewer have no neighbourhoods that are worth keeping, and PCA shows them (chosen by hand)
SAME = 1e-6  # spread of rows of length 1 below which they differ by rounding alone


def pca(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """The two directions in which the features differ most: float32 `(n, d)` to `(n, 2)`.

    Distances are true but for what the other directions hold. Zeros where features have no further direction.
    Source: Pearson 1901, https://doi.org/10.1080/14786440109462720

    Args:
        features: what to lay out.
        seed: of the randomised solver, which scikit-learn takes for many features.
    """
    from sklearn.decomposition import PCA

    places = np.zeros((len(features), 2), np.float32)
    directions = min(2, *features.shape)
    if directions and len(features) > 1 and np.ptp(features, axis=0).any():
        places[:, :directions] = PCA(directions, random_state=seed).fit_transform(features)
    return places


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """A map that keeps near images together, and little else: float32 `(n, d)` to `(n, 2)`. 2000 points take ten seconds.

    Distances between groups, and their sizes, mean nothing. Source: van der Maaten and Hinton 2008,
    https://jmlr.org/papers/v9/vandermaaten08a.html

    Args:
        features: what to lay out.
        seed: of what is drawn at random.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # scikit-learn brings it along

    rows, start = unit(features), _start(features, seed)
    if start is None:
        return pca(features, seed)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    # On one thread: several sum up in an order that changes, and the same seed would give another map
    with threadpool_limits(1):
        # The first coordinate starts with a deviation of 1e-4, as in scikit-learn: points that start apart stay apart
        places = TSNE(perplexity=perplexity, init=start * 1e-4, random_state=seed).fit_transform(rows)
    return np.asarray(places, np.float32)


EMBEDDINGS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"pca": pca, "tsne": tsne}
"""Each lays out features float32 `(n, d)` on a plane, float32 `(n, 2)`; the same seed gives the same bytes."""


def nearest(queries: np.ndarray, known: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """For each query the `k` known images with the largest cosines, nearest first; of those whose cosines come out equal the first.

    An image that is itself among the known ones finds itself.

    Args:
        queries: features `(q, d)`.
        known: features `(m, d)`.
        k: how many; if fewer are known, all of them.

    Returns:
        positions among the known, int64 `(q, k)`, and cosines, float32 `(q, k)`, -1..1.
    """
    k = min(k, len(known))
    positions, cosines = np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)
    if not k:
        return positions, cosines
    rows, columns = unit(queries.astype(np.float32, copy=False)), unit(known.astype(np.float32, copy=False)).T
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        products = np.clip(rows[block] @ columns, -1, 1)
        # All that are as near as the k-th: more than k where several are equally near, and then the first of them count
        least = np.partition(products, -k, axis=1)[:, -k]
        query, found = np.nonzero(products >= least[:, None])
        order = np.lexsort((found, -products[query, found], query))
        first = np.searchsorted(query, np.arange(len(products)))
        positions[block] = found[order[first[:, None] + np.arange(k)]]
        cosines[block] = np.take_along_axis(products, positions[block], axis=1)
    return positions, cosines


def knn_accuracy(
    features: np.ndarray, labels: np.ndarray, known: np.ndarray, known_labels: np.ndarray, k: int = VOTERS
) -> Share:
    """How many images get their class from a vote of their nearest known images: so much is in the features already.

    A neighbour's vote weighs exp(cosine / 0.07); of classes with equal votes that of the nearer image wins. With nothing known
    nothing is found. Sources: Wu et al. 2018, https://arxiv.org/abs/1805.01978 (the weights); Caron et al. 2021,
    https://arxiv.org/abs/2104.14294 (20 neighbours)

    Args:
        features: of the images in question, `(n, d)`.
        labels: their classes, int64 `(n,)`.
        known: features of the known images, `(m, d)`; none of the images in question should be among them.
        known_labels: their classes, int64 `(m,)`.
        k: how many neighbours vote.
    """
    positions, cosines = nearest(features, known, k)
    if not positions.size:
        return wilson(0, len(labels))
    voters = known_labels[positions]
    weights = np.exp(cosines.astype(np.float64) / TEMPERATURE)
    votes = np.zeros((len(labels), int(known_labels.max()) + 1))
    np.add.at(votes, (np.arange(len(labels))[:, None], voters), weights)
    # Neighbours stand nearest first and argmax takes the first of equals
    best = np.take_along_axis(votes, voters, axis=1).argmax(1)
    predicted = voters[np.arange(len(labels)), best]
    return wilson(int((predicted == labels).sum()), len(labels))


def _start(features: np.ndarray, seed: int) -> np.ndarray | None:
    """Where points start: at their places by PCA, so that groups end near those that they are like; float32 `(n, 2)`.

    The first coordinate has a deviation of 1. None: the points are too few, or all have one direction; there is nothing to keep
    together. Source: Kobak and Linderman 2021, https://doi.org/10.1038/s41587-020-00809-z
    """
    places = pca(unit(features), seed)
    deviation = float(places[:, 0].std()) if len(places) else 0.0
    return None if len(places) < FEWEST or deviation < SAME else places / deviation
