"""Answers for every image from networks that did not learn from it: the training images fold by fold, the test images by all of them."""

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seefar.data.images import ImageSet
from seefar.metrics import softmax
from seefar.models.device import choose_precision
from seefar.models.predict import predict_with_features
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.training.fit import fit
from seefar.training.loop import Step
from seefar.training.network import load_network
from seefar.training.prepare import new_batches

WATCHED = 200  # images that are validated after each epoch: nothing is decided by them, and they should cost nothing


@dataclass(frozen=True)
class OutOfFold:
    """What the networks said.

    Attributes:
        train: probabilities for the training images, each from the network that did not learn from it, float64 `(n, classes)`.
        test: likewise for the test images, the mean over all networks.
        train_features: what the last layer of the first network sees of the training images, float32 `(n, features)`.
        test_features: likewise of the test images.
    """

    train: np.ndarray
    test: np.ndarray
    train_features: np.ndarray
    test_features: np.ndarray


def out_of_fold(
    recipe: Recipe,
    train: ImageSet,
    test: ImageSet,
    folds: int,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> OutOfFold:
    """Train a network on all but one fold, for each fold. The folds hold all classes alike.

    Args:
        recipe: of the networks.
        train: the training images.
        test: the test images; no network learns from them.
        folds: how many, at least 2.
        seed: of the folds and the networks.
        device: where to compute.
        tell: is told of the steps done and planned.
    """
    from sklearn.model_selection import StratifiedKFold

    precision = choose_precision(recipe.precision, device)
    probabilities = np.zeros((len(train), len(train.classes)))
    on_test = np.zeros((len(test), len(train.classes)))
    features = test_features = np.zeros((0, 0), np.float32)
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(train.labels, train.labels))
    planned = [new_batches(recipe, seed, train[inside], device).lengths.steps_before(recipe.epochs + 1) for inside, _ in parts]
    done = 0
    for number, (inside, outside) in enumerate(parts):
        with tempfile.TemporaryDirectory() as place:
            run = folder.create(Path(place) / "run")
            for name in folder.CHOSEN:
                run.write(name, {})
            run.write("recipe.json", {"seed": seed + number, **dataclasses.asdict(recipe)})
            run.write("data.json", {"classes": train.classes, "size": train.size})
            for event in fit(recipe, seed + number, train[inside], train[outside[:WATCHED]], run, device):
                if isinstance(event, Step):
                    done += 1
                    tell(done, sum(planned))
            network = load_network(run, device)
        if number == 0:
            logits, features = predict_with_features(network, train.pixels, precision)
            probabilities[outside] = softmax(logits[outside])
        else:
            probabilities[outside] = softmax(predict_with_features(network, train.pixels[outside], precision)[0])
        logits, seen = predict_with_features(network, test.pixels, precision)
        on_test += softmax(logits) / folds
        if number == 0:
            test_features = seen
    return OutOfFold(probabilities, on_test, features, test_features)
