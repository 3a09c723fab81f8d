"""Numbers from labels and predictions, with the intervals that say how far to trust them. Arrays in, frozen values out.

The arithmetic is scikit-learn's and scipy's; what is ours is the choice and the names.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Share:
    """A measured share, 0..1, and its 95 % Wilson interval: where the share among endless such images plausibly lies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassScore:
    """One row of the classification report.

    Attributes:
        name: the class.
        precision: of the images called this class, the share that are.
        recall: of the images of this class, the share that were found, with interval.
        f1: harmonic mean of the two.
        support: images of this class.
    """

    name: str
    precision: float
    recall: Share
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """`count` images of the class `true` were called `predicted`: `share` of that class."""

    true: str
    predicted: str
    count: int
    share: float


def wilson(successes: int, trials: int) -> Share:
    """A share and its 95 % interval. With no trials nothing is known: 0, between 0 and 1.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    from scipy.stats import binomtest

    if trials == 0:
        return Share(0.0, 0.0, 1.0)
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return Share(successes / trials, float(interval.low), float(interval.high))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax of each row in float64: `(n, classes)` to `(n, classes)`."""
    from scipy import special

    result: np.ndarray = special.softmax(logits.astype(np.float64), axis=1)
    return result


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts, int64 `(classes, classes)`: the row is the true class, the column the predicted one."""
    from sklearn.metrics import confusion_matrix

    matrix: np.ndarray = confusion_matrix(labels, predicted, labels=np.arange(classes))
    return matrix


def class_scores(labels: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> list[ClassScore]:
    """The classification report, a row a class. A class that was never predicted has precision 0."""
    from sklearn.metrics import precision_recall_fscore_support

    matrix = confusion_matrix(labels, predicted, len(classes))
    precision, _, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0.0
    )
    return [
        ClassScore(name, float(precision[i]), wilson(int(matrix[i, i]), int(support[i])), float(f1[i]), int(support[i]))
        for i, name in enumerate(classes)
    ]


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean cross-entropy in nats: 0 is perfect, log(classes) is guessing."""
    from scipy.special import log_softmax

    chosen: Any = log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]
    return float(-chosen.mean())


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean recall over the classes that have images: what accuracy would be if all classes were equally frequent."""
    support = matrix.sum(1)
    return float((matrix.diagonal()[support > 0] / support[support > 0]).mean())


def top_k(labels: np.ndarray, logits: np.ndarray, k: int) -> Share:
    """The share of images whose class is among the `k` most probable ones, with its interval."""
    from sklearn.metrics import top_k_accuracy_score

    classes = np.arange(logits.shape[1])
    if len(classes) == 2:
        return wilson(
            len(labels) if k >= 2 else int((logits.argmax(1) == labels).sum()), len(labels)
        )  # scikit-learn refuses two
    found = top_k_accuracy_score(labels, logits, k=k, labels=classes, normalize=False)
    return wilson(round(float(found)), len(labels))


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance between the probabilities and the truth: 0 is perfect, 2 is sure and wrong each time.

    Source: Brier 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(1).mean())


def roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """How well each class is separated from all others, whatever the threshold: the mean over classes, 0.5 is guessing, 1 is perfect.

    None if a class has no images, or there is but one.
    """
    from sklearn.metrics import roc_auc_score

    counts = np.bincount(labels, minlength=probabilities.shape[1])
    if len(counts) < 2 or not counts.all():
        return None
    return float(np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in range(len(counts))]))


def cohen_kappa(matrix: np.ndarray) -> float:
    """Agreement beyond what the frequencies of classes and answers alone would give: 0 is none, 1 is perfect.

    Source: Cohen 1960, https://doi.org/10.1177/001316446002000104
    """
    total = matrix.sum()
    by_chance = float((matrix.sum(0) / total) @ (matrix.sum(1) / total))
    return 0.0 if by_chance == 1 else float((matrix.trace() / total - by_chance) / (1 - by_chance))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, so that the chance of any false alarm stays below the level; in their order.

    Source: Holm 1979, https://www.jstor.org/stable/4615733
    """
    n, largest, corrected = len(p_values), 0.0, [0.0] * len(p_values)
    for rank, place in enumerate(sorted(range(n), key=p_values.__getitem__)):
        largest = max(largest, min((n - rank) * p_values[place], 1.0))
        corrected[place] = largest
    return corrected


def strongest_confusions(matrix: np.ndarray, classes: tuple[str, ...], most: int = 20) -> list[Confusion]:
    """The off-diagonal cells that hold the largest share of their row, largest first."""
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    np.fill_diagonal(share, 0)
    order = np.argsort(-share, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), len(classes)) for cell in order]
    return [
        Confusion(classes[i], classes[j], int(matrix[i, j]), float(share[i, j])) for i, j in cells if i != j and matrix[i, j]
    ]


OF_EACH = 8  # mistakes of each confusion (chosen by hand)


def surest_mistakes(labels: np.ndarray, logits: np.ndarray, most: int | None = None) -> np.ndarray:
    """Positions of wrongly classified images, the most confident first and at most 8 of each confusion, int64 `(at most most,)`."""
    answers = logits.argmax(1)
    confidence = softmax(logits).max(1)
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    seen: Counter[tuple[int, int]] = Counter()
    chosen = []
    for i in wrong.tolist():
        cell = int(labels[i]), int(answers[i])
        seen[cell] += 1
        if seen[cell] <= OF_EACH:
            chosen.append(i)
    return np.array(chosen[:most], np.int64)
