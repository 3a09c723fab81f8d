"""What a page is given of a run: the network, and images of its training and validation."""

from typing import Any

import numpy as np

from seefar.data.images import Dataset, ImageSet
from seefar.errors import DataError, DiskError
from seefar.evaluation.evaluate import evaluate
from seefar.metrics import confusion_matrix
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.run_images import open_training
from seefar.playing.described import described, tray
from seefar.playing.layers import check_kind, layers_of
from seefar.playing.sheets import sheet
from seefar.recipe_fields import from_json
from seefar.runs.folder import Run
from seefar.seeds import derive

# Pixels of all pictures of a kind together, and how many they are at most: a few hundred of 32x32 pixels are one to two megabytes
BANK_PIXELS, BANK = 600 * 32 * 32, 600  # training images among which neighbours are looked for (chosen by hand)
MISTAKE_PIXELS, MISTAKES, OF_A_PAIR = 400 * 32 * 32, 400, 8  # mistakes that are shown (chosen by hand)


def of_run(run: Run, data: Dataset | None) -> dict[str, Any]:
    """Everything a page is given, as JSON has it. Arguments and errors: `material`."""
    check_kind(from_json(run.recipe()).network)  # before the code of a network from outside is executed
    if not run.has("evaluation-validation.json"):
        evaluate(run, "validation", data=data)
    model = load_model(run, "cpu", precision="fp32")
    weights = {name: value.detach().cpu().float().numpy() for name, value in model.network.state_dict().items()}
    layers = layers_of(model.recipe.network, weights)
    stored, kept = run.arrays("predictions-validation.npz"), run.arrays("highlights-validation.npz")
    labels, predicted = stored["labels"], stored["logits"].argmax(1)
    entries = [
        {"label": model.classes[labels[at]], "kind": "right" if labels[at] == predicted[at] else "mistake"}
        for at in kept["positions"]
    ]
    return described(model, layers, run.path.name) | {
        "tray": tray(model, kept["pixels"], entries),
        "bank": _bank(run, model, data),
        "confusion": _confusion(run, model, labels, predicted),
    }


def _bank(run: Run, model: Model, data: Dataset | None) -> dict[str, Any] | None:
    """Some training images, as many of each class as there are; None where they are no longer there."""
    try:
        images = open_training(run, data)
    except (DataError, DiskError):
        return None
    chosen = _spread(images, min(BANK, max(20, BANK_PIXELS // model.size**2)))
    return {"sheet": sheet(images.pixels[chosen]), "labels": images.labels[chosen].tolist()}


def _spread(images: ImageSet, most: int) -> np.ndarray:
    """Positions of so many images, of every class in turn, drawn by chance but the same each time."""
    order = np.random.default_rng(derive(0, "playground")).permutation(len(images))
    turns = np.zeros(len(images), np.int64)
    for label in range(len(images.classes)):
        of_class = order[images.labels[order] == label]
        turns[of_class] = np.arange(len(of_class))
    found: np.ndarray = np.sort(order[np.argsort(turns[order], kind="stable")][:most])
    return found


def _confusion(run: Run, model: Model, labels: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """How often each class was taken for each, on validation, and the surest mistakes of each pair."""
    kept = run.arrays("mistakes-validation.npz")
    most = min(MISTAKES, max(20, MISTAKE_PIXELS // model.size**2))
    shown: list[int] = []
    pairs: list[list[int]] = []
    for place, at in enumerate(kept["positions"].tolist()):
        pair = [int(labels[at]), int(predicted[at])]
        if pairs.count(pair) < OF_A_PAIR and len(shown) < most:
            shown.append(place)
            pairs.append(pair)
    counts = confusion_matrix(labels, predicted, len(model.classes))
    return {"counts": counts.tolist(), "sheet": sheet(kept["pixels"][shown]), "pairs": pairs}
