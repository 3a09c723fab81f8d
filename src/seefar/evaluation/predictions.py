"""A trained network's answers for image files that nobody labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seefar.data.folder import read_images
from seefar.display import Shown
from seefar.errors import DataError
from seefar.metrics import softmax
from seefar.models.device import choose_device, choose_precision
from seefar.models.predict import predict
from seefar.recipes import from_json
from seefar.runs.folder import Run
from seefar.training.network import load_network


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


def predict_files(run: Run, paths: list[Path], device: str = "auto") -> Predictions:
    """Classify files, prepared as the training images were. See `seefar.api.predict`."""
    where = choose_device(device)
    network = load_network(run, where)
    facts = run.read("data.json")
    files = read_images(paths, facts["size"], facts["origin"].get("background", "white"))
    readable = [decoded.pixels for _, decoded in files if not isinstance(decoded, DataError)]
    rows = iter(())
    if readable:
        logits = predict(network, np.stack(readable), choose_precision(from_json(run.recipe()).precision, where))
        rows = iter(softmax(logits))
    answers = Predictions(
        Prediction(name, None, None, {}, str(decoded))
        if isinstance(decoded, DataError)
        else _prediction(name, next(rows), facts["classes"])
        for name, decoded in files
    )
    answers.pixels = [None if isinstance(decoded, DataError) else decoded.pixels for _, decoded in files]
    return answers


def _prediction(image: str, probabilities: np.ndarray, classes: list[str]) -> Prediction:
    order = np.argsort(-probabilities, kind="stable")
    ranked = {classes[i]: round(float(probabilities[i]), 6) for i in order}
    return Prediction(image, classes[order[0]], round(float(probabilities[order[0]]), 6), ranked, None)
