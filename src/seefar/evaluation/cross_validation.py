"""Answers for every image from networks that did not learn from it: the training images fold by fold, the test images by all of them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seefar.data.batches import Lengths
from seefar.data.groups import joined_groups
from seefar.data.images import ImageSet
from seefar.errors import DataError
from seefar.metrics import softmax
from seefar.model.load import load_model
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.training.events import Step
from seefar.training.fit import fit
from seefar.training.machine import choose_machine
from seefar.training.metadata import recipe_json
from seefar.training.plan import Plan

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
    device: str,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> OutOfFold:
    """Train a network on all but one fold, for each fold. The folds hold all classes alike; equal images, or those of a group, are in one.

    Args:
        recipe: of the networks.
        train: the training images.
        test: the test images; no network learns from them.
        folds: how many, at least 2.
        seed: of the folds and the networks.
        device: "auto", "cpu", "cuda" or "mps".
        tell: called with the number of steps done and the total.
    """
    machine = choose_machine(recipe.optimisation.precision, device, shared=False)
    probabilities = np.zeros((len(train), len(train.classes)))
    on_test = np.zeros((len(test), len(train.classes)))
    features = test_features = np.zeros((0, 0), np.float32)
    parts = fold_parts(train, folds, seed)
    how, epochs = recipe.sampling, recipe.stopping.epochs
    planned = [Lengths(len(inside), how.batch_size, how.leave_out).steps_before(epochs + 1) for inside, _ in parts]
    done = 0
    for number, (inside, outside) in enumerate(parts):
        with tempfile.TemporaryDirectory() as place:
            run = folder.create(Path(place) / "run")
            for name in folder.CHOSEN:
                run.write(name, {})
            run.write("recipe.json", recipe_json(recipe, seed + number))
            run.write("data.json", {"classes": train.classes, "size": train.size, "origin": {}})
            for event in fit(Plan(recipe, seed + number, train[inside], train[outside[:WATCHED]], run, machine)):
                if isinstance(event, Step):
                    done += 1
                    tell(done, sum(planned))
            model = load_model(run, device)
        if number == 0:
            answers = model.answers(train.pixels)
            features = answers.features
            probabilities[outside] = softmax(answers.logits[outside])
        else:
            probabilities[outside] = softmax(model.logits(train.pixels[outside]))
        on = model.answers(test.pixels)
        on_test += softmax(on.logits) / folds
        if number == 0:
            test_features = on.features
    return OutOfFold(probabilities, on_test, features, test_features)


def fold_parts(train: ImageSet, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each fold the positions outside it, to learn from, and inside it, to judge.

    Raises:
        DataError: there are fewer groups than folds; those that share an equal image count as one.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fold = np.empty(len(train), np.int64)
    same, groups = train.equal, None
    if train.groups:
        groups = joined_groups(np.unique(np.array(train.groups), return_inverse=True)[1], same)
        if (count := len(np.unique(groups))) < folds:
            raise DataError(
                f"the training images are of {count} group{'' if count == 1 else 's'}, those that share an equal image counted as "
                f"one, and {folds} are needed to judge each by a network that has not seen its group; give more groups"
            )
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    for number, (_, chosen) in enumerate(splitter.split(train.labels, train.labels, groups)):
        fold[chosen] = number
    for images in same if groups is None else []:
        fold[images] = fold[images[0]]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]
