"""Does it help? Train every variant of a study with every seed, open test once at the end, and sum up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar import files, progress, recipes
from seefar.api.images import load
from seefar.api.training import train
from seefar.data.images import Dataset
from seefar.errors import DivergedError, OutOfMemoryError, UsageError, did_you_mean
from seefar.runs.folder import Run
from seefar.studies import study as definitions
from seefar.studies.builtin import STUDIES
from seefar.studies.study import Study, Variant
from seefar.studies.toml import read_study
from seefar.training.launch import only_alone

if TYPE_CHECKING:
    from seefar.studies.results import Results

MOST = 30  # seeds that `until` adds at most (chosen by hand: then the interval is a third of that of five)


def study(
    question: str | Path | Study,
    data: str | Path | Dataset,
    seeds: int = 3,
    *,
    first_seed: int = 0,
    out: str | Path | None = None,
    until: float | None = None,
    subset: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    quiet: bool = False,
    **changes: Any,
) -> "Results":
    """Train the variants of a study, and say which change helps, by how much, how sure, and at what cost.

    All variants share seeds, splits and the order of images. Choices are made on validation; the test images are opened once, at
    the end, for all runs, and each ledger says so. A study that was broken off goes on when it is called again: finished runs are
    not done again, and a variant that failed stays recorded with its reason.

    Args:
        question: the name of a built-in study, a TOML file, or a Study.
        data: a Dataset, or a name or path for `load`.
        seeds: how many trainings of each variant.
        first_seed: seeds go on from there.
        out: the study's folder; by default `studies/<name>-<data>`.
        until: add seeds until every interval is at most that many points wide, 30 seeds at most; then no p-value is claimed.
        subset: use only the first so many training images of a seeded, balanced choice, for speed.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU; by default as many as it has cores.
        quiet: no lines on stderr.
        changes: recipe fields that all variants change alike.

    Raises:
        UsageError: the study makes no sense, the folder holds another one, or the data has changed since it began.
    """
    from seefar.studies.results import results

    only_alone("study")
    chosen = _chosen(question, changes)
    if not 1 <= seeds <= 1000:
        raise UsageError(f"seeds is {seeds}; allowed is 1 to 1000")
    if until is not None and (until <= 0 or seeds < 2):
        raise UsageError("until needs a width in points above 0, and 2 seeds or more to begin with")
    wanted = definitions.variants(chosen)
    images = data if isinstance(data, Dataset) else load(data)
    if subset is not None:
        images = _part(images, subset)
    _check_fit(chosen, wanted, images)
    folder = Path(out) if out else Path("studies") / f"{chosen.name}-{images.name}"
    files.make_folder(folder)
    with files.lock(folder / ".lock"):
        _begin(folder, chosen, images, subset)
        cells: dict[tuple[str, int], Run] = {}
        failures = _failures(folder)
        used = list(range(first_seed, first_seed + seeds))
        for seed in used:
            _train_all(folder, chosen, wanted, images, seed, cells, failures, device, threads, quiet=quiet)
        while until is not None and len(used) < MOST and not _narrow(chosen, images, used, cells, failures, until):
            used.append(used[-1] + 1)
            _train_all(folder, chosen, wanted, images, used[-1], cells, failures, device, threads, quiet=quiet)
        _open_test(chosen, images, cells, device)
        found = results(chosen, images.name, used, cells, failures, estimation_only=until is not None)
        files.write_json(folder / "results.json", asdict(found))
        from seefar.reporting.study_page import write_study

        write_study(found, cells, folder / "study.html")
    return found


def _chosen(question: str | Path | Study, changes: Mapping[str, Any]) -> Study:
    """The study that was asked for, with changes for all its variants."""
    if isinstance(question, Study):
        chosen = question
    elif str(question) in STUDIES:
        chosen = STUDIES[str(question)]
    elif str(question).endswith(".toml"):
        chosen = read_study(Path(question))
    else:
        raise UsageError(
            f"no study is called {str(question)!r}{did_you_mean(str(question), STUDIES)}; there are {', '.join(STUDIES)}, or give a "
            "file that ends in .toml"
        )
    from dataclasses import replace

    return replace(chosen, fields={**chosen.fields, **changes}) if changes else chosen


def _part(images: Dataset, subset: int) -> Dataset:
    """The data with fewer training images, all classes alike."""
    from dataclasses import replace

    from seefar.data.splits import carve

    if not len(images.classes) * 10 <= subset <= len(images.train):
        raise UsageError(
            f"subset is {subset}; allowed is {len(images.classes) * 10} to {len(images.train)}, the training images"
        )
    if subset == len(images.train):
        return images
    _, part = carve(images.train, subset / len(images.train), images.split_seed, "subset")
    return replace(images, name=f"{images.name}-{subset}", train=part, origin={})


def _check_fit(chosen: Study, wanted: Sequence[Variant], images: Dataset) -> None:
    """Raise UsageError, before anything is trained, if a variant cannot be carried out on these images."""
    from seefar.training.prepare import check

    for variant in wanted:
        recipe = recipes.change(recipes.find(chosen.base), variant.fields)
        try:
            check(recipe, len(images.classes), images.train.size, len(images.train) * (1 - recipe.validation))
        except UsageError as error:
            raise UsageError(f"variant {variant.name!r}: {error}", error.details) from None


def _begin(folder: Path, chosen: Study, images: Dataset, subset: int | None) -> None:
    """Write down what the folder holds; refuse one that holds something else."""
    import json

    path = folder / "study.json"
    facts = {
        "digest": definitions.digest(chosen),
        "study": definitions.to_json(chosen),
        "data": images.name,
        "train": images.train.digest,
        "test": images.test.digest,
        "subset": subset,
    }
    if not path.exists():
        files.write_json(path, facts)
        return
    there = json.loads(path.read_bytes())
    if there["digest"] != facts["digest"]:
        raise UsageError(
            f"{folder} holds another study, {there['study']['name']!r} as it was then; choose another folder with --out"
        )
    if (there["train"], there["test"]) != (facts["train"], facts["test"]):
        raise UsageError(f"the images have changed since the study in {folder} began; give the same ones, or another --out")


def _failures(folder: Path) -> dict[tuple[str, int], str]:
    import json

    path = folder / "failures.json"
    rows = json.loads(path.read_bytes()) if path.exists() else []
    return {(row["variant"], row["seed"]): row["reason"] for row in rows}


def _train_all(
    folder: Path,
    chosen: Study,
    wanted: Sequence[Variant],
    images: Dataset,
    seed: int,
    cells: dict[tuple[str, int], Run],
    failures: dict[tuple[str, int], str],
    device: str,
    threads: int | None,
    *,
    quiet: bool,
) -> None:
    """One training of each variant with this seed, unless it is there, and its evaluation on validation."""
    from seefar.api.results import evaluate

    base = recipes.find(chosen.base)
    for number, variant in enumerate(wanted):
        key = (variant.name, seed)
        if key in failures:
            continue
        path = folder / "runs" / f"{number:02d}-{_slug(variant.name)}-seed{seed}"
        recipe = recipes.change(base, variant.fields)
        if not quiet:
            progress.say(f"{variant.name}, seed {seed}")
        try:
            run = train(images, recipe, seed, out=path, resume=True, device=device, threads=threads, quiet=True)
        except (DivergedError, OutOfMemoryError) as error:
            failures[key] = str(error)
            rows = [{"variant": name, "seed": number, "reason": why} for (name, number), why in failures.items()]
            files.write_json(folder / "failures.json", rows)
            continue
        if not run.has("evaluation-validation.json"):
            evaluate(run, "validation", data=images, device=device)
        cells[key] = run


def _narrow(
    chosen: Study,
    images: Dataset,
    used: Sequence[int],
    cells: Mapping[tuple[str, int], Run],
    failures: Mapping[tuple[str, int], str],
    until: float,
) -> bool:
    """Whether the intervals on validation are as narrow as was asked for; a variant that failed is not waited for."""
    from seefar.studies.results import results
    from seefar.studies.statistics import narrow_enough

    rows = results(chosen, images.name, used, cells, failures, estimation_only=True).rows
    return narrow_enough([row.effect for row in rows if row.effect and not row.failures and len(row.effect.seeds) > 1], until)


def _open_test(chosen: Study, images: Dataset, cells: Mapping[tuple[str, int], Run], device: str) -> None:
    """Evaluate every run on test, once."""
    from seefar.api.results import images_of
    from seefar.evaluation.evaluate import evaluate

    for run in cells.values():
        if not run.has("evaluation-test.json"):
            shown, validation = images_of(run, "test", images)
            with files.lock(run.path / ".lock"):
                evaluate(run, shown, "test", validation, device, verb=f"study {chosen.name}")


def _slug(name: str) -> str:
    """A variant's name as part of a folder's."""
    return re.sub(r"[^\w=.,+-]+", "-", name)[:60]
