"""Run folders as `evaluate` leaves them, with answers that a test chose: for comparisons."""

from pathlib import Path

import numpy as np

from seefar.recipe_fields import as_json, find
from seefar.recipes import Recipe
from seefar.runs.folder import Run, create

CLASSES = ["ant", "bee", "cat"]
LABELS = np.arange(30) % 3
IDS = np.array([f"test/{i:02d}" for i in range(30)])


def logits(wrong: dict[int, float], labels: np.ndarray = LABELS) -> np.ndarray:
    """All right with 2 for the true class; the images in `wrong` have that much for the next class instead."""
    result = 2.0 * np.eye(3, dtype=np.float32)[labels]
    for image, surety in wrong.items():
        result[image] = surety * np.eye(3)[(labels[image] + 1) % 3]
    return result


def made(
    folder: Path, answers: np.ndarray, seed: int = 0, recipe: str | Recipe = "tiny", digest: str = "train", **other: object
) -> Run:
    """A run folder with these logits on `IDS` and `LABELS`; `other` replaces what is stored."""
    run = create(folder)
    run.write("recipe.json", {"seed": seed, **as_json(find(recipe) if isinstance(recipe, str) else recipe)})
    run.write("data.json", {"classes": CLASSES, "size": 32, "digest": digest, "start": other.pop("start", None)})
    run.write("timing.json", {"seconds_by_epoch": [1.5, 2.0]})
    run.write("evaluation-test.json", {"digest": other.pop("images", "test"), "accuracy": {}})
    run.write_arrays("predictions-test.npz", **({"ids": IDS, "labels": LABELS, "logits": answers} | other))
    return run
