"""All that a report, its `report.json` and its model card show, read from a run folder: the one source of the three."""

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seefar.evaluation.evaluate import read_evaluation
from seefar.metrics import softmax
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import as_json, from_json
from seefar.reporting import export_words, figures, inside_words, tables, trust_words, words
from seefar.reporting.advice import advice
from seefar.reporting.inside_charts import inside_drawings
from seefar.reporting.pictures import sheet, strip
from seefar.runs.folder import Run
from seefar.runs.ledger import count_looks
from seefar.version import __version__

MATRIX = 30  # classes up to which the matrix is a table that can be pointed at; beyond that it is a picture
COLUMNS = 25  # pictures in a row of the sheet of mistakes
TOP = 3  # probabilities shown of each mistake


def numbers(run: Run) -> dict[str, Any]:
    """Every number and sentence of the report; `report.json` is exactly this."""
    recipe, data, history = from_json(run.recipe()), run.read("data.json"), run.history()
    timing = run.read("timing.json")
    described = run.read("description-train.json")
    validation, test = (
        read_evaluation(run, split) if run.has(f"evaluation-{split}.json") else None for split in ("validation", "test")
    )
    on_test = run.read("description-test.json") if run.has("description-test.json") else None
    shown = test or validation
    robust, foreign, inside = (_newest(run, name) for name in ("robustness", "out-of-distribution", "inside"))
    audited = run.found("audit", "test") if run.has("audit-test.json") else None
    without = accuracy_without(run, set(audited["duplicated_test_ids"])) if audited and test else None
    exported = run.read("export.json") if run.has("export.json") else {}
    learning = words.learning(history, recipe, run.ended(), max(data["validation"]) / sum(data["validation"]))
    uneven = words.is_uneven(described)
    layers = summarise(build_network(recipe.network, len(data["classes"]), data["size"]), data["size"])
    return {
        "seefar": __version__,
        "run": run.path.name,
        "about": f"{data['name']}, recipe {words.recipe_name(recipe.name)}, seed {run.read('recipe.json')['seed']}",
        "recipe": as_json(recipe),
        "seed": run.read("recipe.json")["seed"],
        "data": data,
        "description": {"train": described, "test": on_test},
        "environment": run.read("environment.json"),
        "timing": timing,
        "layers": [asdict(layer) for layer in layers],
        "history": history,
        "ended": run.ended(),
        "validation": validation,
        "test": test,
        "looks": asdict(count_looks(run, test["digest"])) if test else None,
        "headline": _headline(shown, uneven) if shown else None,
        "chance": max(score["support"] for score in shown["scores"]) / shown["images"] if shown else None,
        "robustness": robust,
        "out_of_distribution": foreign,
        "audit": audited,
        "inside": inside,
        "export": exported,
        "accuracy_without_duplicates": without[1] if without else None,
        "words": {
            "findings": _findings(data, described, learning, shown),
            "fails": words.fails(shown) if shown else [],
            "trust": _trust(shown, on_test, audited, without) if shown else [],
            "data": words.data(described, on_test),
            "learning": learning,
            "calibration": [*trust_words.calibration(shown), *trust_words.selective(shown)] if shown else [],
            "robustness": trust_words.robustness(robust) if robust else [],
            "out_of_distribution": trust_words.out_of_distribution(foreign) if foreign else [],
            "audit": trust_words.audit(audited, without) if audited else [],
            "inside": inside_words.everything(inside) if inside else {},
            "export": {made["file"]: export_words.export(made) for made in exported.values()},
            "advice": advice(recipe, history, data, shown, robust, audited) if shown else [],
        },
    }


def drawings(run: Run, found: dict[str, Any]) -> dict[str, Callable[[], Figure]]:
    """What draws each chart that the numbers allow, by the name of its file: drawing takes the time."""
    shown, about = found["test"] or found["validation"], found["about"]
    name = found["data"]["name"]
    drawn: dict[str, Callable[[], Figure]] = {
        "curves": partial(figures.curves, found["history"], about, found["ended"]),
        "brightness": partial(figures.brightness, found["description"]["train"], f"{name}, training images"),
    }
    if inside := found["inside"]:
        arrays = run.arrays(f"inside-{inside['split']}.npz")
        drawn |= inside_drawings(inside, arrays, found["data"]["classes"], f"{about}, {inside['split']} images")
    if not shown:
        return drawn
    split, classes = shown["split"], found["data"]["classes"]
    where = f"{about}, {split} images"
    drawn[f"recalls-{split}"] = partial(figures.recalls, shown["scores"], shown["accuracy"]["value"], where)
    drawn[f"matrix-{split}"] = partial(figures.matrix, shown["confusion"], classes, where)
    drawn[f"reliability-{split}"] = partial(figures.reliability, shown["calibration"], where)
    drawn[f"coverage-{split}"] = partial(figures.coverage, shown["selective"], where)
    if shown["groups"]["merges"]:
        drawn[f"groups-{split}"] = partial(figures.dendrogram, shown["groups"], where)
    if robust := found["robustness"]:
        title, clean = f"{about}, corrupted {robust['split']} images", robust["clean"]["value"]
        severities = [f"severity {number}" for number in range(1, 6)]
        drawn[f"corruptions-{robust['split']}"] = partial(figures.corruptions, robust["accuracies"], severities, clean, title)
        drawn[f"corruptions-by-class-{robust['split']}"] = partial(
            figures.corruptions, robust["by_class"], classes, clean, title
        )
    return drawn


