"""What a page is given of a trained network: its layers, what it can say of itself, and images to try it with."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data.decode import rgb
from seefar.data.images import Dataset, ImageSet
from seefar.errors import DataError, DiskError, UsageError
from seefar.evaluation.evaluate import evaluate
from seefar.metrics import confusion_matrix
from seefar.model import self_test
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.onnx_file import TEST, bytes_of
from seefar.model.onnx_graph import check_graph
from seefar.model.protobuf import read_message
from seefar.model.run_images import open_training
from seefar.playing.foreign import foreign
from seefar.playing.layers import Layers, layers_of, weights_in_graph
from seefar.playing.sheets import sheet
from seefar.recipe_fields import short_name
from seefar.runs.folder import Run, open_run
from seefar.seeds import derive

FORMAT = 1  # of what a page reads; web/playground/model.ts
# Pixels of all pictures of a kind together, and how many they are at most: a few hundred of 32x32 pixels are one to two megabytes
BANK_PIXELS, BANK = 600 * 32 * 32, 600  # training images among which neighbours are looked for (chosen by hand)
MISTAKE_PIXELS, MISTAKES, OF_A_PAIR = 400 * 32 * 32, 400, 8  # mistakes that are shown (chosen by hand)


def material(source: str | Path | Run, data: Dataset | None = None) -> dict[str, Any]:
    """Everything a page is given of one network, as JSON has it.

    A run that was not evaluated on validation is evaluated first, because its temperature and its mistakes come from there.

    Args:
        source: a run, its folder, or an ONNX file that `seefar export` wrote. A file holds no training images and no mistakes.
        data: the data the run was trained on; by default it is loaded again from where it came from. Where it is no longer there, the
            page has no training images to compare with, and says so.

    Raises:
        ModelFileError: the run or the file is missing, damaged, or of a kind that a page cannot compute.
        UsageError: a package that ONNX files need is not installed.
    """
    if not isinstance(source, Run) and (Path(source).is_file() or Path(source).suffix == ".onnx"):
        return _of_file(Path(source))
    return _of_run(open_run(source), data)


def _of_file(path: Path) -> dict[str, Any]:
    model = load_model(path)
    if model.settled is None:
        raise UsageError(
            f"{path} was not written by seefar, so that its layers have no names; the playground takes what `seefar export` wrote"
        )
    content = bytes_of(path)
    layers = layers_of(model.recipe.network, dict(weights_in_graph(read_message(memoryview(content))["graph"])))
    examples = self_test.from_json(_self_test_of(content), len(model.classes))
    shown = self_test.prepared(examples, model.size, model.background)
    entries = [{"label": None, "kind": "example"}] * len(shown)
    return described(model, layers, path.stem) | {"tray": tray(model, shown, entries), "bank": None, "confusion": None}


def _self_test_of(content: bytes) -> Any:
    """The self-test in the bytes of an ONNX file that was checked, as JSON has it."""
    return json.loads(check_graph(content).metadata[TEST])


def _of_run(run: Run, data: Dataset | None) -> dict[str, Any]:
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


def described(model: Model, layers: Layers, name: str) -> dict[str, Any]:
    known = model.familiar
    familiar = {"threshold": known.threshold.threshold, "means": layers.keep(known.means)} if known else None
    numbers = layers.content()
    validation = model.origin.get("validation") or {}
    accuracy = validation.get("accuracy")
    return {
        "format": FORMAT,
        "name": name,
        "recipe": short_name(model.recipe.name),
        "data": (model.origin.get("data") or {}).get("name"),
        "accuracy": {part: accuracy[part] for part in ("value", "low", "high")} if accuracy else None,
        "validation": validation.get("images", 0),
        "classes": list(model.classes),
        "size": model.size,
        "background": list(rgb(model.background)),
        "temperature": model.temperature,
        "sure": model.sure,
        "familiar": familiar,
        "layers": layers.layers,
        "floats": layers.length,
        "check": zlib.crc32(numbers),
        "weights": base64.b64encode(numbers).decode(),
    }


def tray(model: Model, pixels: np.ndarray, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The examples, and behind them the foreign image."""
    shown = np.concatenate([pixels, foreign(model)[None]])
    return {"sheet": sheet(shown), "entries": [*entries, {"label": None, "kind": "foreign"}]}


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
