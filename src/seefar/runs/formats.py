"""Run folders of earlier formats, read as if they were of today's: what was added since, with the value it had then.

Format 1 (2026-11): one network, `plain`, no augmentation, constant or linear rate, Adam. Format 2 (2026-11): all but what format 3
has: training at lower resolutions, budgets, test-time augmentation. Format 3 (2026-11): all but the memory of answers (`remember`).
Format 4 (2026-11): other names in what a look inside and an audit found.
"""

from typing import Any

FORMAT = 5  # of the run folders that are written; newer ones are refused

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
_RENAMED_IN_5 = {
    "called": "predicted",
    "twins": "duplicates",
    "twin_test_ids": "duplicated_test_ids",
    "listed_twins": "listed_duplicates",
    "doubts": "label_issues",
    "listed_doubts": "listed_label_issues",
}


def recipe(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of recipe.json in today's form. Format 1 is known by its only network."""
    if fields.get("model") == "plain":
        fields = _ADDED_IN_2 | fields | {"model": "vgg"}
    return _ADDED_IN_4 | _ADDED_IN_3 | fields


def evaluation(content: dict[str, Any]) -> dict[str, Any]:
    """evaluation-<split>.json in today's form."""
    return {"tta": "none", "tta_accuracy": content["accuracy"]} | content


def found(name: str, content: dict[str, Any]) -> dict[str, Any]:
    """What a later look found, <name>-<split>.json, in today's form. Only two have other names since; others have keys of the user's."""
    return _renamed(content) if name in ("inside", "audit") else content


def manifest(content: dict[str, Any]) -> dict[str, Any]:
    """manifest.json in today's form: each file with a list of digests, and a word for why the run ended."""
    if content["format"] > 1:
        return content
    digests = {name: [digest] for name, digest in content["sha256"].items()}
    return {"format": 1, "ended": "finished" if content["finished"] else "interrupted", "sha256": digests}


def history_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of history.csv in today's form."""
    return {"ending": ""} | row


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if isinstance(value, dict):
        return {_RENAMED_IN_5.get(name, name): _renamed(one) for name, one in value.items()}
    return value
