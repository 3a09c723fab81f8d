"""Which images are unlike the training images: a score, and the threshold that validation gave it. No torch here."""

from dataclasses import dataclass

import numpy as np

PASSED = 0.95  # of the validation images: the threshold of the literature ("FPR at 95 % TPR", Hendrycks and Gimpel 2017)


@dataclass(frozen=True)
class Familiar:
    """How to tell images that are unlike the training images.

    Attributes:
        score: its name: "energy", the logarithm of the sum of the exponentials of the logits; larger is more familiar.
        threshold: an image whose score is below it counts as unlike the training images.
        passed: the share of the validation images whose score is at least the threshold, 0..1.
    """

    score: str
    threshold: float
    passed: float

    def as_json(self) -> dict[str, str | float]:
        """Plain values, which make the same again."""
        return {"score": self.score, "threshold": self.threshold, "passed": self.passed}

    def unlike(self, logits: np.ndarray) -> np.ndarray:
        """Whether images are unlike the training images: bool `(n,)` from their logits `(n, classes)`."""
        result: np.ndarray = energy(logits) < self.threshold
        return result


def energy(logits: np.ndarray) -> np.ndarray:
    """The logarithm of the sum of the exponentials of each row: float64 `(n,)`; larger is more familiar.

    Source: Liu et al. 2020 (there with the other sign), https://arxiv.org/abs/2010.03759
    """
    wide = logits.astype(np.float64)
    largest = wide.max(1, keepdims=True, initial=-np.inf)
    result: np.ndarray = np.log(np.exp(wide - largest).sum(1)) + largest[:, 0]
    return result


def fit_familiar(logits: np.ndarray) -> Familiar:
    """The threshold that 95 % of the validation images pass, from their logits `(n, classes)`."""
    scores = energy(logits)
    threshold = float(np.quantile(scores, 1 - PASSED))
    return Familiar("energy", threshold, float((scores >= threshold).mean()))
