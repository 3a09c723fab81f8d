"""A dozen images that show at a glance what a network gets right and wrong."""

import numpy as np

from seefar import metrics

EACH = 6  # right ones, and as many mistakes: a row on a screen (chosen by hand)


def highlights(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Positions of at most twelve images: right ones of different classes, then the most confident mistakes.

    The right ones are about as confident as most are, not the surest of all. Where there are too few of one kind, more of the other
    fill the row.

    Args:
        labels: int64 `(n,)`.
        logits: `(n, classes)`.
    """
    wrong = metrics.surest_mistakes(labels, logits)
    right = _typical(labels, logits)
    mistakes = wrong[: max(EACH, 2 * EACH - len(right))]
    return np.concatenate([right[: 2 * EACH - min(len(mistakes), 2 * EACH)], mistakes]).astype(np.int64)[: 2 * EACH]


def _typical(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Positions of right answers, those of usual confidence first: one of each class, then a second of each, and so on."""
    right = np.flatnonzero(logits.argmax(1) == labels)
    if not len(right):
        return right
    sure = metrics.softmax(logits).max(1)[right]
    right = right[np.argsort(np.abs(sure - np.quantile(sure, 0.7)), kind="stable")]
    seen: dict[int, int] = {}
    turns = []  # how many of its class come before an image
    for label in labels[right].tolist():
        turns.append(seen.get(label, 0))
        seen[label] = turns[-1] + 1
    result: np.ndarray = right[np.argsort(turns, kind="stable")]
    return result
