"""What `import seefar as sf` offers: load, describe, summary, train, evaluate, predict, report, and run: all in a row."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seefar import progress, recipes
from seefar.data import load as sources
from seefar.data.images import Dataset, ImageSet
from seefar.data.splits import carve
from seefar.errors import DataError, ModelFileError, UsageError
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.runs.folder import Run

if TYPE_CHECKING:
    from seefar.data.describe import Description, Leaks
    from seefar.evaluation.evaluate import Evaluation
    from seefar.evaluation.predictions import Prediction
    from seefar.models.summary import Layer


def load(data: str | Path, **options: Any) -> Dataset:
    """Load images, with a bar on stderr where that takes long. Arguments, values and errors: `seefar.data.load.load`."""
    with progress.bar("downloading" if data in sources.NAMES else "decoding images") as tell:
        return sources.load(data, progress=lambda done, total: tell(done, total, ""), **options)


def fetch(name: str) -> Path:
    """Download the archive of "cifar10" or "cifar100" into the cache, unless it is there; return the verified file."""
    from seefar.data.cifar import fetch_cifar

    with progress.bar(f"downloading {name}") as tell:
        return fetch_cifar(name, progress=lambda done, total: tell(done, total, ""))


def clean(archives: bool = False) -> list[tuple[str, int]]:
    """Delete decoded images and unfinished downloads from the cache.

    Args:
        archives: delete downloaded archives, too.

    Returns:
        What was deleted, and its size in bytes. Ledgers of looks at test images are never deleted.
    """
    from seefar.data import decoded_cache, download

    deleted = [(entry.source, entry.size) for entry in decoded_cache.entries()]
    for entry in decoded_cache.entries():
        decoded_cache.delete(entry)
    return deleted + download.clean(archives=archives)


def choose(recipe: str | Recipe, size: int = 32, **changes: Any) -> Recipe:
    """The recipe that was asked for, with changes: found to be one that can be carried out on images of `size` pixels.

    Raises:
        UsageError: there is no such recipe, field or value, or it does not work with such images.
    """
    from seefar.training.fit import check

    chosen = _changed(recipe, changes)
    check(chosen, classes=2, size=size)
    return chosen


def _changed(recipe: str | Recipe, changes: dict[str, Any]) -> Recipe:
    return recipes.change(recipes.find(recipe) if isinstance(recipe, str) else recipe, changes)


def summary(recipe: str | Recipe = "baseline", classes: int = 10, size: int = 32) -> "list[Layer]":
    """The layers of a recipe's network in the order in which an image passes them: shapes, parameters, multiply-adds.

    Raises:
        UsageError: there is no such recipe, or images of `size` pixels are too small for it.
    """
    from seefar.models.summary import summarise
    from seefar.training.network import build_network

    return summarise(build_network(choose(recipe, size), classes, size), size)


def train(
    data: Dataset,
    recipe: str | Recipe = "baseline",
    seed: int = 0,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    quiet: bool = False,
    **changes: Any,
) -> Run:
    """Train a network and return the folder with everything that came of it. The test images of `data` are not touched.

    Args:
        data: what `load` gave.
        recipe: a name or a Recipe.
        seed: of weights, order and dropout.
        out: the run folder; by default `runs/<data>-<recipe>-seed<seed>`, numbered if that exists.
        device: "auto", "cpu", "cuda" or "mps".
        quiet: no table and no bar on stderr.
        changes: recipe fields to change, such as `epochs=3`; the run is named after them.

    Raises:
        UsageError: the recipe cannot be carried out, or `out` holds something.
        DivergedError: the loss is not a number any more.
        InUseError: another process works in `out`.
    """
    from seefar.files import lock
    from seefar.models.device import choose_device, choose_precision
    from seefar.runs.pictures import keep_training_pictures
    from seefar.training.environment import environment
    from seefar.training.fit import check, fit

    chosen = _changed(recipe, changes)
    where = choose_device(device)
    precision = choose_precision(chosen.precision, where)
    training, validation = carve(data.train, chosen.validation, data.split_seed, "validation")
    check(chosen, len(data.classes), data.train.size, len(training))
    run = folder.create(Path(out)) if out else folder.create_numbered(Path("runs") / _folder_name(data, chosen, seed))
    with lock(run.path / ".lock"):
        run.write("recipe.json", {"seed": seed, **dataclasses.asdict(chosen)})
        run.write("data.json", _data_facts(data, training, validation))
        run.write("splits.json", {"seed": data.split_seed, "validation": validation.ids, "train": training.ids})
        run.write("environment.json", environment(chosen, seed, data.origin, where, precision))
        keep_training_pictures(run, data.train)
        events = fit(chosen, seed, training, validation, run, where)
        if quiet:
            for _ in events:
                pass
        else:
            progress.say(
                f"{data.name}: {len(training):,} training and {len(validation):,} validation images of {training.size}x{training.size} "
                f"in {len(data.classes)} classes; recipe {chosen.name}, seed {seed}, on {where.type} in {str(precision)[6:]}, "
                f"into {run.path}"
            )
            for warning in data.warnings:
                progress.say(f"note: {warning}")
            progress.show_layers(summary(chosen, len(data.classes), training.size))
            progress.follow(events, chosen.epochs, steps=-(-len(training) // chosen.batch_size))
    return run


def _folder_name(data: Dataset, recipe: Recipe, seed: int) -> str:
    name = re.sub(r"[^\w+=.,-]+", "_", recipe.name)  # no brackets and slashes in the name of a folder
    return f"{data.name}-{name}-seed{seed}"


def _data_facts(data: Dataset, training: ImageSet, validation: ImageSet) -> dict[str, Any]:
    """What training knew of the data: nothing in here depends on a test image."""
    return {
        "name": data.name,
        "source": data.source,
        "origin": data.origin,
        "classes": data.classes,
        "size": data.train.size,
        "digest": data.train.digest,
        "train": training.counts().tolist(),
        "validation": validation.counts().tolist(),
    }


def open_run(run: str | Path | Run) -> Run:
    """The run in a folder. Raises ModelFileError if there is none."""
    return run if isinstance(run, Run) else folder.open_run(Path(run))


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

    if split not in ("validation", "test"):
        raise UsageError(f"split is {split!r}; allowed is validation or test")
    run = open_run(run)
    data = data or data_of(run)
    facts = run.read("data.json")
    if data.train.digest != facts["digest"]:
        raise ModelFileError(
            f"{run.path} was trained on other data: its training images have SHA-256 {facts['digest'][:12]}..., "
            f"these {data.train.digest[:12]}...; give the original data, or train again"
        )
    images = data.test if split == "test" else data.train.select(run.read("splits.json")["validation"])
    with lock(run.path / ".lock"):
        if split == "test":
            keep_test_description(run, data)
        return evaluate(run, images, split, device)


def data_of(run: Run) -> Dataset:
    """The data that a run was trained on, loaded again. Raises DataError if it is not there any more."""
    origin = run.read("data.json")["origin"]
    if not origin:
        raise DataError(f"{run.path} was trained on images made in memory; give them with data=...")
    return load(**origin)


@dataclass(frozen=True)
class DataDescription:
    """What `describe` found: a Description for each split, and the test images that stand in the training images too."""

    train: "Description"
    test: "Description"
    leaks: "Leaks"


def describe(data: Dataset, out: str | Path | None = None) -> DataDescription:
    """Count, measure and compare the images of a data set: classes, colours, duplicates, leaks between the splits.

    Args:
        data: what `load` gave.
        out: a folder for pictures of the training images: examples and mean image of each class, brightness and colours.
    """
    from seefar.data.describe import describe, leaks

    found = DataDescription(describe(data.train), describe(data.test), leaks(data.train, data.test))
    if out is not None:
        from seefar.reporting.data_pictures import write_data_pictures

        write_data_pictures(data.train, found.train, data.name, Path(out))
    return found


def predict(run: str | Path | Run, images: Sequence[str | Path], *, device: str = "auto") -> "list[Prediction]":
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


def report(run: str | Path | Run) -> Path:
    """Write `report.html`, one page that needs nothing else, from what is in the run folder; return its path."""
    from seefar.reporting.page import write_report

    return write_report(open_run(run))


def run(data: str | Path | Dataset, recipe: str | Recipe = "baseline", seed: int = 0, **options: Any) -> Run:
    """The whole path: load, train, evaluate on validation, evaluate on test once, report.

    Args:
        data: a Dataset, or a name or path for `load`.
        recipe: a name or a Recipe.
        seed: of weights, order and dropout.
        options: further arguments of `train`.

    Returns:
        The run; the report is at `run.path / "report.html"`.
    """
    if not isinstance(data, Dataset):
        data = load(data)
    trained = train(data, recipe, seed, **options)
    device = options.get("device", "auto")
    evaluate(trained, "validation", data=data, device=device)
    evaluate(trained, "test", data=data, device=device)
    report(trained)
    return trained
