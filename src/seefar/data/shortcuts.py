"""Whether classes can be told apart without looking at what the images show: by their files, their borders, or a colour cast."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seefar.data.images import ImageSet
from seefar.seeds import derive

SAMPLE = 4000  # training images that are looked at (chosen by hand: a second)
LEAST = 10  # images of a class in the sample below which the class is left aside (chosen by hand)
BORDER = 16  # the border is this part of the image's side wide, a pixel at least (chosen by hand)

FileFacts = Mapping[str, Sequence[Any]]
"""By id: format ("PNG"), Pillow's mode ("RGB"), width, height, and bytes of the file."""


@dataclass(frozen=True)
class Shortcut:
    """How well a logistic regression tells the classes apart that sees nothing of the images but this.

    Attributes:
        by: "files" (format, mode, size and bytes of the files), "border" (the outermost pixels) or "colour" (the mean colour).
        accuracy: balanced accuracy on training images that it was not fitted to, 0..1.
        chance: what guessing would reach: one over the number of classes.
    """

    by: str
    accuracy: float
    chance: float


def sample(images: int) -> np.ndarray:
    """Positions of those of so many images that are looked at, int64, ascending: at most 4000, chosen by a fixed seed."""
    chosen = np.random.default_rng(derive(0, "shortcuts")).permutation(images)[:SAMPLE]
    return np.sort(chosen)


def shortcuts(train: ImageSet, files: FileFacts) -> list[Shortcut]:
    """Fit a logistic regression to half of a sample of the training images, and try it on the other half; strongest first.

    Args:
        train: the training images.
        files: facts of the files that some of the images came from; they are tried on these.
    """
    images = _enough(train[sample(len(train))])
    seen = {"border": (_borders(images.pixels), images.labels), "colour": (images.pixels.mean((1, 2)), images.labels)}
    known = _enough(train[[i for i, id_ in enumerate(train.ids) if id_ in files]]) if files else images[:0]
    seen["files"] = _file_features([files[id_] for id_ in known.ids]), known.labels
    found = [
        Shortcut(by, _accuracy(features, labels), 1 / classes)
        for by, (features, labels) in seen.items()
        if (classes := len(np.unique(labels))) > 1
    ]
    return sorted(found, key=lambda one: -one.accuracy)


def _enough(images: ImageSet) -> ImageSet:
    """The images of those classes that have ten or more."""
    return images[images.counts()[images.labels] >= LEAST]


def _accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Balanced accuracy on every second image of a class, of a logistic regression fitted to the others."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    rank = np.empty(len(labels), np.int64)  # of an image within its class
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    fitted = rank % 2 == 0
    mean, deviation = features[fitted].mean(0), features[fitted].std(0)
    rows = (features - mean) / np.where(deviation > 0, deviation, 1)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # a regression that is not quite fitted only tells them apart less well
        model = LogisticRegression(class_weight="balanced", max_iter=100).fit(rows[fitted], labels[fitted])
    return float(balanced_accuracy_score(labels[~fitted], model.predict(rows[~fitted])))


def _borders(pixels: np.ndarray) -> np.ndarray:
    """Mean and deviation of each channel along each of the four sides: float64 `(n, 24)`."""
    wide = max(1, pixels.shape[1] // BORDER)
    sides = (pixels[:, :wide], pixels[:, -wide:], pixels[:, :, :wide], pixels[:, :, -wide:])
    return np.concatenate([part for side in sides for part in (side.mean((1, 2)), side.std((1, 2)))], axis=1)


def _file_features(facts: Sequence[Sequence[Any]]) -> np.ndarray:
    """Numbers of each file: a column for each format and mode, logarithms of width, height and bytes; float64 `(n, d)`."""
    columns = []
    for place in (0, 1):
        names = [row[place] for row in facts]
        columns += [[float(name == one) for name in names] for one in sorted(set(names))]
    columns += [[math.log(max(row[place], 1)) for row in facts] for place in (2, 3, 4)]
    return np.array(columns).T
