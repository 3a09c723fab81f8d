"""seefar trains, proves, explains and ships convolutional classifiers for small images.

    import seefar as sf
    data = sf.load("shapes")
    run = sf.train(data, recipe="tiny", seed=0)
    sf.evaluate(run, split="test")
    sf.report(run)

The names below are loaded when they are first used, so that importing seefar costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from seefar.display import draw_with
from seefar.version import __version__

if TYPE_CHECKING:
    from seefar.api import (
        audit,
        augmented,
        compare,
        describe,
        evaluate,
        explain,
        find_rate,
        load,
        open_run,
        out_of_distribution,
        picture,
        predict,
        report,
        resume,
        robustness,
        run,
        see_inside,
        study,
        summary,
        train,
        tune,
    )
    from seefar.api.estimator import SeefarClassifier
    from seefar.data.images import Dataset, ImageSet
    from seefar.errors import SeefarError
    from seefar.recipes import RECIPES, Recipe
    from seefar.runs.folder import Run
    from seefar.studies.study import Change, Study

__all__ = [
    "RECIPES",
    "Change",
    "Dataset",
    "ImageSet",
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
    "find_rate",
    "load",
    "open_run",
    "out_of_distribution",
    "picture",
    "predict",
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

_HOMES = {
    "seefar.api.estimator": ("SeefarClassifier",),  # not through seefar.api: scikit-learn takes a second to import
    "seefar.recipes": ("RECIPES", "Recipe"),
    "seefar.data.images": ("Dataset", "ImageSet"),
    "seefar.errors": ("SeefarError",),
    "seefar.runs.folder": ("Run",),
    "seefar.studies.study": ("Change", "Study"),
}


def _draw(value: object) -> str | None:
    """How notebooks show a value; what draws is loaded when the first one is shown."""
    html: str | None = importlib.import_module("seefar.reporting.notebook").html(value)
    return html


draw_with(_draw)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'seefar' has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "seefar.api")
    value = globals()[name] = getattr(importlib.import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
