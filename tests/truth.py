"""What is true of a run on a planted set: counted from pixels, labels and stored answers, without what seefar says of them."""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from tests.journeys import Journey

import seefar as sf
from seefar.data.images import ImageSet


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network said of the images of a split that count, one of each: `n` of `all` images.

    Attributes:
        all: images of the split, as it came.
        raw: share of all that were right.
        labels: int64 `(n,)`.
        answers: likewise what it named.
        sure: the probability of that, `(n,)`.
    """

    all: int
    raw: float
    labels: np.ndarray
    answers: np.ndarray
    sure: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def right(self) -> np.ndarray:
        """Whether each was right."""
        result: np.ndarray = self.labels == self.answers
        return result

    @property
    def accuracy(self) -> float:
        """The share that was right."""
        return float(self.right.mean())

    def recall(self, label: int) -> float:
        """Of a class the share that was found."""
        return float(self.right[self.labels == label].mean())

    def taken(self, one: int, other: int) -> int:
        """How many images of a class were called the other."""
        return int(((self.labels == one) & (self.answers == other)).sum())


class Truth:
    """Of one journey."""

    def __init__(self, journey: Journey) -> None:
        self.journey, self.planted, self.data = journey, journey.planted, journey.planted.data
        self.classes = self.data.classes
        self.report: dict[str, Any] = journey.read("report.json")
        self.recipe: dict[str, Any] = journey.read("recipe.json")
        with (journey.path / "history.csv").open(newline="") as file:
            self.history: list[dict[str, str]] = list(csv.DictReader(file))

    @cached_property
    def inside(self) -> dict[str, Any]:
        """The numbers of the look inside."""
        return self.journey.read("inside-validation.json")

    @cached_property
    def held_out(self) -> ImageSet:
        """The validation images."""
        return self.data.train.select(self.journey.read("splits.json")["validation"])

    @cached_property
    def learned(self) -> ImageSet:
        """The training images without those for validation."""
        out = set(self.held_out.ids)
        return self.data.train.select([id_ for id_ in self.data.train.ids if id_ not in out])

    @cached_property
    def test(self) -> Answers:
        """On the test images."""
        counts = dict(zip(self.data.test.ids, self.planted.clean.tolist(), strict=True))
        return self._answers("test", counts)

    @cached_property
    def validation(self) -> Answers:
        """On the validation images: one of each that is not among those learned."""
        seen = {image.tobytes() for image in self.learned.pixels} | {image[:, ::-1].tobytes() for image in self.learned.pixels}
        counts = {}
        for image, id_ in zip(self.held_out.pixels, self.held_out.ids, strict=True):
            counts[id_] = image.tobytes() not in seen
            seen.add(image.tobytes())
        return self._answers("validation", counts)

    def split(self, name: str) -> Answers:
        """By the name of the split."""
        return {"test": self.test, "validation": self.validation}[name]

    def _answers(self, split: str, counts: dict[str, bool]) -> Answers:
        stored = sf.Run(self.journey.path).arrays(f"predictions-{split}.npz")
        logits = stored["logits"].astype(np.float64)
        exponents = np.exp(logits - logits.max(1, keepdims=True))
        sure = (exponents / exponents.sum(1, keepdims=True)).max(1)
        chosen = np.array([counts[str(id_)] for id_ in stored["ids"]], bool)
        labels, answers = stored["labels"], logits.argmax(1)
        raw = float((labels == answers).mean())
        return Answers(len(labels), raw, labels[chosen], answers[chosen], sure[chosen])


def is_share(said: str, value: float) -> bool:
    """Whether a percentage, as a sentence has it, is that share, and says neither none nor all where it is some."""
    number = re.sub(r"[\s%]", "", said)
    decimals = len(number.partition(".")[2])
    rounded = float(number) in (0, 100) and 0 < value < 1
    return not rounded and abs(float(number) - 100 * value) <= 0.5 * 10**-decimals + 1e-6
