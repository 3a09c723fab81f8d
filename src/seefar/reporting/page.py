"""report.html: one page, from what is in the run folder, that needs neither network nor script. Nothing is drawn here."""

import base64
import io
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from seefar.metrics import probabilities
from seefar.models.summary import summarise
from seefar.recipes import from_json, meanings, text
from seefar.reporting import figures, words
from seefar.runs.folder import Run
from seefar.runs.ledger import count_looks
from seefar.training.network import build_network
from seefar.version import __version__


def write_report(run: Run) -> Path:
    """Write `report.html`, and its charts as PNG into `figures/`; return the page's path.

    What has not been done yet (a look at the test images, say) is left out, and the page says with which command to do it.

    Raises:
        ModelFileError: the run is unfinished or damaged.
    """
    run.verify()
    environment = Environment(loader=PackageLoader("seefar.reporting"), autoescape=True, undefined=StrictUndefined)
    environment.filters["percent"] = words.percent
    content = _content(run)
    charts: dict[str, Figure] = content["charts"]
    for name, figure in charts.items():
        run.write_bytes(f"figures/{name}.png", figures.png(figure))
    drawn = {name: figures.svg(figure) for name, figure in charts.items()}
    content["charts"] = {name.split("-")[0]: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 (matplotlib has escaped it)
    run.write_bytes("report.html", environment.get_template("report.html").render(content).encode())
    return run.path / "report.html"


def _content(run: Run) -> dict[str, Any]:
    """Everything that the template shows; the charts are still figures, by the name of their file."""
    recipe, data, history = from_json(run.recipe()), run.read("data.json"), run.history()
    seed = run.read("recipe.json")["seed"]
    name = words.recipe_name(recipe.name)
    about = f"{data['name']}, recipe {name}, seed {seed}"
    timing = run.read("timing.json")
    described = run.read("description-train.json")
    validation, test = (
        run.evaluation(split) if run.has(f"evaluation-{split}.json") else None for split in ("validation", "test")
    )
    on_test = run.read("description-test.json") if run.has("description-test.json") else None
    shown = test or validation
    uneven = words.is_uneven(described)
    learning = words.learning(history, recipe, run.ended(), max(data["validation"]) / sum(data["validation"]))
    charts = {
        "curves": figures.curves(history, about, run.ended()),
        "brightness": figures.brightness(described, f"{data['name']}, training images"),
    }
    if shown:
        where = f"{about}, {shown['split']} images"
        charts[f"recalls-{shown['split']}"] = figures.recalls(shown["scores"], shown["accuracy"]["value"], where)
        charts[f"matrix-{shown['split']}"] = figures.matrix(shown["confusion"], data["classes"], where)
    return {
        "version": __version__,
        "folder": run.path.name,
        "about": about,
        "recipe": recipe,
        "recipe_name": name,
        "changes": recipe.name.split("+")[1:],
        "fields": [
            (field, text(getattr(recipe, field)), meaning)
            for field, meaning in meanings().items()
            if field not in ("name", "about")
        ],
        "seed": seed,
        "data": data,
        "environment": run.read("environment.json"),
        "timing": timing,
        "seconds": words.duration(sum(timing["seconds_by_epoch"])),
        "layers": [
            asdict(layer) for layer in summarise(build_network(recipe, len(data["classes"]), data["size"]), data["size"])
        ],
        "history": history,
        "validation": validation,
        "test": test,
        "shown": shown,
        "headline": _headline(shown, uneven) if shown else None,
        "chance": max(score["support"] for score in shown["scores"]) / shown["images"] if shown else None,
        "even_loss": math.log(len(data["classes"])),
        "looks": count_looks(run, test["digest"]) if test else None,
        "findings": _findings(data, described, learning, shown),
        "learning_words": learning,
        "data_words": words.data(described, on_test),
        "channels": words.channels(described),
        "skipped": on_test["skipped"] if on_test else [],
        "classes": _classes(run, data, test),
        "totals": {"train": sum(data["train"]), "validation": sum(data["validation"]), "test": test["images"] if test else 0},
        "weakest": words.weakest(shown) if shown else [],
        "mistakes": _mistakes(run, data["classes"], shown["split"]) if shown else [],
        "augmented": _augmented(run, data["classes"]),
        "charts": charts,
    }


def _headline(shown: dict[str, Any], uneven: bool) -> dict[str, Any]:
    """The figure on top: balanced accuracy where the classes are so uneven that accuracy alone misleads."""
    if uneven:
        return {"name": "balanced accuracy", "value": shown["balanced_accuracy"]}
    return {"name": "accuracy", "value": shown["accuracy"]["value"]}


def _findings(data: dict[str, Any], described: dict[str, Any], learning: list[str], shown: dict[str, Any] | None) -> list[str]:
    """The few sentences at the top."""
    if not shown:
        return learning
    return [
        words.result(shown, data["name"]),
        *words.test_time_augmentation(shown),
        words.chance(shown),
        words.classes(shown),
        *words.commonest_mistake(shown),
        *words.balance(described),
        words.one_seed(),
    ]


def _classes(run: Run, data: dict[str, Any], test: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A row for each class: counts, and a strip of examples with the mean image at its end."""
    pictures = run.arrays("pictures-train.npz")
    supports = [score["support"] for score in test["scores"]] if test else [0] * len(data["classes"])
    return [
        {
            "name": name,
            "train": data["train"][label],
            "validation": data["validation"][label],
            "test": supports[label],
            "examples": _strip([*pictures["pixels"][pictures["labels"] == label], pictures["means"][label]]),
        }
        for label, name in enumerate(data["classes"])
    ]


def _augmented(run: Run, classes: list[str]) -> list[dict[str, Any]]:
    """A few training images, and what the network saw of them in the first epochs; empty if it saw them as they are."""
    pictures = run.arrays("pictures-train.npz")
    if "augmented" not in pictures:
        return []
    labels = pictures["augmented_labels"]
    return [
        {"name": classes[label], "views": _strip(list(row))} for label, row in zip(labels, pictures["augmented"], strict=True)
    ]


def _mistakes(run: Run, classes: list[str], split: str) -> list[dict[str, Any]]:
    """The surest mistakes: picture, true class, answer and how sure it was."""
    kept, predictions = run.arrays(f"mistakes-{split}.npz"), run.arrays(f"predictions-{split}.npz")
    chances = probabilities(predictions["logits"][kept["positions"]])
    return [
        {
            "image": _strip([pixels]),
            "true": classes[predictions["labels"][position]],
            "called": classes[row.argmax()],
            "confidence": math.floor(row.max() * 1000) / 1000,  # nothing is 100 % sure
        }
        for pixels, position, row in zip(kept["pixels"], kept["positions"], chances, strict=True)
    ]


def _strip(images: list[np.ndarray], gap: int = 2) -> str:
    """Images of one size side by side, with a transparent gap, as a `data:` address."""
    height, width, _ = images[0].shape
    strip = Image.new("RGBA", (len(images) * (width + gap) - gap, height))
    for place, pixels in enumerate(images):
        strip.paste(Image.fromarray(pixels), (place * (width + gap), 0))
    content = io.BytesIO()
    strip.save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
