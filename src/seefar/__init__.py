"""seefar trains, proves, explains and ships convolutional classifiers for small images.

    import seefar as sf
    data = sf.load("shapes")
    run = sf.train(data, recipe="tiny", seed=0)
    sf.evaluate(run, split="test")
    sf.report(run)

This file is the table of contents: each public name and the file where it lives. Names are loaded when they are first used, so that
importing seefar costs next to nothing. Only `run`, the whole path, is composed here.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar.display import draw_with
from seefar.upstairs import open_with
from seefar.version import __version__

if TYPE_CHECKING:
    from seefar.answering.predict import predict, predict_each
    from seefar.data.augmentation_preview import augmented
    from seefar.data.describe import describe
    from seefar.data.images import Dataset, ImageSet
    from seefar.data.load import load
    from seefar.errors import SeefarError
    from seefar.estimator import SeefarClassifier
    from seefar.evaluation.audit import audit
    from seefar.evaluation.compare import compare
    from seefar.evaluation.evaluate import evaluate
    from seefar.evaluation.out_of_distribution import out_of_distribution
    from seefar.evaluation.robustness import robustness
    from seefar.explaining.explanation import explain
    from seefar.explaining.see_inside import see_inside
    from seefar.exporting.export import export
    from seefar.model.load import load_model
    from seefar.model.model import Model
    from seefar.playing.folder import playground
    from seefar.recipes import RECIPES, Recipe
    from seefar.reporting.picture import picture
    from seefar.reporting.report import report
    from seefar.runs.folder import Run, open_run
    from seefar.studies.carry_out import study
    from seefar.studies.study import Change, Study
    from seefar.studies.tune import tune
    from seefar.training.check import summary
    from seefar.training.find_rate import find_rate
    from seefar.training.train import resume, train

_HOMES = {
    "RECIPES": "recipes",
    "Change": "studies.study",
    "Dataset": "data.images",
    "ImageSet": "data.images",
    "Model": "model.model",
    "Recipe": "recipes",
    "Run": "runs.folder",
    "SeefarClassifier": "estimator",
    "SeefarError": "errors",
    "Study": "studies.study",
    "audit": "evaluation.audit",
    "augmented": "data.augmentation_preview",
    "compare": "evaluation.compare",
    "describe": "data.describe",
    "evaluate": "evaluation.evaluate",
    "explain": "explaining.explanation",
    "export": "exporting.export",
    "find_rate": "training.find_rate",
    "load": "data.load",
    "load_model": "model.load",
    "open_run": "runs.folder",
    "out_of_distribution": "evaluation.out_of_distribution",
    "picture": "reporting.picture",
    "playground": "playing.folder",
    "predict": "answering.predict",
    "predict_each": "answering.predict",
    "report": "reporting.report",
    "resume": "training.train",
    "robustness": "evaluation.robustness",
    "see_inside": "explaining.see_inside",
    "study": "studies.carry_out",
    "summary": "training.check",
    "train": "training.train",
    "tune": "studies.tune",
}

__all__ = [
    "RECIPES",
    "Change",
    "Dataset",
    "ImageSet",
    "Model",
    "Recipe",
    "Run",
    "SeefarClassifier",
    "SeefarError",
    "Study",
    "__version__",
    "audit",
    "augmented",
    "compare",
    "describe",
    "evaluate",
    "explain",
    "export",
    "find_rate",
    "load",
    "load_model",
    "open_run",
    "out_of_distribution",
    "picture",
    "playground",
    "predict",
    "predict_each",
    "report",
    "resume",
    "robustness",
    "run",
    "see_inside",
    "study",
    "summary",
    "train",
    "tune",
]


def run(data: "str | Path | Dataset", recipe: "str | Recipe" = "baseline", seed: int = 0, **options: Any) -> "Run":
    """The whole path: load, check the images, train, evaluate on validation, evaluate on test once, look inside (on validation), write a
    playground, report.

    What is wrong with the test images is said before anybody waits for a training.

    Args:
        data: a Dataset, or a name or path for `load`.
        recipe: a name or a Recipe.
        seed: of weights, order and dropout.
        options: further arguments of `train`.

    Returns:
        The run; the report is at `run.path / "report.html"`, the playground at `run.path / "playground" / "index.html"`.
    """
    from seefar.data.checks import inspect_test
    from seefar.data.load import load
    from seefar.evaluation.evaluate import evaluate
    from seefar.explaining.see_inside import see_inside
    from seefar.playing.folder import playground
    from seefar.progress import warn
    from seefar.recipe_fields import from_json
    from seefar.reporting.check_words import before_training
    from seefar.reporting.report import report
    from seefar.torchrun import only_alone
    from seefar.training.train import train

    only_alone("run")
    images = load(data) if isinstance(data, str | Path) else data
    if not options.get("quiet"):
        for line in before_training([vars(finding) for finding in inspect_test(images).findings]):
            warn(f"warning: {line}")
    trained, device = train(images, recipe, seed, **options), options.get("device", "auto")
    evaluate(trained, "validation", data=images, device=device)
    evaluate(trained, "test", data=images, device=device)
    see_inside(trained, quick=True, data=images, device=device)
    if from_json(trained.recipe()).network.in_browser:
        playground(trained, data=images)
    report(trained)
    return trained


def _draw(value: object) -> str | None:
    """How notebooks show a value; what draws is loaded when the first one is shown."""
    html: str | None = importlib.import_module("seefar.reporting.notebook").html(value)
    return html


draw_with(_draw)


def _network_of(run: "Run", device: str) -> Any:
    """How `run.network()` gets its network; what opens runs is loaded when the first one is opened."""
    return importlib.import_module("seefar.model.load").load_model(run, device).network


open_with(_network_of)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seefar' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"seefar.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
