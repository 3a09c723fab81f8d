"""Whether a network is as often right as it says: calibration error, temperature, and how much it can be trusted to answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from seefar.metrics import Share, log_loss, softmax, wilson
from seefar.model.answers import SURE

BINS = 15  # Guo et al. 2017


@dataclass(frozen=True)
class Bin:
    """Images of which the network was about equally sure.

    Attributes:
        low: the smallest confidence that falls into it, 0..1.
        high: the largest.
        images: how many.
        confidence: their mean confidence.
        accuracy: the share of them that were right; 0 if there are none.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy.

    Attributes:
        error: expected calibration error over bins of equal width: mean distance of confidence and accuracy, 0..1.
        error_even: the same over bins that hold equally many images.
        loss: mean cross-entropy in nats.
        bins: those of equal width, from the least confident to the most confident.
    """

    error: float
    error_even: float
    loss: float
    bins: list[Bin]


@dataclass(frozen=True)
class Calibration:
    """How far the stated probabilities can be believed, before and after one number is fitted.

    Attributes:
        temperature: logits divided by it give the calibrated probabilities; above 1 the network was too sure of itself.
        images: how many validation images it was fitted on.
        before: as the network states them.
        after: with the temperature.
    """

    temperature: float
    images: int
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class Selective:
    """What the network would reach if it were allowed to say "I do not know" where it is least sure.

    Attributes:
        coverages: shares of the images that it answers, from 0.01 to 1.
        accuracies: the accuracy on those, 0..1.
        threshold: the calibrated confidence from which on it was right 99 % of the time on validation; None if nowhere.
        coverage: the share of these images with at least that confidence.
        accuracy: the accuracy on them, with its interval: whether the promise of validation holds.
    """

    coverages: list[float]
    accuracies: list[float]
    threshold: float | None
    coverage: float
    accuracy: Share


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """The number by which logits are divided so that their cross-entropy is smallest; to be fitted on validation images.

    Source: Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599

    Args:
        labels: int64 `(n,)`.
        logits: `(n, classes)`.

    Returns:
        0.05 to 20. At a bound all images were right, or the network cannot tell the classes apart.
    """
    from scipy.optimize import minimize_scalar

    found: Any = minimize_scalar(lambda x: log_loss(labels, logits / np.exp(x)), bounds=np.log([0.05, 20]), method="bounded")
    return float(np.exp(found.x))


def calibration(labels: np.ndarray, logits: np.ndarray, temperature: float, fitted_on: int) -> Calibration:
    """Reliability before and after a temperature that was fitted on so many other images."""
    return Calibration(temperature, fitted_on, reliability(labels, logits), reliability(labels, logits / temperature))


def reliability(labels: np.ndarray, logits: np.ndarray) -> Reliability:
    """See `Reliability`. Sources: Guo et al. 2017 (equal width); Nixon et al. 2019, https://arxiv.org/abs/1904.01685 (equally many)."""
    probabilities = softmax(logits)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    wide = _bins(confidence, right, np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1))
    even = _bins(confidence, right, np.argsort(np.argsort(confidence, kind="stable")) * BINS // max(len(labels), 1))
    return Reliability(
        error=_error(*wide),
        error_even=_error(*even),
        loss=log_loss(labels, logits),
        bins=[
            Bin(float(edges[i]), float(edges[i + 1]), int(count), float(sure), float(hits))
            for i, (count, sure, hits) in enumerate(zip(*wide, strict=True))
        ],
    )


def _bins(confidence: np.ndarray, right: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each bin the number of images, their mean confidence and their accuracy."""
    counts = np.bincount(where, minlength=BINS)
    per = np.maximum(counts, 1)
    return counts, np.bincount(where, confidence, BINS) / per, np.bincount(where, right, BINS) / per


def _error(counts: np.ndarray, confidence: np.ndarray, accuracy: np.ndarray) -> float:
    return float((counts * np.abs(confidence - accuracy)).sum() / counts.sum())


def selective(labels: np.ndarray, logits: np.ndarray, threshold: float | None, temperature: float) -> Selective:
    """Accuracy against coverage. Source: El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html

    Args:
        labels: int64 `(n,)`.
        logits: `(n, classes)`.
        threshold: of the calibrated confidence, as `sure_from` found it on validation.
        temperature: that calibrates.
    """
    right, confidence = _surest_first(labels, logits / temperature)
    coverages = np.arange(1, 101) / 100
    answered = np.ceil(coverages * len(labels)).astype(int)
    accepted = 0 if threshold is None else int((confidence >= threshold).sum())
    return Selective(
        coverages=coverages.tolist(),
        accuracies=(np.cumsum(right)[answered - 1] / answered).tolist(),
        threshold=threshold,
        coverage=accepted / len(labels),
        accuracy=wilson(int(right[:accepted].sum()), accepted),
    )


def sure_from(labels: np.ndarray, logits: np.ndarray, temperature: float) -> float | None:
    """The lowest calibrated confidence from which on 99 % of the answers are right; None if there is none."""
    right, confidence = _surest_first(labels, logits / temperature)
    good = np.flatnonzero(np.cumsum(right) / np.arange(1, len(right) + 1) >= SURE)
    return float(confidence[good[-1]]) if len(good) else None


def _surest_first(labels: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probabilities = softmax(logits)
    order = np.argsort(-probabilities.max(1), kind="stable")
    return (probabilities.argmax(1) == labels)[order], probabilities.max(1)[order]
