"""Several runs side by side on one page: what each reached, how they differ on the same images, what several seeds say."""

from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from seefar.evaluation.compare import compare
from seefar.evaluation.earlier import read_evaluation
from seefar.files import write_bytes
from seefar.reporting import comparison_words, figures
from seefar.reporting.page import render
from seefar.reporting.value_figures import comparisons
from seefar.reporting.words import duration
from seefar.runs.folder import Run


def write_comparison(runs: list[Run], path: Path) -> Path:
    """Write the page; on test images if all runs have been evaluated on them, else on validation images. Nothing is looked at anew.

    Raises:
        UsageError: the runs were not evaluated on the same images.
    """
    split: Literal["validation", "test"] = "test" if all(run.has("evaluation-test.json") for run in runs) else "validation"
    compared = compare(runs, split)
    found = asdict(compared)
    names = [found["pairs"][0]["base"], *(pair["other"] for pair in found["pairs"])]
    costs = [found["pairs"][0]["cost"]["base"], *(pair["cost"]["other"] for pair in found["pairs"])]
    rows = [_row(run, split, name, cost) for run, name, cost in zip(runs, names, costs, strict=True)]
    drawn = {
        "accuracies": figures.intervals(
            [(row["name"], row["accuracy"]["value"], row["accuracy"]["low"], row["accuracy"]["high"]) for row in rows],
            f"accuracy on {split} images in %, with 95 % interval",
            f"{rows[0]['data']}: accuracy of each run",
        ),
        "curves": figures.lines(
            {row["name"]: row["curve"] for row in rows}, *figures.TIME, f"{rows[0]['data']}: validation accuracy", marker="."
        ),
        **{name: draw() for name, draw in comparisons(compared, None).items()},
    }
    values: dict[str, Any] = {
        **found,
        "rows": rows,
        "base": names[0],
        "words": {
            "pairs": [comparison_words.pair(pair) for pair in found["pairs"]],
            "recipes": [comparison_words.seeds(row) for row in found["recipes"]],
            "differences": [comparison_words.recipes(row) for row in found["recipe_differences"]],
        },
    }
    write_bytes(path, render("comparison.html", values, drawn))
    return path


def _row(run: Run, split: str, name: str, cost: dict[str, Any]) -> dict[str, Any]:
    """What the table says of one run."""
    evaluation, history = read_evaluation(run, split), run.history()
    seconds = run.read("timing.json")["seconds_by_epoch"]
    return {
        "name": name,
        "recipe": run.recipe()["name"],
        "seed": run.read("recipe.json")["seed"],
        "data": run.read("data.json")["name"],
        "accuracy": evaluation["accuracy"],
        "tta": evaluation["tta"],
        "tta_accuracy": evaluation["tta_accuracy"],
        "loss": evaluation["loss"],
        "epochs": len(history),
        "time": duration(cost["seconds"]),
        "seconds": cost["seconds"],
        "parameters": cost["parameters"],
        "multiply_adds": cost["multiply_adds"],
        "curve": (list(accumulate(seconds)), [100 * row["validation_accuracy"] for row in history]),
    }
