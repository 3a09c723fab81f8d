"""Which images are unlike the training images: how near their features come to those of a class. No torch here."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seefar.model.answers import Answers

PASSED = 0.95  # of the validation images: the threshold of the literature ("FPR at 95 % TPR", Hendrycks and Gimpel 2017)
SCORE = "class_similarity"


@dataclass(frozen=True)
class Threshold:
    """From which score on an image counts as like the training images.

    Attributes:
        score: its name: "class_similarity", the largest cosine of the image's features and the mean features of a class, -1..1.
        threshold: an image whose score is below it is unlike the training images.
        passed: the share of the validation images whose score is at least the threshold, 0..1.
    """

    score: str
    threshold: float
    passed: float


@dataclass(frozen=True, eq=False)
class Familiar:
    """How to tell images that are unlike the training images.

    Of the scores that need no more than a few numbers a class it is the one that noticed most foreign images (docs/log.md): scores from
    logits alone call noise familiar. Source: the cosine to class means is the cosine form of Lee et al. 2018,
    https://arxiv.org/abs/1807.03888, without covariance.

    Attributes:
        means: the mean features of the training images of each class, of length 1, float32 `(classes, d)`.
        threshold: what the score is compared with.
    """

    means: np.ndarray = field(repr=False)
    threshold: Threshold

    def scores(self, answers: Answers) -> np.ndarray:
        """How familiar images look, -1..1; larger is more familiar: float64 `(n,)`."""
        return similarity(answers.features, self.means)

    def unlike(self, answers: Answers) -> np.ndarray:
        """Whether images are unlike the training images: bool `(n,)`."""
        result: np.ndarray = self.scores(answers) < self.threshold.threshold
        return result

    def as_json(self) -> dict[str, Any]:
        """Plain values; the means as float16 in base64, row after row, little endian."""
        content = self.means.astype("<f2").tobytes()
        values = {"score": self.threshold.score, "threshold": self.threshold.threshold, "passed": self.threshold.passed}
        return values | {"shape": list(self.means.shape), "means": base64.b64encode(content).decode()}


def familiar_from_json(found: Mapping[str, Any]) -> Familiar:
    """What `as_json` wrote. Raises ValueError, KeyError or TypeError if it is something else."""
    try:
        numbers = np.frombuffer(base64.b64decode(found["means"], validate=True), "<f2")
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    classes, length = found["shape"]
    means = numbers.reshape(classes, length).astype(np.float32)
    if found["score"] != SCORE or not np.isfinite(means).all():
        raise ValueError("the score is not known")
    return Familiar(means, Threshold(SCORE, float(found["threshold"]), float(found["passed"])))


def fit_familiar(training: Iterable[tuple[np.ndarray, np.ndarray]], validation: Iterable[np.ndarray], classes: int) -> Familiar:
    """The mean features of each class, and the threshold that 95 % of the validation images pass.

    Args:
        training: block by block, features of training images `(n, d)` and their labels, int64 `(n,)`. A class without images has a mean
            of zeros, which is near nothing.
        validation: block by block, features of the validation images `(m, d)`.
        classes: how many there are.
    """
    sums: Any = sum(
        np.stack([features[labels == label].sum(0, dtype=np.float64) for label in range(classes)])
        for features, labels in training
    )
    means = _unit(np.asarray(sums)).astype("<f2").astype(np.float32)  # as they are stored, so that a stored one answers alike
    scores = np.concatenate([similarity(features, means) for features in validation])
    threshold = float(np.quantile(scores, 1 - PASSED))
    return Familiar(means, Threshold(SCORE, threshold, float((scores >= threshold).mean())))


def similarity(features: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The largest cosine of each row of features `(n, d)` and a row of the means: float64 `(n,)`."""
    result: np.ndarray = (_unit(features) @ _unit(means).T).max(1)
    return result


def energy(logits: np.ndarray) -> np.ndarray:
    """The logarithm of the sum of the exponentials of each row: float64 `(n,)`; larger is more familiar.

    Source: Liu et al. 2020 (there with the other sign), https://arxiv.org/abs/2010.03759
    """
    wide = logits.astype(np.float64)
    largest = wide.max(1, keepdims=True, initial=-np.inf)
    result: np.ndarray = np.log(np.exp(wide - largest).sum(1)) + largest[:, 0]
    return result


def _unit(rows: np.ndarray) -> np.ndarray:
    """Each row in float64, divided by its length; rows of zeros stay so."""
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    result: np.ndarray = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return result
