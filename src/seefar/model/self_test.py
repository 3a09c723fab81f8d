"""The self-test of a file: image files within it, and the answers that they must get. No torch here.

Any client can run it: bring each image to the size as the file says, ask, compare. It notices a preparation that differs, a runtime that
computes wrongly, and weights that were changed.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seefar.data.decode import decode
from seefar.errors import DataError, ModelFileError

IMAGES = 16  # how many an export embeds
MOST_IMAGES = 64  # how many are run
TOLERANCE = 1e-3  # of a probability: what the certificate allows
TOLERANCE_INT8 = 0.1  # processors round sums of 8-bit products differently, and a step of one value may be a few percent


class Example(NamedTuple):
    """One image of the self-test.

    Attributes:
        file: an image file of any size and mode, PNG.
        logits: the answer, one number a class.
        probabilities: likewise, calibrated.
    """

    file: bytes
    logits: list[float]
    probabilities: list[float]


def as_json(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """What `from_json` reads."""
    return [one._asdict() | {"file": base64.b64encode(one.file).decode()} for one in examples]


def from_json(entries: Any, classes: int) -> list[Example]:
    """The examples of a file. Raises ModelFileError if they are none."""
    try:
        found = [
            Example(
                base64.b64decode(entry["file"], validate=True), list(entry["logits"]), list(map(float, entry["probabilities"]))
            )
            for entry in entries
        ]
        sizes = {len(row) for one in found for row in (one.logits, one.probabilities)}
    except (TypeError, KeyError, ValueError, binascii.Error):
        raise ModelFileError("its self-test cannot be read") from None
    if sizes != {classes} or not 1 <= len(found) <= MOST_IMAGES:
        raise ModelFileError(
            f"its self-test has {len(found)} images and answers for {sorted(sizes)} classes; expected {classes}"
        )
    return found


def prepared(examples: Sequence[Example], size: int, background: str) -> np.ndarray:
    """The images brought to the size: uint8 `(n, size, size, 3)`. Raises ModelFileError if one cannot be read."""
    try:
        return np.stack([decode(one.file, size, background).pixels for one in examples])
    except DataError as error:
        raise ModelFileError(f"an image of its self-test is {error}") from None


def differences(
    examples: Sequence[Example], logits: np.ndarray, probabilities: np.ndarray, tolerance: float
) -> Mapping[str, float]:
    """How far answers are from those that must come: the largest difference of a probability, and of a logit.

    Args:
        examples: with the answers that must come.
        logits: those that came, `(n, classes)`.
        probabilities: likewise.
        tolerance: of a probability; logits may differ by as much of the largest of them.

    Raises:
        ModelFileError: they are farther away than the tolerance, or not finite.
    """
    wanted_logits = np.array([one.logits for one in examples], np.float64)
    wanted = np.array([one.probabilities for one in examples], np.float64)
    apart, apart_logits = float(np.abs(probabilities - wanted).max()), float(np.abs(logits - wanted_logits).max())
    if not (apart <= tolerance and apart_logits <= tolerance * max(1.0, float(np.abs(wanted_logits).max()))):
        raise ModelFileError(
            f"it fails its self-test: a probability differs by {apart:.2g} and a logit by {apart_logits:.2g} from the answers stored "
            f"in it, and {tolerance:g} is allowed"
        )
    return {"probabilities": apart, "logits": apart_logits}
