"""A trained network as a value, however it computes: what prediction, evaluation, explanations, export and serving take.

It comes from `load_model` (model/load.py) and computes with torch from a run, or with ONNX Runtime from a file. torch is not imported
here, so that a file needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from seefar.data.decode import Decoded
from seefar.errors import UsageError
from seefar.model.answers import Answers, calibrated
from seefar.model.familiar import Familiar
from seefar.model.inputs import Given, bring, check_pixels
from seefar.model.predictions import Predictions, as_predictions, unreadable
from seefar.recipes import Recipe

if TYPE_CHECKING:
    from seefar.networks.layers import Network


class Engine(Protocol):
    """What computes: model/torch_engine.py and model/onnx_engine.py."""

    name: str
    """What computes and how, for people: "torch, bfloat16 on cpu"."""

    def logits(self, pixels: np.ndarray, tta: str) -> np.ndarray:
        """Logits alone, float32 `(n, classes)`: features of many images would take more memory than the images."""
        ...

    def compute(self, pixels: np.ndarray, maps: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Logits, features, maps if asked for, and calibrated probabilities if they are part of what is computed.

        As in `Answers`, for uint8 `(n, size, size, 3)`; n may be 0.
        """
        ...


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with everything that using it takes.

    Attributes:
        engine: what computes.
        classes: their names; the index is the label.
        size: height and width in pixels that images are brought to: centre crop to a square, then resized (data/decode.py).
        background: the colour behind transparent images.
        temperature: logits divided by it give calibrated probabilities; None as long as nobody has evaluated the run on validation.
        familiar: what tells images unlike the training images; None likewise.
        sure: the calibrated confidence from which on 99 % of the answers were right on validation; None likewise, or if there is none.
        origin: where it came from, as JSON has it: `recipe` (its name), `seed`, `data` (name and digest of the training images),
            `validation` (images, and accuracy with its interval; None without evaluation), `seefar` (the version that trained it).
            A file that seefar did not write has `foreign`: True and nothing else.
        settled: the recipe that it was trained by; None for a file that seefar did not write.
        trained: the network itself, in evaluation mode, on its device; None for a file.
    """

    engine: Engine = field(repr=False)
    classes: tuple[str, ...]
    size: int
    background: str
    temperature: float | None
    familiar: Familiar | None
    sure: float | None
    origin: dict[str, Any]
    settled: Recipe | None = field(default=None, repr=False)
    trained: "Network | None" = field(default=None, repr=False)

    @property
    def network(self) -> "Network":
        """The network as a torch module that takes raw pixels `(n, 3, h, w)`. Raises UsageError for a file, which has none."""
        if self.trained is None:
            raise UsageError("a model from a file has no torch network; load the run that it was exported from")
        return self.trained

    @property
    def recipe(self) -> Recipe:
        """How it was trained. Raises UsageError for a file that seefar did not write."""
        if self.settled is None:
            raise UsageError("this file was not written by seefar, so that its recipe is not known; load a run, or export one")
        return self.settled

    def answers(self, pixels: np.ndarray, maps: bool = False) -> Answers:
        """Everything in one call.

        Args:
            pixels: uint8 `(n, size, size, 3)`.
            maps: compute class-activation maps, too.

        Raises:
            DataError: the array is something else; the sentence says what.
        """
        logits, features, found, stated = self.engine.compute(check_pixels(pixels, self.size), maps)
        probabilities = calibrated(logits, self.temperature) if stated is None else stated
        return Answers(logits, features, probabilities, found)

    def logits(self, pixels: np.ndarray, tta: str = "none") -> np.ndarray:
        """Logits float32 `(n, classes)` for images uint8 `(n, size, size, 3)`, with test-time augmentation by a key of `tta.VIEWS`."""
        return self.engine.logits(check_pixels(pixels, self.size), tta)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """What the last layer computes the logits from: float32 `(n, d)` for images uint8 `(n, size, size, 3)`."""
        return self.answers(pixels).features

    def predict_proba(self, pixels: np.ndarray) -> np.ndarray:
        """Calibrated probabilities float32 `(n, classes)` for images uint8 `(n, size, size, 3)`."""
        return self.answers(pixels).probabilities

    def predict(self, images: Given | Sequence[Given], top: int | None = None, sure: float = 0.0) -> Predictions:
        """Classify images of any size, prepared exactly as the training images were.

        Args:
            images: one or many: files, folders (all images below them), PIL images, arrays uint8 `(h, w, 3)` or `(n, h, w, 3)`.
            top: how many classes an answer lists; by default all.
            sure: the calibrated confidence below which no class is named.

        Returns:
            One Prediction an image; a file that cannot be read has `error` set and stops nothing.

        Raises:
            DataError: a path does not exist, or an array is something else; the sentence says what.
        """
        brought = bring(images, self.size, self.background)
        names = [name for name, picture in brought if isinstance(picture, Decoded)]
        readable = [picture for _, picture in brought if isinstance(picture, Decoded)]
        empty = np.zeros((0, self.size, self.size, 3), np.uint8)
        answers = self.answers(np.stack([picture.pixels for picture in readable]) if readable else empty)
        sizes = [picture.original_size for picture in readable]
        rows = iter(as_predictions(names, sizes, answers, self.classes, self.familiar, top, sure))
        found = Predictions(
            next(rows) if isinstance(picture, Decoded) else unreadable(name, str(picture)) for name, picture in brought
        )
        found.pixels = [picture.pixels if isinstance(picture, Decoded) else None for _, picture in brought]
        return found
