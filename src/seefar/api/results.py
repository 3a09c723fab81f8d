"""What came of a run: evaluate, predict, report; and `run`, which does everything in a row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seefar.api.images import load
from seefar.api.training import data_of, open_run, refuse_other_data, train
from seefar.data.images import Dataset, ImageSet
from seefar.errors import UsageError
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.training.launch import only_alone

if TYPE_CHECKING:
    from seefar.evaluation.compare import Comparisons
    from seefar.evaluation.evaluate import Evaluation
    from seefar.evaluation.predictions import Predictions


def evaluate(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    data: Dataset | None = None,
    device: str = "auto",
) -> "Evaluation":
    """Evaluate a trained network; the numbers and the predictions go into the run folder.

    Args:
        run: a run or its folder.
        split: "validation", or "test": that is a look at the test images, counted in the run's ledger and in `SEEFAR_HOME`.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is damaged or was trained on other data.
        UsageError: there is no such split.
    """
    from seefar.evaluation.evaluate import evaluate
    from seefar.files import lock
    from seefar.runs.pictures import keep_test_description

    only_alone("evaluate")
    run = open_run(run)
    data = data or data_of(run)
    images, validation = images_of(run, split, data)
    with lock(run.path / ".lock"):
        if split == "test":
            keep_test_description(run, data)
        return evaluate(run, images, split, validation, device)


def images_of(run: Run, split: str, data: Dataset | None) -> tuple[ImageSet, ImageSet]:
    """The images of a split, and those of validation, as the run had them.

    Args:
        run: a run.
        split: "validation" or "test".
        data: the data the run was trained on; None: it is loaded again from where it came from.

    Raises:
        ModelFileError: the run was trained on other data.
        UsageError: there is no such split.
    """
    if split not in ("validation", "test"):
        raise UsageError(f"split is {split!r}; allowed is validation or test")
    data = data or data_of(run)
    refuse_other_data(run, data)
    validation = data.train.select(run.read("splits.json")["validation"])
    return data.test if split == "test" else validation, validation


def compare(
    runs: Sequence[str | Path | Run] | Mapping[str, str | Path | Run], split: Literal["validation", "test"] = "test"
) -> "Comparisons":
    """Compare runs on the same images, from the answers that `evaluate` stored: no look at the test images.

    Args:
        runs: two or more; the others are compared with the first. Runs of one recipe with several seeds are summed up. A dict
            gives them names; else they are called as their folders are.
        split: "validation" or "test".

    Raises:
        UsageError: a run has not been evaluated on that split, or its images differ from those of the first.
    """
    from seefar.evaluation.compare import compare

    if isinstance(runs, Mapping):
        return compare([open_run(run) for run in runs.values()], split, list(runs))
    return compare([open_run(run) for run in runs], split)


def predict(run: str | Path | Run, images: Sequence[str | Path], *, device: str = "auto") -> "Predictions":
    """Classify image files, prepared exactly as the training images were.

    Args:
        run: a trained run or its folder.
        images: files and folders; a folder stands for all images below it.
        device: "auto", "cpu", "cuda" or "mps".

    Returns:
        One Prediction a file; a file that cannot be read has `error` set and stops nothing.
    """
    from seefar.evaluation.predictions import predict_files

    return predict_files(open_run(run), [Path(image) for image in images], device)


def report(*runs: str | Path | Run, out: str | Path | None = None) -> Path:
    """Write one page that needs nothing else, from what is in the run folders; return its path.

    Args:
        runs: one run: its `report.html`, with `report.json` and a model card beside it; or several, set side by side.
        out: of several runs, the file to write; by default `comparison.html`.
    """
    if len(runs) > 1:
        from seefar.reporting.comparison_page import write_comparison

        return write_comparison([open_run(run) for run in runs], Path(out or "comparison.html"))
    from seefar.reporting.page import write_report

    if not runs or out is not None:
        raise UsageError("report takes one run, whose page goes into its folder, or several and perhaps a file to write")
    return write_report(open_run(runs[0]))


def run(data: str | Path | Dataset, recipe: str | Recipe = "baseline", seed: int = 0, **options: Any) -> Run:
    """The whole path: load, train, evaluate on validation, evaluate on test once, look inside (on validation), report.

    Args:
        data: a Dataset, or a name or path for `load`.
        recipe: a name or a Recipe.
        seed: of weights, order and dropout.
        options: further arguments of `train`.

    Returns:
        The run; the report is at `run.path / "report.html"`.
    """
    from seefar.api.inside import see_inside

    only_alone("run")
    if not isinstance(data, Dataset):
        data = load(data)
    trained = train(data, recipe, seed, **options)
    device = options.get("device", "auto")
    evaluate(trained, "validation", data=data, device=device)
    evaluate(trained, "test", data=data, device=device)
    see_inside(trained, quick=True, data=data, device=device)
    report(trained)
    return trained
