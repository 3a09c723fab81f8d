"""The verbs, composed from what is below; `import seefar as sf` offers them."""

from seefar.api.images import DataDescription, augmented, clean, describe, fetch, load
from seefar.api.results import evaluate, predict, report, run
from seefar.api.training import choose, find_rate, open_run, resume, summary, train

__all__ = [
    "DataDescription",
    "augmented",
    "choose",
    "clean",
    "describe",
    "evaluate",
    "fetch",
    "find_rate",
    "load",
    "open_run",
    "predict",
    "report",
    "resume",
    "run",
    "summary",
    "train",
]
