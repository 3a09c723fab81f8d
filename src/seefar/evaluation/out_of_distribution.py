"""Whether the network notices images that are nothing like those it learned from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from seefar.data.images import ImageSet
from seefar.data.near_duplicates import unit
from seefar.display import Shown
from seefar.metrics import softmax
from seefar.models.device import choose_device, choose_precision
from seefar.models.predict import predict_with_features
from seefar.recipes import from_json
from seefar.runs.folder import Run
from seefar.runs.ledger import record_look
from seefar.seeds import derive
from seefar.training.network import load_network

KNOWN = 10_000  # training images whose features stand for all; more take longer and change little (chosen by hand)
NEIGHBOUR = 10  # which nearest of them counts: about as large a share as in Sun et al. 2022
SCORES = ("max_probability", "energy", "feature_distance")


@dataclass(frozen=True)
class Foreign:
    """How well one other set of images is told apart from the run's own.

    Attributes:
        name: of the other set.
        images: how many it has.
        auroc: by score, the chance that a foreign image looks more foreign than one of the run's own; 0.5 is guessing.
        missed: by score, the share of the foreign images that pass where 95 % of the run's own do.
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
    run: Run, images: ImageSet, split: str, known: ImageSet, others: Mapping[str, np.ndarray], device: str = "auto"
) -> OutOfDistribution:
    """Score the run's own images and foreign ones, and write `out-of-distribution-<split>.json`.

    Sources: Hendrycks and Gimpel 2017 (largest probability), https://arxiv.org/abs/1610.02136; Liu et al. 2020 (energy),
    https://arxiv.org/abs/2010.03759; Sun et al. 2022 (distance to the nearest features), https://arxiv.org/abs/2204.06507

    Args:
        run: a trained run.
        images: its own images that it did not learn from.
        split: "validation" or "test"; the latter is a look.
        known: the training images.
        others: foreign images by name, uint8 `(n, h, w, 3)` of the same size.
        device: where to compute.

    Raises:
        ModelFileError: the run is unfinished or damaged.
    """
    from sklearn.metrics import roc_auc_score

    where = choose_device(device)
    network = load_network(run, where)
    precision = choose_precision(from_json(run.recipe()).precision, where)
    if split == "test":
        record_look(run, images.digest, "out of distribution")
    chosen = np.random.default_rng(derive(0, "known")).permutation(len(known))[:KNOWN]
    familiar = unit(predict_with_features(network, known.pixels[chosen], precision)[1])

    def scores(pixels: np.ndarray) -> dict[str, np.ndarray]:
        return familiarity(*predict_with_features(network, pixels, precision), familiar)

    own = scores(images.pixels)
    foreign = []
    for name, pixels in others.items():
        theirs = scores(pixels)
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


def familiarity(logits: np.ndarray, features: np.ndarray, familiar: np.ndarray) -> dict[str, np.ndarray]:
    """How familiar images look, by each of SCORES: larger is more familiar, float64 `(n,)`.

    Args:
        logits: `(n, classes)`.
        features: `(n, d)`.
        familiar: features of training images, rows of length 1, `(m, d)`.
    """
    from scipy.special import logsumexp

    return {
        "max_probability": softmax(logits).max(1),
        "energy": logsumexp(logits.astype(np.float64), axis=1),
        "feature_distance": nearness(features, familiar),
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
