"""Tuning: search the fields of a recipe on validation, then let fresh seeds and the test images say what the winner is worth."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seefar import files, progress
from seefar.data.images import Dataset
from seefar.data.load import load
from seefar.errors import UsageError
from seefar.recipe_fields import change, find, flat, text
from seefar.recipes import Recipe
from seefar.studies import search_space as spaces
from seefar.studies import study as definitions
from seefar.studies.carry_out import study
from seefar.studies.preconditions import check_fit, check_number, claim_folder
from seefar.studies.search_space import Choices, Range
from seefar.studies.study import Change, Study
from seefar.studies.tuned import Tuning
from seefar.torchrun import only_alone
from seefar.training.machine import choose_machine


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

    Every trial trains with the same seed and is judged on the same validation images; what falls behind is pruned. The best of many
    is flattered by the choice, so the winner and the base are then trained anew with fresh seeds, and the test images, opened once,
    say what the difference is. An interrupted search is resumed when it is called again, its unfinished trainings included. Needs
    the extra `tune`.

    Several processes may work on one search: `jobs` on this machine, and the same call on others, with the same `out` on a shared
    disk and one `storage`.

    Args:
        data: a Dataset, or a name or path for `load`.
        space: what is searched, by field: "0.001..0.1:log", "0..0.5", "64,128,256" as `--search` takes it, a Range or Choices.
        base: the recipe by name; its own values are the first trial, if they lie in the space.
        trials: how many, those included that are pruned or fail. A space with fewer points is searched completely.
        seed: of all trials and of the search; confirming uses the seeds after it.
        out: the folder; by default `tunings/<base>-<data>`.
        storage: the database that trials are written to, as SQLAlchemy names it; by default the file `trials.db` in the folder.
        jobs: how many trainings run at the same time on this machine. In a script, call this below
            `if __name__ == "__main__":`, since other processes read the script too.
        confirm: seeds to confirm the winner with; 0: none, and then nothing is claimed.
        device: "auto", "cpu", "cuda" or "mps".
        threads: of each training on the CPU; by default the cores of this machine divided by `jobs`. A search keeps the number that
            it began with, since the bits of the results depend on it.
        quiet: no lines on stderr.
        changes: recipe fields that all trials, the base and the winner change alike.

    Raises:
        UsageError: Optuna is missing, the space makes no sense, the folder holds another search, or the storage cannot be opened.
        StoppedError: Ctrl-C, or a signal; the work is saved, and the same call continues it.
    """
    only_alone("tune")
    recipe, searched = choose_space(space, base, changes)
    from seefar.studies.search import work, work_in_processes  # they import Optuna, which is there by now
    from seefar.studies.trials import Search, open_trials

    for name, value, low, high in (("trials", trials, 1, 10_000), ("jobs", jobs, 1, 1000), ("confirm", confirm, 0, 1000)):
        check_number(name, value, low, high)
    images = data if isinstance(data, Dataset) else load(data)
    _check_values(recipe, searched, images)
    choose_machine(recipe.optimisation.precision, device, threads, shared=False)  # raises an error if there is no such device
    folder = Path(out) if out else Path("tunings") / f"{base}-{images.name}"
    files.make_folder(folder / "trials")
    tried = {field: spaces.text(values) for field, values in searched.items()}
    asked = {"base": base, "recipe": flat(recipe), "space": tried, "seed": seed, "split_seed": images.split_seed}
    points = spaces.size(searched)
    if points is not None and points < trials and not quiet:
        progress.say(f"note: the space has {points} points, and more trials than that would repeat some")
    there = _claim(folder, asked, images, threads, jobs)
    search = Search(
        folder=folder.absolute(),
        storage=storage,
        name=there["search"],
        recipe=recipe,
        space=searched,
        images=images.locked(),  # a search has no way to the test images
        seed=seed,
        trials=min(trials, points or trials),
        device=device,
        threads=there["threads"],
        quiet=quiet,
    )
    with open_trials(search) as opened:
        if jobs > 1:
            work_in_processes(search, jobs)
        work(opened)  # alone, or where the others left off: one that is killed leaves its trial behind
        found = Tuning(
            base=base,
            data=images.name,
            folder=str(folder),
            set={field: flat(recipe)[field] for field in changes},
            space=tried,
            confirmation=None,
            page=None,
            earlier=0,
            **opened.found(),
        )
    if confirm and found.winner is not None and not found.base_won:
        question = _question(found)
        if not quiet:
            progress.say(f"confirming trial {found.winner} against {base} with {confirm} fresh seeds")
        with files.lock(folder / ".confirming", wait=_tell_waiting):
            place, earlier = _place(folder, question, found.winner)
            options: dict[str, Any] = {"jobs": jobs, "device": device, "threads": search.threads, "quiet": quiet}
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
    recipe = change(find(base), changes)
    return recipe, spaces.read(recipe, space, changes)


def _check_values(recipe: Recipe, space: spaces.Space, images: Dataset) -> None:
    """Raise UsageError, before anything is trained, if the base or a value on its own cannot be carried out on these images."""
    if recipe.network.frozen_stages:
        raise UsageError("frozen_stages would freeze random weights, since no trial starts from another run; set it to 0")
    variants: list[tuple[str, Mapping[str, Any]]] = [("", {})]
    for field, tried in space.items():
        ends = (tried.low, tried.high) if isinstance(tried, Range) else map(text, tried.values)
        where = f"--search {field}={spaces.text(tried)}: "
        variants += [(where, spaces.fields({field: tried}, {field: value})) for value in ends]
    check_fit(recipe, variants, images)


def _claim(folder: Path, asked: Mapping[str, Any], images: Dataset, threads: int | None, jobs: int) -> dict[str, Any]:
    """Write down what the folder is for, and refuse one that is for something else. Returns what it says."""

    def check_same(there: Mapping[str, Any]) -> None:
        old, new = _by_line(there), _by_line(json.loads(json.dumps({**asked, "data": images.name})))
        keys = {**old, **new}
        if differing := [f"{key}: {old.get(key)} there, {new.get(key)} here" for key in keys if old.get(key) != new.get(key)]:
            raise UsageError(
                f"{folder} holds a different search from the one requested; choose another folder with --out",
                details=differing,
            )

    name = f"seefar-{asked['base']}-{images.name}-{secrets.token_hex(4)}"  # folders that share a storage stay apart
    with files.lock(folder / ".lock", wait=_tell_waiting):
        return claim_folder(folder / "tuning.json", "search", {"search": name, **asked}, images, threads, jobs, check_same)


def _by_line(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, with a line of its own for each field."""
    searched = {f"search {field}": tried for field, tried in facts["space"].items()}
    return {**{key: facts[key] for key in ("base", "seed", "split_seed", "data")}, **facts["recipe"], **searched}


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
