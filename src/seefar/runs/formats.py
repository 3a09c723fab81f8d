"""Run folders of earlier formats, read as if they were of today's: what was added since, with the value it had then.

Format 1 (2026-11): one network, `plain`, no augmentation, constant or linear rate, Adam. Format 2 (2026-11): all but what format 3
has: training at lower resolutions, budgets, test-time augmentation. Format 3 (2026-11): all but the memory of answers (`remember`).
"""

from typing import Any

FORMAT = 4  # of the run folders that are written; newer ones are refused

_ADDED_IN_2: dict[str, Any] = {
    "batch_norm": False,
    "spatial_dropout": 0.0,
    "frozen_stages": 0,
    "flip": "none",
    "shift": 0,
    "rotate": 0.0,
    "zoom": 0.0,
    "cutout": 0,
    "brightness": 0.0,
    "contrast": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "balance": "none",
    "momentum": 0.9,
    "bias_rate": 1.0,
    "head_rate": 1.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "gradient_clip": 0.0,
    "warmup": 0.0,
    "drop_factor": 0.3,
    "drop_after": 2,
    "averaging": 0.0,
    "min_change": 0.0,
    "patience": 0,
}
_ADDED_IN_3: dict[str, Any] = {"resolution": [[0.0, 1.0]], "leave_out": 0.0, "budget": 0.0, "tta": "none"}
_ADDED_IN_4: dict[str, Any] = {"remember": False}


def recipe(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of recipe.json in today's form. Format 1 is known by its only network."""
    if fields.get("model") == "plain":
        fields = _ADDED_IN_2 | fields | {"model": "vgg"}
    return _ADDED_IN_4 | _ADDED_IN_3 | fields


def evaluation(content: dict[str, Any]) -> dict[str, Any]:
    """evaluation-<split>.json in today's form."""
    return {"tta": "none", "tta_accuracy": content["accuracy"]} | content


def manifest(content: dict[str, Any]) -> dict[str, Any]:
    """manifest.json in today's form: each file with a list of digests, and a word for why the run ended."""
    if content["format"] > 1:
        return content
    digests = {name: [digest] for name, digest in content["sha256"].items()}
    return {"format": 1, "ended": "finished" if content["finished"] else "interrupted", "sha256": digests}


def history_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of history.csv in today's form."""
    return {"ending": ""} | row