def pictures(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """What the page shows beside numbers and charts: thumbnails as `data:` addresses, rows of tables, the matrix."""
    recipe, data = from_json(found["recipe"]), found["data"]
    shown, test = found["test"] or found["validation"], found["test"]
    return {
        "recipe_name": words.recipe_name(recipe.name),
        "changes": recipe.name.split("+")[1:],
        "fields": [row[1:] for row in tables.recipe(recipe).rows],
        "seconds": words.duration(sum(found["timing"]["seconds_by_epoch"])),
        "shown": shown,
        "even_loss": math.log(len(data["classes"])),
        "channels": words.channels(found["description"]["train"]),
        "skipped": found["description"]["test"]["skipped"] if found["description"]["test"] else [],
        "classes": _classes(run, data, test),
        "totals": {"train": sum(data["train"]), "validation": sum(data["validation"]), "test": test["images"] if test else 0},
        "weakest": words.weakest(shown) if shown else [],
        "matrix": _matrix(shown["confusion"]) if shown and len(data["classes"]) <= MATRIX else None,
        "mistakes": _mistakes(run, data["classes"], shown["split"]) if shown else None,
        "augmented": _augmented(run, data["classes"]),
        "audit_pictures": _audit_pictures(run, found["audit"]) if found["audit"] else None,
    }


def accuracy_without(run: Run, ids: set[str]) -> tuple[float, float]:
    """The run's accuracy on all test images, and on those that are not in `ids`."""
    stored = run.arrays("predictions-test.npz")
    right = stored["logits"].argmax(1) == stored["labels"]
    others = ~np.isin(stored["ids"], list(ids))
    return float(right.mean()), float(right[others].mean()) if others.any() else float(right.mean())


def _newest(run: Run, name: str) -> dict[str, Any] | None:
    """On test if that has been done, else on validation."""
    for split in ("test", "validation"):
        if run.has(f"{name}-{split}.json"):
            return run.found(name, split)
    return None


def _headline(shown: dict[str, Any], uneven: bool) -> dict[str, Any]:
    """The figure on top: balanced accuracy where the classes are so uneven that accuracy alone misleads."""
    if uneven:
        return {"name": "balanced accuracy", "value": shown["balanced_accuracy"]}
    return {"name": "accuracy", "value": shown["accuracy"]["value"]}


def _findings(data: dict[str, Any], described: dict[str, Any], learning: list[str], shown: dict[str, Any] | None) -> list[str]:
    """How good it is."""
    if not shown:
        return learning
    return [
        words.result(shown, data["name"]),
        *words.test_time_augmentation(shown),
        words.chance(shown),
        words.classes(shown),
        *words.balance(described),
    ]


def _trust(
    shown: dict[str, Any],
    on_test: dict[str, Any] | None,
    audited: dict[str, Any] | None,
    without: tuple[float, float] | None,
) -> list[str]:
    """Whether to believe it, in a few sentences."""
    found = [*trust_words.calibration(shown), *trust_words.selective(shown)]
    if audited:
        found += trust_words.audit(audited, without)[: 2 if without else 1]
    elif on_test and on_test["leaks"]["test_ids"]:
        found.append(words.leaks(on_test["leaks"]))
    return [*found, words.one_seed()]


def _classes(run: Run, data: dict[str, Any], test: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A row for each class: counts, and a strip of examples with the mean image at its end."""
    kept = run.arrays("pictures-train.npz")
    supports = [score["support"] for score in test["scores"]] if test else [0] * len(data["classes"])
    return [
        {
            "name": name,
            "train": data["train"][label],
            "validation": data["validation"][label],
            "test": supports[label],
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
                {"count": count, "share": count / total, "right": i == j, "strength": _strength(count / total, i == j)}
                for j, count in enumerate(row)
            ]
        )
    return rows


def _strength(share: float, right: bool) -> float:
    """How strong a colour shows a share: small shares of mistakes must still be seen."""
    return round(0.1 + 0.75 * (share if right else share**0.6), 3) if share else 0.0


def _mistakes(run: Run, classes: list[str], split: str) -> dict[str, Any]:
    """The mistakes that are kept, the most confident first: one sheet of pictures, and a row for each with its probabilities."""
    kept, predictions = run.arrays(f"mistakes-{split}.npz"), run.arrays(f"predictions-{split}.npz")
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
    wrong = int((predictions["logits"].argmax(1) != predictions["labels"]).sum())
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
