"""What is taken for what: pairs of classes, groups of classes, and classes that do worse than chance would explain."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seefar.metrics import Share, holm, wilson

LEVEL = 0.05  # of the test whether a class does worse than the others, over all classes together
OFTEN = 2.0  # times the average mutual confusion from which classes form a group (chosen by hand)


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other.

    Attributes:
        one: a class; of the two directions, this one's is the stronger.
        other: the other class.
        there: images of `one` that were called `other`.
        back: images of `other` that were called `one`.
        share: of the images of both classes, those that were taken for the other.
    """

    one: str
    other: str
    there: int
    back: int
    share: float


@dataclass(frozen=True)
class Groups:
    """Classes by how often they are taken for each other: average linkage of the mutual confusion.

    Attributes:
        groups: those of two or more classes that are taken for each other more than twice as often as classes on average.
        order: the classes in an order in which similar ones stand side by side.
        merges: the tree, as scipy's `linkage` gives it: two clusters, their distance, and how many classes they hold together.
            The distance is `largest` less the mutual confusion of these two clusters.
        largest: the largest mutual confusion of any two classes, 0..1: the mean of the shares of either that are called the other.
        cut: the distance below which clusters are groups.
    """

    groups: list[list[str]]
    order: list[str]
    merges: list[list[float]]
    largest: float
    cut: float


@dataclass(frozen=True)
class WeakClass:
    """A class whose images are found significantly less often than those of all other classes together.

    Attributes:
        name: the class.
        recall: with its interval.
        others: the recall of all other classes together.
        p: of Fisher's exact test, one-sided, corrected for the number of classes (Holm).
        taken_for: the class its images are most often called instead.
        share: the share of its images to which that happens.
        images: how many images it has here.
    """

    name: str
    recall: Share
    others: float
    p: float
    taken_for: str
    share: float
    images: int


def pairs(matrix: np.ndarray, classes: tuple[str, ...], most: int = 10) -> list[Pair]:
    """The pairs of classes that are most often taken for each other, in shares of both classes' images; strongest first."""
    support = matrix.sum(1)
    found = []
    for i, j in combinations(range(len(classes)), 2):
        if matrix[i, j] + matrix[j, i]:
            one, other = (i, j) if matrix[i, j] * support[j] >= matrix[j, i] * support[i] else (j, i)
            share = (matrix[i, j] + matrix[j, i]) / (support[i] + support[j])
            found.append(Pair(classes[one], classes[other], int(matrix[one, other]), int(matrix[other, one]), float(share)))
    return sorted(found, key=lambda pair: -pair.share)[:most]


def groups(matrix: np.ndarray, classes: tuple[str, ...]) -> Groups:
    """See `Groups`. With fewer than three classes, or without a mistake, there is none."""
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    mutual = mutual_confusion(matrix)
    if len(classes) < 3 or not mutual.any():
        return Groups([], list(classes), [], 0.0, 0.0)
    largest = mutual.max()
    distances = squareform(largest - mutual, checks=False)
    tree = optimal_leaf_ordering(linkage(distances, "average"), distances)
    cut = float(largest - OFTEN * squareform(mutual, checks=False).mean())
    members = fcluster(tree, cut, "distance")
    order = leaves_list(tree)
    together: dict[int, list[str]] = {}
    for i in order:
        together.setdefault(int(members[i]), []).append(classes[i])
    return Groups(
        groups=[names for names in together.values() if len(names) > 1],
        order=[classes[i] for i in order],
        merges=tree.tolist(),
        largest=float(largest),
        cut=cut,
    )


def mutual_confusion(matrix: np.ndarray) -> np.ndarray:
    """For every two classes the mean share that is taken for the other: float64 `(classes, classes)`, symmetric, 0 on the diagonal."""
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    return np.asarray((shares + shares.T) / 2)


def weak_classes(matrix: np.ndarray, classes: tuple[str, ...]) -> list[WeakClass]:
    """The classes that do significantly worse than all others together, worst first."""
    from scipy.stats import fisher_exact

    support, found = matrix.sum(1), matrix.diagonal()
    tested = np.flatnonzero(support)
    if len(tested) < 2:
        return []
    p_values = []
    for i in tested:
        others = found.sum() - found[i], support.sum() - support[i]
        p_values.append(fisher_exact([[found[i], support[i] - found[i]], [others[0], others[1] - others[0]]], "less").pvalue)
    weak = []
    for i, p in zip(tested, holm([float(p) for p in p_values]), strict=True):
        if p < LEVEL:
            mistakes = np.where(np.arange(len(classes)) == i, -1, matrix[i])
            j = int(mistakes.argmax())
            weak.append(
                WeakClass(
                    name=classes[i],
                    recall=wilson(int(found[i]), int(support[i])),
                    others=float((found.sum() - found[i]) / (support.sum() - support[i])),
                    p=p,
                    taken_for=classes[j],
                    share=float(matrix[i, j] / support[i]),
                    images=int(support[i]),
                )
            )
    return sorted(weak, key=lambda row: row.recall.value)
