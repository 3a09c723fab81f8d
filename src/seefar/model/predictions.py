"""What people read: a model's answers for images, image by image. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seefar.display import Shown
from seefar.model.answers import Answers
from seefar.model.familiar import Familiar

DIGITS = 6  # of a probability (chosen by hand)


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
    names: Sequence[str],
    sizes: Sequence[str],
    answers: Answers,
    classes: Sequence[str],
    familiar: Familiar | None,
    top: int | None = None,
    sure: float = 0.0,
) -> list[Prediction]:
    """One Prediction for each row of `answers`.

    Args:
        names: what the images are called.
        sizes: "WIDTHxHEIGHT" of each before it was cropped and resized.
        answers: of the model.
        classes: their names.
        familiar: what tells unlike images.
        top: how many classes an answer lists; by default all.
        sure: the confidence below which no class is named.
    """
    unlike = familiar.unlike(answers).tolist() if familiar else [None] * len(names)
    order, chances = ranked(answers.probabilities)
    return [
        Prediction(
            image=name,
            label=None if row[0] < sure else classes[places[0]],
            probability=row[0],
            probabilities={classes[i]: chance for i, chance in zip(places[:top], row[:top], strict=True)},
            unlike=odd,
            abstained=row[0] < sure,
            original_size=size,
        )
        for name, size, places, row, odd in zip(names, sizes, order, chances, unlike, strict=True)
    ]


def ranked(probabilities: np.ndarray) -> tuple[list[list[int]], list[list[float]]]:
    """Of each row of `(n, classes)` the classes, most probable first, and their probabilities with the digits that people read."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    sorted_ = np.take_along_axis(probabilities, order, axis=1).astype(np.float64).round(DIGITS)
    return order.tolist(), sorted_.tolist()


def unreadable(name: str, reason: str) -> Prediction:
    """What takes the place of an answer where a file could not be read."""
    return Prediction(name, None, None, {}, None, reason)
