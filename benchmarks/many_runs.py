"""Thousands of run folders in seconds, without a training: the small files that a table of runs is made of, with figures by chance.

python benchmarks/many_runs.py FOLDER 5000
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

from seefar.recipe_fields import as_json, change, find
from seefar.recipes import Recipe
from seefar.runs import formats

EPOCHS = 12
BASES = ("tiny", "baseline", "deep", "fast")
TRIED: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.001, 0.002, 0.005),
    "flip": ("none", "random", "alternating"),
    "label_smoothing": (0.0, 0.1, 0.2),
    "cutout": (0, 8),
}
DATA = ("shapes", "cifar10", "my-photos")


def make_runs(folder: Path, count: int, seed: int = 0) -> Path:
    """Write `count` runs into `folder`, the same for the same seed; return it."""
    draw = random.Random(seed)  # noqa: S311  figures by chance, no secrets
    for number in range(count):
        base = find(BASES[number % len(BASES)])
        recipe = change(base, {name: draw.choice(values) for name, values in TRIED.items()})
        make_run(folder / f"{DATA[number % len(DATA)]}-{base.name}-{number:05d}", recipe, draw, number)
    return folder


def make_run(path: Path, recipe: Recipe, draw: random.Random, number: int) -> None:
    """Write the files of one run that a row needs."""
    path.mkdir(parents=True)
    level = draw.uniform(0.5, 0.95)
    seen = [round(level * (1 - 0.7 ** (epoch + 1)) + draw.uniform(-0.01, 0.01), 4) for epoch in range(EPOCHS)]
    best = max(range(EPOCHS), key=seen.__getitem__)
    rows = [
        f"{i + 1},{2 - seen[i]:.4f},{seen[i]},{2 - seen[i]:.4f},{seen[i]},0.002,{i <= best},{'finished' * (i + 1 == EPOCHS)}"
        for i in range(EPOCHS)
    ]
    head = "number,loss,accuracy,validation_loss,validation_accuracy,rate,best,ending"
    data = {"name": DATA[number % len(DATA)], "source": "figures by chance", "origin": {}, "classes": list("abcdefghij")}
    files: dict[str, Any] = {
        "recipe.json": {"seed": number % 5, **as_json(recipe)},
        "data.json": data
        | {"size": 32, "digest": f"{number % 3:064x}", "train": [4500] * 10, "validation": [500] * 10, "start": None},
        "environment.json": {"command": f"seefar run --data shapes --recipe {recipe.name}", "seefar": "0.1.0"},
        "timing.json": {
            "started": f"2026-11-{1 + number % 28:02d}T{number % 24:02d}:00:00+00:00",
            "seconds_by_epoch": [draw.uniform(1, 9)] * EPOCHS,
        },
        "manifest.json": {"format": formats.FORMAT, "ended": "finished", "sha256": {}},
        "evaluation-validation.json": evaluation("validation", max(seen), 5000),
        "evaluation-test.json": evaluation("test", max(seen) - 0.01, 10000),
    }
    for name, value in files.items():
        (path / name).write_text(json.dumps(value, indent=2))
    (path / "history.csv").write_text("\n".join([head, *rows, ""]))
    look = {"time": "2026-11-29T12:00:00+00:00", "verb": "evaluate", "test": f"{number % 3:064x}", "manifest": f"{number:064x}"}
    (path / "test-ledger.jsonl").write_text(f"{json.dumps(look)}\n" * (1 + number % 7 // 6))


def evaluation(split: str, accuracy: float, images: int) -> dict[str, Any]:
    """The part of an evaluation that stands in a table."""
    share = {"value": accuracy, "low": accuracy - 0.008, "high": accuracy + 0.008}
    headline = {"name": "accuracy", **share, "images": images}
    return {
        "split": split,
        "images": images,
        "digest": f"{images:064x}",
        "headline": headline,
        "cannot": "",
        "raw": {"images": images, "accuracy": share},
        "left_out": {"copies": 0, "repeats": 0, "contradicting": 0},
        "findings": [],
        "look": 1,
        "tta": "none",
        "accuracy": share,
        "tta_accuracy": None,
        "loss": 2 - accuracy,
    }


if __name__ == "__main__":
    print(make_runs(Path(sys.argv[1]), int(sys.argv[2])))
