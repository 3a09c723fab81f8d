"""What people read: a model's answers for images, image by image. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seefar.display import Shown
from seefar.model.answers import Answers
from seefar.model.familiar import Familiar


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    Attributes:
        image: the file, or "image 3" for the fourth image that has no name.
        label: the most probable class; None if the file could not be read, or the model abstained.
        probability: of the most probable class, calibrated, 0..1; it says nothing about images unlike the training images.
        probabilities: of every class, most probable first; where fewer were asked for, of these.
        unlike: whether the image is unlike the training images (`Model.familiar`); None where that is not known.
        error: why the file could not be read; None if it could.
        abstained: whether no class is named since the probability is too low.
        original_size: "WIDTHxHEIGHT" in pixels before the image was cropped and resized; None where that is not known.
    """

    image: str
    label: str | None
    probability: float | None
    probabilities: dict[str, float]
    unlike: bool | None = None
    error: str | None = None
    abstained: bool = False
    original_size: str | None = None


class Predictions(Shown, list[Prediction]):
    """The answers for some images, in their order: a list that notebooks show as a table.

    Attributes:
        pixels: of each image what the network saw of it, uint8 `(h, w, 3)`; None if it could not be read.
    """

    pixels: Sequence[np.ndarray | None] = ()


def as_predictions(
    names: Sequence[str], answers: Answers, classes: Sequence[str], familiar: Familiar | None, top: int | None = None
) -> list[Prediction]:
    """One Prediction for each row of `answers`, called by `names`; each lists its `top` most probable classes, by default all."""
    unlike = familiar.unlike(answers).tolist() if familiar else [None] * len(names)
    order = np.argsort(-answers.probabilities, axis=1, kind="stable")[:, :top]
    chances = np.take_along_axis(answers.probabilities, order, axis=1).astype(np.float64).round(6)
    return [
        Prediction(name, classes[places[0]], row[0], {classes[i]: chance for i, chance in zip(places, row, strict=True)}, odd)
        for name, places, row, odd in zip(names, order.tolist(), chances.tolist(), unlike, strict=True)
    ]


def unreadable(name: str, reason: str) -> Prediction:
    """What takes the place of an answer where a file could not be read."""
    return Prediction(name, None, None, {}, None, reason)
