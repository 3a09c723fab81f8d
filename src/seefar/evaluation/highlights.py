"""A dozen images that show at a glance what a network gets right and wrong."""

import numpy as np

from seefar import metrics

EACH = 6  # right ones, and as many mistakes: a row on a screen (chosen by hand)


def highlights(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Positions of at most twelve images: right ones of different classes, then the most confident mistakes.

    The right ones go from confident to hesitant, at the same six quantiles each time. Where there are too few of one kind, more of the
    other fill the row.

    Args:
        labels: int64 `(n,)`.
        logits: `(n, classes)`.
    """
    wrong = metrics.surest_mistakes(labels, logits)
    right = _typical(labels, logits)
    mistakes = wrong[: max(EACH, 2 * EACH - len(right))]
    return np.concatenate([right[: 2 * EACH - min(len(mistakes), 2 * EACH)], mistakes]).astype(np.int64)[: 2 * EACH]


def _typical(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Positions of at most twelve right answers, from confident to hesitant; of different classes as long as there are any."""
    right = np.flatnonzero(logits.argmax(1) == labels)
    if not len(right):
        return right
    sure = metrics.softmax(logits).max(1)[right]
    left, used, chosen = np.ones(len(right), bool), np.zeros(logits.shape[1], np.int64), []
    for wanted in np.quantile(sure, np.tile(np.linspace(0.95, 0.45, EACH), 2)[: len(right)]):
        rows = np.flatnonzero(left)
        rows = rows[used[labels[right[rows]]] == used[labels[right[rows]]].min()]
        best = rows[np.abs(sure[rows] - wanted).argmin()]
        left[best] = False
        used[labels[right[best]]] += 1
        chosen.append(int(right[best]))
    return np.array(chosen, np.int64)
