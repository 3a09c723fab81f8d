"""Tuning: search the fields of a recipe on validation, then let fresh seeds and the test images say what the winner is worth."""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar import files, progress, recipes
from seefar.api.images import load
from seefar.api.search import Search, Worker, silent, work_together
from seefar.api.studies import study
from seefar.api.surroundings import machine_of
from seefar.data.images import Dataset
from seefar.data.splits import carve
from seefar.errors import UsageError
from seefar.recipes import Recipe
from seefar.studies import space as spaces
from seefar.studies import study as definitions
from seefar.studies.space import Choices, Range
from seefar.studies.study import Change, Study
from seefar.studies.tuned import Tuning
from seefar.training.launch import only_alone

if TYPE_CHECKING:
    pass


def tune(
    data: str | Path | Dataset,
    space: Mapping[str, str | Range | Choices],
    base: str = "deep",
    trials: int = 30,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    storage: str | None = None,
    jobs: int = 1,
    confirm: int = 3,
    device: str = "auto",
    threads: int | None = None,
    quiet: bool = False,
    **changes: Any,
) -> Tuning:
    """Search the fields of a recipe on validation, and confirm the winner with seeds and images that the search never saw.

    Every trial trains with the same seed and is judged on the same validation images; what falls behind is given up early. The best
    of many is flattered by the choice, so the winner and the base are then trained anew with fresh seeds, and the test images,
    opened once, say what the difference is. A search that was broken off goes on when it is called again, its unfinished trainings
    included. Needs the extra `tune`.

    Several processes may work on one search: `jobs` on this machine, and the same call on others, with the same `out` on a shared
    disk and one `storage`.

    Args:
        data: a Dataset, or a name or path for `load`.
        space: what is searched, by field: "0.001..0.1:log", "0..0.5", "64,128,256" as `--search` takes it, a Range or Choices.
        base: the recipe by name; its own values are the first trial, if they lie in the space.
        trials: how many, those included that are given up or fail. A space with fewer points is searched completely.
        seed: of all trials and of the search; confirming uses those behind it.
        out: the folder; by default `tunings/<base>-<data>`.
        storage: the database that trials are written to, as SQLAlchemy names it; by default the file `trials.db` in the folder.
        jobs: how many trainings go on at the same time on this machine. In a script, call this below
            `if __name__ == "__main__":`, since other processes read the script too.
        confirm: seeds to confirm the winner with; 0: none, and then nothing is claimed.
        device: "auto", "cpu", "cuda" or "mps".
        threads: of each training on the CPU; by default the cores of this machine divided by `jobs`. A search keeps the number that
            it began with, since the bits of the results depend on it.
        quiet: no lines on stderr.
        changes: recipe fields that all trials, the base and the winner change alike.

    Raises:
        UsageError: Optuna is missing, the space makes no sense, the folder holds another search, or the storage cannot be opened.
        StoppedError: Ctrl-C, or a signal; the work is saved, and the same call goes on with it.
    """
    only_alone("tune")
    recipe, searched = choose_space(space, base, changes)
    _check_numbers(trials, jobs, confirm)
    images = data if isinstance(data, Dataset) else load(data)
    _check_fit(recipe, searched, images)
    machine_of(device, threads, False, False, recipe)  # that there is such a device, before anything is written
    folder = Path(out) if out else Path("tunings") / f"{base}-{images.name}"
    files.make_folder(folder / "trials")
    asked: dict[str, Any] = {
        "base": base,
        "recipe": {name: value for name, value in asdict(recipe).items() if name not in ("name", "about")},
        "space": {field: spaces.text(tried) for field, tried in searched.items()},
        "seed": seed,
        "data": images.name,
        "train": images.train.digest,
        "test": images.test.digest,
        "split_seed": images.split_seed,
    }
    points = spaces.size(searched)
    if points is not None and points < trials and not quiet:
        progress.say(f"note: the space has {points} points, and more trials than that would repeat some")
    name, threads = _begin(folder, asked, threads, max(1, (os.cpu_count() or 1) // jobs))
    search = Search(
        folder=folder.absolute(),
        storage=storage,
        name=name,
        recipe=recipe,
        space=searched,
        images=replace(images, test=images.test[:0]),  # a search has no way to the test images
        seed=seed,
        trials=min(trials, points or trials),
        device=device,
        threads=threads,
        quiet=quiet,
    )
    with silent(), contextlib.closing(Worker(search)) as worker:
        if jobs > 1:
            work_together(search, jobs)
        worker.work()  # alone, or where the others left off: one that is killed leaves its trial behind
        found = Tuning(
            base=base,
            data=images.name,
            folder=str(folder),
            set={field: getattr(recipe, field) for field in changes},
            space=asked["space"],
            confirmation=None,
            page=None,
            earlier=0,
            **worker.found(),
        )
    if confirm and found.winner is not None and not found.base_won:
        question = _question(found)
        if not quiet:
            progress.say(f"confirming trial {found.winner} against {base} with {confirm} fresh seeds")
        with files.lock(folder / ".confirming", wait=_tell_waiting):
            place, earlier = _place(folder, question, found.winner)
            options: dict[str, Any] = {"jobs": jobs, "device": device, "threads": threads, "quiet": quiet}
            confirmed = study(question, images, confirm, first_seed=seed + 1, out=place, **options)
        found = replace(found, confirmation=confirmed, page=str(place / "study.html"), earlier=earlier)
    files.write_json(folder / "results.json", asdict(found))
    return found


def choose_space(
    space: Mapping[str, str | Range | Choices], base: str, changes: Mapping[str, Any]
) -> tuple[Recipe, dict[str, Range | Choices]]:
    """The recipe that is searched around, and the space. Raises UsageError if they make no sense, or if Optuna is missing."""
    if find_spec("optuna") is None:
        raise UsageError("tune needs Optuna, which draws the trials; pip install 'seefar[tune]'")
    recipe = recipes.change(recipes.find(base), changes)
    return recipe, spaces.read(recipe, space, changes)


def _check_numbers(trials: int, jobs: int, confirm: int) -> None:
    """Raise UsageError for numbers that make no sense."""
    for name, value, low, high in (("trials", trials, 1, 10_000), ("jobs", jobs, 1, 1000), ("confirm", confirm, 0, 1000)):
        if not low <= value <= high:
            raise UsageError(f"{name} is {value}; allowed is {low} to {high}")


def _check_fit(recipe: Recipe, space: spaces.Space, images: Dataset) -> None:
    """Raise UsageError, before anything is trained, if the base or a value on its own cannot be carried out on these images."""
    from seefar.training.prepare import check

    if recipe.frozen_stages:
        raise UsageError("frozen_stages would freeze random weights, since no trial starts from another run; set it to 0")
    training, _ = carve(images.train, recipe.validation, images.split_seed, "validation")
    check(recipe, len(images.classes), images.train.size, len(training))
    for field, tried in space.items():
        ends = (tried.low, tried.high) if isinstance(tried, Range) else map(recipes.text, tried.values)
        for value in ends:
            changed = spaces.fields({field: tried}, {field: value})
            try:
                check(recipes.change(recipe, changed), len(images.classes), images.train.size, len(training))
            except UsageError as error:
                raise UsageError(f"--search {field}={spaces.text(tried)}: {error}", error.details) from None


def _begin(folder: Path, asked: Mapping[str, Any], threads: int | None, usual: int) -> tuple[str, int]:
    """Write down what the folder is for, and refuse one that is for something else.

    Returns:
        The name of the search in its storage, and the threads of each training.
    """
    path = folder / "tuning.json"
    with files.lock(folder / ".lock", wait=_tell_waiting):
        if not path.exists():
            name = f"seefar-{asked['base']}-{asked['data']}-{secrets.token_hex(4)}"  # folders that share a storage stay apart
            files.write_json(path, {"search": name, "threads": threads or usual, **asked})
            return name, threads or usual
        there, here = json.loads(path.read_bytes()), json.loads(json.dumps(asked))
    if any(there[key] != here[key] for key in ("train", "test")):
        raise UsageError(f"the images have changed since the search in {folder} began; give the same ones, or another --out")
    old, new = (_flat(facts) for facts in (there, here))
    keys = {**old, **new}
    if differing := [f"{key}: {old.get(key)} there, {new.get(key)} here" for key in keys if old.get(key) != new.get(key)]:
        raise UsageError(
            f"{folder} holds another search than the one that is asked for; choose another folder with --out", details=differing
        )
    if threads not in (None, there["threads"]):
        raise UsageError(
            f"threads is {threads}, but the search in {folder} began with {there['threads']}, and results depend on it; leave it out"
        )
    return there["search"], there["threads"]


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, with a line of its own for each field."""
    flat = {key: value for key, value in facts.items() if key not in ("recipe", "space", "search", "threads")}
    flat |= facts["recipe"]
    return flat | {f"search {field}": tried for field, tried in facts["space"].items()}


def _tell_waiting(owner: str) -> None:
    progress.say(f"waiting for {owner}")


def _question(found: Tuning) -> Study:
    """The study that confirms the winner."""
    reason = f"It was the best of {len(found.trials)} trials on validation."
    return Study(
        name=f"tuned-{found.base}",
        about=f"Whether what a search found is better than recipe {found.base}.",
        base=found.base,
        changes=(Change("tuned", reason, found.fields),),
        fields=found.set,
    )


def _place(folder: Path, question: Study, winner: int) -> tuple[Path, int]:
    """The folder of the confirming study, and for how many other winners of this search test has been opened."""
    there = {path.parent: json.loads(path.read_bytes())["digest"] for path in sorted(folder.glob("confirmation*/study.json"))}
    own = [path for path, digest in there.items() if digest == definitions.digest(question)]
    place = own[0] if own else folder / (f"confirmation-{winner:04d}" if there else "confirmation")
    return place, len(there) - len(own)
