"""What a trained network says about images, as arrays. No torch here."""

from dataclasses import dataclass

import numpy as np

SURE = 0.99  # the share of right answers for which evaluation stores the confidence, `Model.sure` (chosen by hand)


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for `n` images, a row an image in every array.

    Attributes:
        logits: what the last layer gives, float32 `(n, classes)`.
        features: what the last layer computes them from, float32 `(n, d)`.
        probabilities: calibrated: softmax of the logits divided by the temperature, float32 `(n, classes)`. Not calibrated where
            the model has no temperature.
        maps: class-activation maps of the last stage, float32 `(n, classes, h, w)`, as `networks/class_maps.py` defines them; None
            unless they were asked for.
    """

    logits: np.ndarray
    features: np.ndarray
    probabilities: np.ndarray
    maps: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.logits)


def calibrated(logits: np.ndarray, temperature: float | None) -> np.ndarray:
    """Softmax of `logits / temperature` of each row: `(n, classes)` to float32 `(n, classes)`; the temperature None counts as 1."""
    scaled = logits.astype(np.float64) / (temperature or 1.0)
    powers = np.exp(scaled - scaled.max(1, keepdims=True, initial=-np.inf))
    result: np.ndarray = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return result
