"""The certificate of an export: the same images through the trained network and through the file, and how far their answers agree."""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seefar.cores import cores
from seefar.errors import ModelFileError
from seefar.model.answers import Answers
from seefar.model.self_test import TOLERANCE

SECONDS = 0.7  # that one speed is measured for (chosen by hand)
TIMED = 512  # images that speed is measured on, at most


@dataclass(frozen=True)
class Agreement:
    """How far two ways of computing the same network agree.

    Attributes:
        images: how many were compared.
        same: of them, the share whose most probable class is the same, 0..1.
        ties: images whose most probable class differs although, or because, the two largest probabilities are within 1e-3.
        differing: images whose most probable class differs and is no tie.
        probability: the largest difference of a probability.
        logit: the largest difference of a logit.
        feature: the largest difference of a feature, divided by the largest feature.
        map: likewise of the maps; None where they were not compared.
    """

    images: int
    same: float
    ties: int
    differing: int
    probability: float
    logit: float
    feature: float
    map: float | None

    @property
    def holds(self) -> bool:
        """Whether no probability differs by more than 1e-3, and no most probable class but in ties."""
        return self.differing == 0 and self.probability <= TOLERANCE


@dataclass(frozen=True)
class Speed:
    """How fast one way of computing is on this machine.

    Attributes:
        engine: what computes: "torch, float32 on cpu".
        threads: how many.
        images_per_second: decoded images in, answers out.
    """

    engine: str
    threads: int
    images_per_second: float


@dataclass(frozen=True)
class Certificate:
    """That an exported file says what the trained network says; `export.json` and the metadata of the file hold exactly this.

    Attributes:
        reference: what the file was compared with: "torch, float32 on cpu".
        split: the images: "validation".
        digest: of those images, `ImageSet.digest`.
        agreement: on all of them.
        batches: the agreement again on some of them in batches of 1, 7 and 512 images, by that number.
        own_precision: of the file with the network in the number format that the run was evaluated in, where that is not float32: it
            shows what rounding to that format costs; None otherwise.
        speeds: of torch and of the file, with one and with all threads. Measured within seconds: other programs on the machine show.
        versions: of the libraries that took part.
        processor: where it was made.
    """

    reference: str
    split: str
    digest: str
    agreement: Agreement
    batches: dict[str, Agreement]
    own_precision: Agreement | None
    speeds: list[Speed]
    versions: dict[str, str]
    processor: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def agreement(trained: Answers, exported: Answers) -> Agreement:
    """Compare the answers of a trained network with those of what it was exported to, for the same images."""
    ours, theirs = trained.probabilities.astype(np.float64), exported.probabilities.astype(np.float64)
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        raise ModelFileError(f"the export answers with {theirs.shape}, or not with finite numbers; expected {ours.shape}")
    two = np.sort(ours, axis=1)[:, -2:]
    different = ours.argmax(1) != theirs.argmax(1)
    tied = different & (two[:, 1] - two[:, 0] <= TOLERANCE)
    images = len(ours)
    return Agreement(
        images=images,
        same=float(1 - different.mean()) if images else 1.0,
        ties=int(tied.sum()),
        differing=int(different.sum() - tied.sum()),
        probability=_apart(ours, theirs),
        logit=_apart(trained.logits, exported.logits),
        feature=_relative(trained.features, exported.features),
        map=None if trained.maps is None or exported.maps is None else _relative(trained.maps, exported.maps),
    )


def insist(found: Agreement, what: str) -> None:
    """Raise ModelFileError (exit code 4) unless the agreement holds. `what` is compared: "ONNX file"."""
    if not found.holds:
        raise ModelFileError(
            f"the {what} does not say what the trained network says: of {found.images:,} images {found.differing:,} have another "
            f"class, and a probability differs by {found.probability:.2g} where {TOLERANCE:g} is allowed; nothing was written, please "
            "report this"
        )


def images_per_second(answer: Callable[[np.ndarray], object], pixels: np.ndarray) -> float:
    """How many of the images `answer` answers in a second, called again and again for about a second, the first time not counted."""
    some = pixels[:TIMED]
    answer(some)
    done, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < SECONDS:
        answer(some)
        done += len(some)
    return done / taken


def threads_to_measure() -> list[int]:
    """One, and all that this process may use."""
    return sorted({1, cores()})


def versions(*libraries: str) -> dict[str, str]:
    """The installed versions of libraries, and of Python."""
    from importlib.metadata import version

    return {"python": platform.python_version()} | {name: version(name) for name in libraries}


def rounded(found: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate as JSON has it, with its numbers as short as people read them."""

    def short(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: short(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [short(one) for one in value]
        return float(f"{value:.6g}") if isinstance(value, float) else value

    result: dict[str, Any] = short(found)
    return result


def _apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours.astype(np.float64) - theirs).max(initial=0))


def _relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    largest = float(np.abs(ours).max(initial=0))
    return _apart(ours, theirs) / largest if largest else _apart(ours, theirs)
