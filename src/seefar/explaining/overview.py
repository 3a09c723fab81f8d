"""Inside a trained network, from its first filters to its reasons: everything that its report shows of it, computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seefar.data.images import ImageSet
from seefar.display import Shown
from seefar.explaining.attribution import EXPLAINERS, attribute
from seefar.explaining.capture import last_stage
from seefar.explaining.classes import counterfactual_neighbours, portraits, smallest_change
from seefar.explaining.faithfulness import Faithfulness, Sanity, faithfulness, sanity
from seefar.explaining.feature_maps import path
from seefar.explaining.filters import LayerHealth, first_filters, health
from seefar.explaining.learning import learning, regions
from seefar.explaining.space import EMBEDDINGS, knn_accuracy, nearest
from seefar.explaining.units import exciting, maximise
from seefar.metrics import Share, softmax
from seefar.networks.inference import predict_with_features
from seefar.networks.layers import Network
from seefar.seeds import derive

# All chosen by hand: enough to see, little enough to wait for
QUICK = ("grad_cam", "layer_cam")  # methods that take a second
LOOKED = 4  # images that were right, and as many that were wrong, for where it looked
SCORED = 24  # images on which methods are scored
PLACED = {False: 1500, True: 800}  # images laid out as points
KNOWN = 10_000  # training images among which neighbours are looked for
UNITS, PATCHES = 8, 9  # channels of the last stage, and images for each
NEIGHBOURS = 5
PORTRAITS = 4  # typical and atypical images of each class


@dataclass(frozen=True)
class Looked:
    """An image whose explanation is shown: its id, class, what it was called, and with what probability."""

    id: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Case:
    """A mistake, the training images that look most like it to the network, and the nearest one that it calls otherwise.

    Attributes:
        id, label, predicted: of the image.
        near: labels of the nearest training images, nearest first.
        cosines: how near they are, 1 is the same.
        foil: what the nearest training image is called that is called otherwise; None if there is none.
    """

    id: str
    label: str
    predicted: str
    near: list[str]
    cosines: list[float]
    foil: str | None


@dataclass(frozen=True)
class Change:
    """The smallest change found that makes the network call an image otherwise: the RMS change of its pixels in levels, 0..255."""

    id: str
    predicted: str
    wanted: str
    turned: bool
    size: float


@dataclass(frozen=True)
class Overview(Shown):
    """The numbers of a look inside; `inside-<split>.json` is exactly this, and `inside-<split>.npz` holds the arrays beside it.

    Attributes:
        split: "validation" or "test": where the images that are shown come from.
        images: how many it has.
        layers: names of the layers whose feature maps can be looked at.
        first: "whitening" where the first filters were fitted to the training images, "learned" where they were learned.
        health: of each learned convolution, how many filters are dead, duplicates or noisy.
        looked: the images for which it is shown where the network looked: right ones, then wrong ones.
        methods: each method's score: whether its maps are true.
        sanity: whether its maps depend on what was learned.
        neighbours: accuracy of a vote of the nearest training images, by what the last layer sees.
        layout: how the images were laid out: a key of EMBEDDINGS.
        units: channels of the last stage: of those with the largest values such as mean different classes.
        path: the image whose way through the network is shown.
        stages: the layers at which it is shown.
        cases: mistakes with their neighbours.
        changes: what turns images of one class into another.
        portraits: of each class, how many images are called it with confidence.
        learning: where the run stored it, how many training images are easy, ambiguous and hard, and ids of telling ones.
    """

    split: str
    images: int
    layers: list[str]
    first: str
    health: list[LayerHealth]
    looked: list[Looked]
    methods: dict[str, Faithfulness]
    sanity: dict[str, Sanity]
    neighbours: Share
    layout: str
    units: list[int]
    path: Looked
    stages: list[str]
    cases: list[Case]
    changes: list[Change]
    portraits: list[dict[str, Any]]
    learning: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"Overview({self.split}, {self.images:,} images, layers {', '.join(self.layers)})"


def overview(
    network: Network,
    images: ImageSet,
    split: str,
    train: ImageSet,
    answers: np.ndarray | None = None,
    *,
    quick: bool = False,
    tell: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> tuple[Overview, dict[str, np.ndarray]]:
    """Look inside a trained network.

    Args:
        network: in evaluation mode; it is afterwards as it was.
        images: that it did not learn from.
        split: their name.
        train: the training images.
        answers: what `remember` stored, `(epochs, n)`, if it did.
        quick: two methods instead of all, and fewer images: under 30 s.
        tell: called with the number of parts done, the total, and what comes next.

    Returns:
        The numbers, and the arrays: pixels uint8, maps float32.
    """
    parts = ["filters", "answers", "units", "where it looked", "neighbours", "classes", "learning"]

    def starting(part: str) -> None:
        tell(parts.index(part), len(parts), part)

    classes, arrays = images.classes, {}
    starting("filters")
    first = first_filters(network)
    arrays["first_filters"], arrays["first_order"] = first.pixels, np.array(first.order)
    arrays["first_scale"] = np.array(first.scale)
    chosen = np.random.default_rng(derive(0, "inside")).permutation(len(train))[:KNOWN]
    known = train[np.sort(chosen)]
    filters = health(network, known.pixels[:500])

    starting("answers")
    logits, features = predict_with_features(network, images.pixels, torch.float32)
    known_logits, known_features = predict_with_features(network, known.pixels, torch.float32)
    probabilities, predicted = softmax(logits), logits.argmax(1)
    right = predicted == images.labels
    shown, count = _telling(probabilities, right)

    def looked(i: int) -> Looked:
        return Looked(images.ids[i], classes[images.labels[i]], classes[predicted[i]], round(float(probabilities[i].max()), 4))

    way = path(network, images.pixels[shown[0]])
    arrays["path_image"], arrays["path_probabilities"] = images.pixels[shown[0]], way.probabilities
    arrays |= {f"path_{stage.layer}": stage.maps for stage in way.stages}
    arrays |= {f"path_shape_{stage.layer}": np.array(stage.shape) for stage in way.stages}
    arrays["path_features"] = way.features

    starting("units")
    layer = last_stage(network)
    found = exciting(network, known.pixels[:2000], layer, None, PATCHES, labels=known.labels[:2000])
    arrays["exciting"] = np.stack(found.patches)
    if not quick:
        arrays["maximised"] = maximise(network, layer, found.units, images.size)

    starting("where it looked")
    methods = QUICK if quick else tuple(EXPLAINERS)
    scored = np.random.default_rng(derive(0, "scored")).permutation(len(images))[:SCORED]
    arrays["looked"] = images.pixels[shown]
    arrays |= {f"map_{method}": attribute(network, images.pixels[shown], predicted[shown], method) for method in methods}
    scores, checks = {}, {}
    for method in methods:
        maps = attribute(network, images.pixels[scored], predicted[scored], method)
        scores[method] = faithfulness(network, images.pixels[scored], predicted[scored], maps)
        checks[method] = sanity(network, images.pixels[scored[:8]], predicted[scored[:8]], method)

    starting("neighbours")
    placed = np.random.default_rng(derive(0, "placed")).permutation(len(images))[: PLACED[quick]]
    layout = "tsne" if len(placed) > 50 else "pca"
    arrays["points"] = EMBEDDINGS[layout](features[placed], 0)
    arrays["point_labels"], arrays["point_right"] = images.labels[placed], right[placed]
    wrong = shown[count:]
    near, cosines = nearest(features[wrong], known_features, NEIGHBOURS)
    foils, _ = counterfactual_neighbours(features[wrong], predicted[wrong], known_features, known_logits.argmax(1))
    arrays["cases"] = (
        np.stack(
            [
                np.stack([images.pixels[i], *known.pixels[row], known.pixels[foil]])
                for i, row, foil in zip(wrong, near, foils, strict=True)
            ]
        )
        if len(wrong)
        else np.zeros((0, NEIGHBOURS + 2, *images.pixels.shape[1:]), np.uint8)
    )

    starting("classes")
    faces = portraits(logits, images.labels, images.pixels, classes, PORTRAITS)
    arrays["portraits"] = np.stack([_portrait(face, images.pixels) for face in faces])
    second = np.argsort(-probabilities[shown[:count]], axis=1, kind="stable")[:, 1]
    changed = smallest_change(network, images.pixels[shown[:count]], second)
    arrays["changed"] = np.stack([images.pixels[shown[:count]], changed.pixels], axis=1)

    starting("learning")
    learned = None
    if answers is not None and len(answers):
        learned = _learned(answers, train, arrays)
    tell(len(parts), len(parts), "")
    return (
        Overview(
            split=split,
            images=len(images),
            layers=network.layer_names(),
            first=first.kind,
            health=filters,
            looked=[looked(i) for i in shown],
            methods=scores,
            sanity=checks,
            neighbours=knn_accuracy(features, images.labels, known_features, known.labels),
            layout=layout,
            units=found.units,
            path=looked(shown[0]),
            stages=[stage.layer for stage in way.stages],
            cases=[
                Case(
                    images.ids[i],
                    classes[images.labels[i]],
                    classes[predicted[i]],
                    [classes[known.labels[j]] for j in row],
                    [round(float(value), 4) for value in values],
                    classes[known_logits[foil].argmax()] if foil >= 0 else None,
                )
                for i, row, values, foil in zip(wrong, near, cosines, foils, strict=True)
            ],
            changes=[
                Change(images.ids[i], classes[predicted[i]], classes[to], bool(turned), round(float(size), 3))
                for i, to, turned, size in zip(shown[:count], second, changed.turned, changed.size, strict=True)
            ],
            portraits=[
                {
                    "name": face.name,
                    "images": face.images,
                    "confident": face.confident,
                    "typical": [images.ids[i] for i in face.typical],
                    "atypical": [images.ids[i] for i in face.atypical],
                }
                for face in faces
            ],
            learning=learned,
        ),
        arrays,
    )


def _telling(probabilities: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """Positions of instructive images: right ones of different classes, confident but not certain, then the most confident mistakes."""
    sure = probabilities.max(1)
    predicted = probabilities.argmax(1)
    candidates = np.flatnonzero(right)
    candidates = (
        candidates[np.argsort(np.abs(sure[candidates] - np.quantile(sure[candidates], 0.7)), kind="stable")]
        if len(candidates)
        else candidates
    )
    firsts, seen = [], set()
    for i in candidates.tolist():
        if predicted[i] not in seen:
            seen.add(predicted[i])
            firsts.append(i)
    firsts = firsts[:LOOKED]
    wrong = np.flatnonzero(~right)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:LOOKED]
    if not firsts:  # nothing is right: the mistakes must do
        firsts = wrong[:1].tolist() or [0]
    return np.array([*firsts, *wrong.tolist()], np.int64), len(firsts)


def _portrait(face: Any, pixels: np.ndarray) -> np.ndarray:
    """Mean image, typical and atypical images of a class in a row; grey where there are fewer."""
    row = np.full((1 + 2 * PORTRAITS, *pixels.shape[1:]), 128, np.uint8)
    row[0] = face.mean_image
    for start, positions in ((1, face.typical), (1 + PORTRAITS, face.atypical)):
        for place, i in enumerate(positions[:PORTRAITS]):
            row[start + place] = pixels[i]
    return row


def _learned(answers: np.ndarray, train: ImageSet, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """How learning went, in counts and ids; the pictures go into `arrays`."""
    values = answers.astype(np.float32)
    found = learning(values > 0, np.where(np.isnan(values), np.nan, np.abs(values)))
    telling = {"early": found.early, "late": found.late, "never": found.never, "forgotten": found.forgotten_most}
    for name, positions in telling.items():
        arrays[f"learned_{name}"] = train.pixels[positions[:8]]
    shown = ~np.isnan(found.confidence)
    arrays["confidence"], arrays["variability"] = found.confidence[shown], found.variability[shown]
    return {
        "epochs": len(answers),
        "regions": regions(found),
        "ids": {name: [train.ids[i] for i in positions[:8]] for name, positions in telling.items()},
        "labels": {name: [train.classes[train.labels[i]] for i in positions[:8]] for name, positions in telling.items()},
    }
