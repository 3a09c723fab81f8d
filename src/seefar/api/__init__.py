"""The verbs, composed from what is below; `import seefar as sf` offers them."""

from seefar.api.images import augmented, clean, describe, fetch, load
from seefar.api.inside import explain, see_inside
from seefar.api.pictures import picture
from seefar.api.results import compare, evaluate, predict, report, run
from seefar.api.studies import study
from seefar.api.training import choose, find_rate, open_run, resume, summary, train
from seefar.api.trust import audit, out_of_distribution, robustness
from seefar.api.tuning import tune

__all__ = [
    "audit",
    "augmented",
    "choose",
    "clean",
    "compare",
    "describe",
    "evaluate",
    "explain",
    "fetch",
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
