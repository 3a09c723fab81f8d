"""Whether the network notices images that are nothing like those it learned from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from seefar.data.images import Dataset
from seefar.data.load import load, load_again
from seefar.data.near_duplicates import unit
from seefar.display import Shown
from seefar.files import lock
from seefar.metrics import softmax
from seefar.model.answers import Answers
from seefar.model.familiar import energy
from seefar.model.load import load_model
from seefar.model.run_images import check_split, open_split, open_training
from seefar.runs.folder import Run, open_run
from seefar.seeds import derive
from seefar.torchrun import only_alone

NOISE = 2000  # images of noise (chosen by hand: as many as the built-in shapes have for testing)
KNOWN = 10_000  # training images whose features stand for all; more take longer and change little (chosen by hand)
NEIGHBOUR = 10  # which nearest of them counts: about as large a share as in Sun et al. 2022
SCORES = ("max_probability", "energy", "feature_distance")


@dataclass(frozen=True)
class Foreign:
    """How well one set of out-of-distribution images is separated from the run's own.

    Attributes:
        name: of the other set.
        images: how many it has.
        auroc: by score, the chance that an out-of-distribution image scores as less familiar than one of the run's own; 0.5 is guessing.
        missed: by score, the fraction of these images that pass a threshold which 95 % of the run's own pass.
    """

    name: str
    images: int
    auroc: dict[str, float]
    missed: dict[str, float]


@dataclass(frozen=True)
class OutOfDistribution(Shown):
    """`out-of-distribution-<split>.json` is exactly this.

    Attributes:
        split: the run's own images: "validation" or "test".
        images: how many.
        foreign: one row for each other set.
    """

    split: str
    images: int
    foreign: list[Foreign]


def out_of_distribution(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    others: Sequence[str | Path] = ("noise", "shapes"),
    data: Dataset | None = None,
    device: str = "auto",
) -> OutOfDistribution:
    """How well the network tells out-of-distribution images from its own: AUROC of three scores.

    The result goes into `out-of-distribution-<split>.json`. Sources: Hendrycks and Gimpel 2017 (largest probability),
    https://arxiv.org/abs/1610.02136; Liu et al. 2020 (energy), https://arxiv.org/abs/2010.03759; Sun et al. 2022 (distance to the
    nearest features), https://arxiv.org/abs/2204.06507

    Args:
        run: a trained run or its folder.
        split: its own images, "validation" or "test"; the latter is a look at the test images.
        others: "noise", or what `load` takes: "shapes", "cifar100", a folder, a zip. All images of them count.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is unfinished, damaged, or was trained on other data.
    """
    from sklearn.metrics import roc_auc_score

    only_alone("out_of_distribution")
    check_split(split)
    run = open_run(run)
    data = load_again(run.read("data.json"), data)
    sets = {Path(other).name: _pixels_of(other, data.train.size) for other in others}
    with lock(run.path / ".lock"):
        model, known = load_model(run, device), open_training(run, data)
        images = open_split(run, split, "out of distribution", data)
        chosen = np.random.default_rng(derive(0, "known")).permutation(len(known))[:KNOWN]
        familiar = unit(model.features(known.pixels[chosen]))
        own = familiarity(model.answers(images.pixels), familiar)
        foreign = []
        for name, pixels in sets.items():
            theirs = familiarity(model.answers(pixels), familiar)
            truth = np.repeat([1, 0], [len(images), len(pixels)])
            foreign.append(
                Foreign(
                    name=name,
                    images=len(pixels),
                    auroc={score: float(roc_auc_score(truth, np.concatenate([own[score], theirs[score]]))) for score in SCORES},
                    missed={score: float((theirs[score] >= np.quantile(own[score], 0.05)).mean()) for score in SCORES},
                )
            )
        found = OutOfDistribution(split, len(images), foreign)
        run.write(f"out-of-distribution-{split}.json", asdict(found))
    return found


def _pixels_of(other: str | Path, size: int) -> np.ndarray:
    """All images of another set, uint8 `(n, size, size, 3)`."""
    if other == "noise":
        return noise(NOISE, size)
    return load(other, size=size).every_pixel()[-10 * NOISE :]


def familiarity(answers: Answers, familiar: np.ndarray) -> dict[str, np.ndarray]:
    """How familiar images look, by each of SCORES: larger is more familiar, float64 `(n,)`.

    Args:
        answers: the network's answers for them.
        familiar: features of training images, rows of length 1, `(m, d)`.
    """
    return {
        "max_probability": softmax(answers.logits).max(1),
        "energy": energy(answers.logits),
        "feature_distance": nearness(answers.features, familiar),
    }


def nearness(features: np.ndarray, familiar: np.ndarray, neighbour: int = NEIGHBOUR) -> np.ndarray:
    """The cosine similarity of each row to its `neighbour`-th nearest among `familiar`, -1..1, float64 `(n,)`."""
    k = min(neighbour, len(familiar))
    rows = unit(features)
    parts = [
        np.partition(rows[start : start + 1000] @ familiar.T, -k, axis=1)[:, -k].astype(np.float64)
        for start in range(0, len(rows), 1000)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def noise(n: int, size: int, seed: int = 0) -> np.ndarray:
    """Images of which every value is drawn anew: uint8 `(n, size, size, 3)`."""
    rng = np.random.default_rng(derive(seed, "noise"))
    return rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)
