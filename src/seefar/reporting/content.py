"""All that a report, its `report.json` and its model card show, read from a run folder: the one source of the three."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seefar.evaluation.earlier import counted, read_evaluation
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import as_json, from_json, short_name
from seefar.reporting import check_words, export_words, figures, inside_words, shaded_tables, trust_words, verdict_words, words
from seefar.reporting.advice import advice
from seefar.reporting.inside_charts import inside_drawings
from seefar.runs.folder import Run
from seefar.runs.ledger import count_looks
from seefar.version import __version__


def numbers(run: Run) -> dict[str, Any]:
    """Every number and sentence of the report; `report.json` is exactly this."""
    recipe, data, history = from_json(run.recipe()), run.read("data.json"), run.history()
    timing = run.read("timing.json")
    described = run.read("description-train.json")
    validation, test = (
        read_evaluation(run, split) if run.has(f"evaluation-{split}.json") else None for split in ("validation", "test")
    )
    on_test = run.read("description-test.json") if run.has("description-test.json") else None
    shown = _shown(test, validation)
    judged = test or validation
    robust, foreign, inside = (_newest(run, name) for name in ("robustness", "out-of-distribution", "inside"))
    audited = run.found("audit", "test") if run.has("audit-test.json") else None
    without = accuracy_without(run, set(audited["duplicated_test_ids"])) if audited and test and test["accuracy"] else None
    exported = run.read("export.json") if run.has("export.json") else {}
    learning = words.learning(history, recipe, run.ended(), max(data["validation"]) / sum(data["validation"]))
    advised = advice(recipe, history, data, shown, robust, audited) if shown else []
    warnings = check_words.warnings(judged) if judged else []
    layers = summarise(build_network(recipe.network, len(data["classes"]), data["size"]), data["size"])
    return {
        "seefar": __version__,
        "run": run.path.name,
        "about": f"{data['name']}, recipe {short_name(recipe.name)}, seed {run.read('recipe.json')['seed']}",
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
        "basis": shown["split"] if shown else "",
        "headline": _headline(judged) if judged else None,
        "cannot": check_words.cannot(judged) if judged else "",
        "instead": _headline(validation) if test and validation and not test["headline"] else None,
        "warnings": warnings,
        "chance": words.guessing(shown) if shown else None,
        "robustness": robust,
        "out_of_distribution": foreign,
        "audit": audited,
        "inside": inside,
        "export": exported,
        "accuracy_without_duplicates": without[1] if without else None,
        "words": {
            "verdict": verdict_words.verdict(judged, shown, warnings, advised, run.path.name),
            "findings": _findings(data, learning, shown, judged),
            "fails": words.fails(shown) if shown else [],
            "trust": _trust(shown, on_test, audited, without) if shown else [],
            "data": [*words.groups(data, test), *words.data(described, on_test)],
            "learning": learning,
            "calibration": [*trust_words.calibration(shown), *trust_words.selective(shown)] if shown else [],
            "robustness": trust_words.robustness(robust) if robust else [],
            "out_of_distribution": trust_words.out_of_distribution(foreign) if foreign else [],
            "audit": trust_words.audit(audited, without) if audited else [],
            "inside": inside_words.everything(inside) if inside else {},
            "export": {made["file"]: export_words.export(made) for made in exported.values()},
            "advice": advised,
        },
    }


def drawings(run: Run, found: dict[str, Any]) -> dict[str, Callable[[], Figure]]:
    """What draws each chart that the numbers allow, by the name of its file: drawing takes the time."""
    shown, about = found[found["basis"]] if found["basis"] else None, found["about"]
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
    drawn[f"matrix-{split}"] = partial(shaded_tables.matrix, shown["confusion"], classes, where)
    drawn[f"reliability-{split}"] = partial(figures.reliability, shown["calibration"], where)
    drawn[f"coverage-{split}"] = partial(figures.coverage, shown["selective"], where)
    if shown["groups"]["merges"]:
        drawn[f"groups-{split}"] = partial(figures.dendrogram, shown["groups"], where, classes)
    if robust := found["robustness"]:
        title, clean = f"{about}, corrupted {robust['split']} images", robust["clean"]["value"]
        severities = [f"severity {number}" for number in range(1, 6)]
        drawn[f"corruptions-{robust['split']}"] = partial(
            shaded_tables.corruptions, robust["accuracies"], severities, clean, title
        )
        drawn[f"corruptions-by-class-{robust['split']}"] = partial(
            shaded_tables.corruptions, robust["by_class"], classes, clean, title
        )
    return drawn


def accuracy_without(run: Run, ids: set[str]) -> tuple[float, float]:
    """The run's accuracy on the test images that count, and on those of them that are not in `ids`."""
    stored = run.arrays("predictions-test.npz")
    counts = counted(run, "test", stored)
    right = (stored["logits"].argmax(1) == stored["labels"])[counts]
    others = ~np.isin(stored["ids"][counts], list(ids))
    return float(right.mean()), float(right[others].mean()) if others.any() else float(right.mean())


def _newest(run: Run, name: str) -> dict[str, Any] | None:
    """On test if that has been done, else on validation."""
    for split in ("test", "validation"):
        if run.has(f"{name}-{split}.json"):
            return run.found(name, split)
    return None


def _shown(test: dict[str, Any] | None, validation: dict[str, Any] | None) -> dict[str, Any] | None:
    """The evaluation whose figures are shown: test where it can be measured, else validation, else whatever is known at all."""
    known = [found for found in (test, validation) if found and found["accuracy"]]
    return next((found for found in known if found["headline"]), known[0] if known else None)


def _headline(found: dict[str, Any]) -> dict[str, Any] | None:
    """What is believed, and of which split; None if nothing can be measured on it."""
    if not found["headline"]:
        return None
    return {**found["headline"], "split": found["split"], "counted": found["images"], "clusters": found["clusters"]}


def _findings(
    data: dict[str, Any], learning: list[str], shown: dict[str, Any] | None, judged: dict[str, Any] | None
) -> list[str]:
    """How good it is."""
    if not shown:
        return learning if not judged else [f"Its {judged['split']} accuracy {check_words.cannot(judged)}."]
    return [
        words.result(shown, data["name"]),
        *words.beside(shown),
        *words.test_time_augmentation(shown),
        words.chance(shown),
        words.classes(shown),
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
