"""What the page of a run shows beside numbers and charts: thumbnails, rows of tables, the cells of the matrix."""

import math
from typing import Any

import numpy as np

from seefar.metrics import softmax
from seefar.recipe_fields import from_json, short_name
from seefar.reporting import tables, words
from seefar.reporting.first_screen import first_screen, strength
from seefar.reporting.pictures import sheet, strip
from seefar.runs.folder import Run

MATRIX = 30  # classes up to which the matrix is a table that can be pointed at; beyond that it is a picture
COLUMNS = 25  # pictures in a row of the sheet of mistakes
TOP = 3  # probabilities shown of each mistake


def page_pictures(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """What the page shows beside numbers and charts: thumbnails as `data:` addresses, rows of tables, the matrix."""
    recipe, data = from_json(found["recipe"]), found["data"]
    shown, test = found[found["basis"]] if found["basis"] else None, found["test"]
    on_test = found["description"]["test"]
    return {
        "first": first_screen(run, found),
        "recipe_name": short_name(recipe.name),
        "changes": recipe.name.split("+")[1:],
        "fields": [row[1:] for row in tables.recipe(recipe).rows],
        "seconds": words.duration(sum(found["timing"]["seconds_by_epoch"])),
        "shown": shown,
        "stated": test or found["validation"],
        "best": _best(shown) if shown else None,
        "even_loss": math.log(len(data["classes"])),
        "channels": words.channels(found["description"]["train"]),
        "skipped": on_test["skipped"] if on_test else [],
        "classes": _classes(run, data, on_test["images"]["counts"] if on_test else {}),
        "totals": {
            "train": sum(data["train"]),
            "validation": sum(data["validation"]),
            "test": test["raw"]["images"] if test else 0,
        },
        "weakest": words.weakest(shown) if shown else [],
        "matrix": _matrix(shown["confusion"]) if shown and len(data["classes"]) <= MATRIX else None,
        "mistakes": _mistakes(run, data["classes"], shown) if shown else None,
        "augmented": _augmented(run, data["classes"]),
        "audit_pictures": _audit_pictures(run, found["audit"]) if found["audit"] else None,
    }


def _best(shown: dict[str, Any]) -> str:
    """The class that is found best; empty where others are found as well, or several as badly as the worst."""
    recalls = {score["name"]: score["recall"]["value"] for score in shown["scores"] if score["support"]}
    ordered = sorted(recalls.values())
    alone = len(ordered) > 1 and ordered[0] < ordered[1] and ordered[-2] < ordered[-1]
    return max(recalls, key=recalls.__getitem__) if alone else ""


def _classes(run: Run, data: dict[str, Any], test: dict[str, int]) -> list[dict[str, Any]]:
    """A row for each class: counts, and a strip of examples with the mean image at its end."""
    kept = run.arrays("pictures-train.npz")
    return [
        {
            "name": name,
            "train": data["train"][label],
            "validation": data["validation"][label],
            "test": test.get(name, 0),
            "examples": strip([*kept["pixels"][kept["labels"] == label], kept["means"][label]]),
        }
        for label, name in enumerate(data["classes"])
    ]


def _augmented(run: Run, classes: list[str]) -> list[dict[str, Any]]:
    """A few training images, and what the network saw of them in the first epochs; empty if it saw them as they are."""
    kept = run.arrays("pictures-train.npz")
    if "augmented" not in kept:
        return []
    labels = kept["augmented_labels"]
    return [{"name": classes[label], "views": strip(list(row))} for label, row in zip(labels, kept["augmented"], strict=True)]


def _matrix(counts: list[list[int]]) -> list[list[dict[str, Any]]]:
    """The cells of the matrix: count, share of the row, and how strongly to colour them."""
    rows = []
    for i, row in enumerate(counts):
        total = max(sum(row), 1)
        rows.append(
            [
                {"count": count, "share": count / total, "right": i == j, "strength": strength(count / total, i == j)}
                for j, count in enumerate(row)
            ]
        )
    return rows


def _mistakes(run: Run, classes: list[str], shown: dict[str, Any]) -> dict[str, Any]:
    """The mistakes that are kept, the most confident first: one sheet of pictures, and a row for each with its probabilities."""
    kept, predictions = (run.arrays(f"{name}-{shown['split']}.npz") for name in ("mistakes", "predictions"))
    positions = kept["positions"]
    probabilities = softmax(predictions["logits"][positions])
    rows = []
    for position, row in zip(positions.tolist(), probabilities, strict=True):
        order = np.argsort(-row, kind="stable")[:TOP].tolist()
        rows.append(
            {
                "id": str(predictions["ids"][position]),
                "true": int(predictions["labels"][position]),
                "predicted": order[0],
                "probabilities": [[label, math.floor(row[label] * 1000) / 10] for label in order],  # nothing is 100 % sure
            }
        )
    wrong = shown["images"] - sum(row[label] for label, row in enumerate(shown["confusion"]))  # among those that count
    return {
        "rows": rows,
        "all": wrong,
        "classes": classes,
        "sheet": sheet(kept["pixels"], COLUMNS) if len(rows) else None,
        "columns": COLUMNS,
        "lines": -(-len(rows) // COLUMNS),
    }


def _audit_pictures(run: Run, audited: dict[str, Any], most: int = 24) -> dict[str, Any]:
    """Galleries of what an audit found: doubtful labels, pairs that show the same, strange images."""
    kept = run.arrays("pictures-audit-test.npz")
    pixels = dict(zip(kept["ids"].tolist(), kept["pixels"], strict=True))
    return {
        "label_issues": [{"image": strip([pixels[row["id"]]]), **row} for row in audited["listed_label_issues"][:most]],
        "duplicates": [
            {"image": strip([pixels[row["one"]], pixels[row["other"]]]), **row} for row in audited["listed_duplicates"][:most]
        ],
        "strange": [{"image": strip([pixels[id_]]), "id": id_} for id_ in audited["strange"][:most]],
    }
