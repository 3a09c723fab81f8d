"""What tells images unlike the training images, fitted to a trained network: mean features of each class, and a threshold."""

from collections.abc import Iterator

import numpy as np

from seefar.data.images import ImageSet
from seefar.model.familiar import Familiar, fit_familiar
from seefar.model.model import Model
from seefar.seeds import derive

KNOWN = 2000  # training images whose features stand for all, as many of each class (chosen by hand; a second or two)
BLOCK = 500  # of them at a time


def familiar_to(model: Model, training: ImageSet, validation: ImageSet) -> tuple[Familiar, np.ndarray]:
    """Fit means to as many training images of each class, and the threshold to validation; in blocks, since features may be large.

    Returns:
        That, and the logits for the validation images, which come with their features.
    """
    logits = []

    def features() -> Iterator[np.ndarray]:
        for start in range(0, len(validation), BLOCK):
            answers = model.answers(validation.pixels[start : start + BLOCK])
            logits.append(answers.logits)
            yield answers.features

    order = np.random.default_rng(derive(0, "familiar")).permutation(len(training))
    each = -(-KNOWN // len(training.classes))
    chosen = np.sort(np.concatenate([order[training.labels[order] == label][:each] for label in range(len(training.classes))]))
    blocks = [chosen[start : start + BLOCK] for start in range(0, len(chosen), BLOCK)]
    found = fit_familiar(
        ((model.features(training.pixels[block]), training.labels[block]) for block in blocks),
        features(),
        len(training.classes),
    )
    return found, np.concatenate(logits)
