"""A trained network's answers for image files that nobody labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seefar.data.folder import read_images
from seefar.display import Shown
from seefar.errors import DataError
from seefar.model.model import Model, load_model
from seefar.runs.folder import Run


@dataclass(frozen=True)
class Prediction:
    """The answer for one file.

    Attributes:
        image: the file.
        label: the most probable class; None if the file could not be read.
        probability: of that class, 0..1, as the network states it: not calibrated, and meaningless for images unlike the training images.
        probabilities: of every class, most probable first.
        error: why the file could not be read; None if it could.
    """

    image: str
    label: str | None
    probability: float | None
    probabilities: dict[str, float]
    error: str | None


class Predictions(Shown, list[Prediction]):
    """The answers for some files, in their order: a list that notebooks show as a table.

    Attributes:
        pixels: of each file what the network saw of it, uint8 `(h, w, 3)`; None if it could not be read.
    """

    pixels: Sequence[np.ndarray | None] = ()


def predict(model: str | Path | Run | Model, images: Sequence[str | Path], *, device: str = "auto") -> Predictions:
    """Classify image files, prepared exactly as the training images were.

    Args:
        model: a trained run, its folder, or a Model.
        images: files and folders; a folder stands for all images below it.
        device: "auto", "cpu", "cuda" or "mps"; a Model stays where it is.

    Returns:
        One Prediction a file; a file that cannot be read has `error` set and stops nothing.
    """
    used = model if isinstance(model, Model) else load_model(model, device)
    files = read_images([Path(image) for image in images], used.size, used.background)
    readable = [decoded.pixels for _, decoded in files if not isinstance(decoded, DataError)]
    rows = iter(used.probabilities(np.stack(readable)) if readable else ())
    answers = Predictions(
        Prediction(name, None, None, {}, str(decoded))
        if isinstance(decoded, DataError)
        else _prediction(name, next(rows), used.classes)
        for name, decoded in files
    )
    answers.pixels = [None if isinstance(decoded, DataError) else decoded.pixels for _, decoded in files]
    return answers


def _prediction(image: str, probabilities: np.ndarray, classes: Sequence[str]) -> Prediction:
    order = np.argsort(-probabilities, kind="stable")
    ranked = {classes[i]: round(float(probabilities[i]), 6) for i in order}
    return Prediction(image, classes[order[0]], round(float(probabilities[order[0]]), 6), ranked, None)
