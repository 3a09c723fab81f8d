"""Run folders of earlier formats, read as if they were of today's.

What a recipe did not have yet is off, as in today's recipes. Format 1 (2026-11) had one network, `plain`. Format 4 (2026-11) has other
names in what a look inside and an audit found. In format 5 (2026-11) every recipe has the fields of all networks; those that its own does
not have say nothing. In format 7 (2026-11) figures are on the images that count, and null where none does.
"""

from typing import Any

FORMAT = 7  # of the run folders that are written; newer ones are refused

_NOT_OF_FAST = ("batch_norm", "spatial_dropout", "dense", "dropout")
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
        return {"momentum": 0.9} | fields | {"model": "vgg"}
    if fields.get("model") == "fast":
        return {name: value for name, value in fields.items() if name not in _NOT_OF_FAST}
    return fields


def evaluation(content: dict[str, Any]) -> dict[str, Any]:
    """evaluation-<split>.json in today's form."""
    return {"tta": "none", "tta_accuracy": content.get("accuracy"), "familiar": None, "clusters": None} | content


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
