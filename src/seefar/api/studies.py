"""Does it help? Train every variant of a study with every seed, open test once at the end, and sum up."""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar import files, progress, recipes
from seefar.api.images import load
from seefar.api.workers import Job, outcomes
from seefar.data.images import Dataset
from seefar.errors import UsageError, did_you_mean
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
    data: str | Path | Dataset | None = None,
    seeds: int | None = None,
    *,
    first_seed: int = 0,
    out: str | Path | None = None,
    until: float | None = None,
    budget: float | None = None,
    jobs: int = 1,
    ray: str | None = None,
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
        data: a Dataset, or a name or path for `load`; by default what the study names.
        seeds: how many trainings of each variant; by default as many as the study says.
        first_seed: seeds go on from there.
        out: the study's folder; by default `studies/<name>-<data>`.
        until: add seeds until every interval is at most that many points wide, 30 seeds at most; then no p-value is claimed.
        budget: seconds after which no further seed is begun; by default what the study says. The first is trained in any case.
        jobs: how many trainings go on at the same time on this machine, each with its share of the threads. In a script, call
            this below `if __name__ == "__main__":`, since other processes read the script too.
        ray: the address of a Ray cluster that trains in place of this machine: "auto", "local", "ray://host:port" (extra
            `cluster`). All its machines have to see the study's folder.
        device: "auto", "cpu", "cuda" or "mps".
        threads: of each training on the CPU; by default the cores of this machine divided by `jobs`. A study keeps the number that
            it began with, since the bits of the results depend on it.
        quiet: no lines on stderr.
        changes: recipe fields that all variants change alike.

    Raises:
        UsageError: the study makes no sense, the folder holds another one, or the data has changed since it began.
        SeefarError: a process was killed from outside.
    """
    from seefar.studies.results import results

    only_alone("study")
    chosen = choose_study(question, changes)
    seeds = chosen.seeds if seeds is None else seeds
    budget = chosen.budget if budget is None else budget
    _check_sizes(seeds, until, budget, jobs, ray, threads)
    wanted = definitions.variants(chosen)
    if data is None and not chosen.data:
        raise UsageError(f"the study {chosen.name!r} names no data; say on which images it is carried out")
    images = data if isinstance(data, Dataset) else load(data or chosen.data)
    _check_fit(chosen, wanted, images)
    folder = Path(out) if out else Path("studies") / f"{chosen.name}-{images.name}"
    files.make_folder(folder)
    with files.lock(folder / ".lock"):
        threads = _begin(folder, chosen, images, threads, max(1, (os.cpu_count() or 1) // jobs))
        work = _Work(folder.absolute(), chosen, wanted, images, device, threads, jobs, ray, {}, _failures(folder), quiet)
        used = _train_seeds(work, first_seed, seeds, until, budget)
        _open_test(work)
        planned = MOST if until is not None else seeds
        found = results(
            chosen, images.name, used, work.cells, work.failures, planned=planned, estimation_only=until is not None
        )
        files.write_json(folder / "results.json", asdict(found))
        from seefar.reporting.study_page import write_study

        write_study(found, work.cells, folder / "study.html")
    return found


def choose_study(question: str | Path | Study, changes: Mapping[str, Any]) -> Study:
    """The study that was asked for, with changes for all its variants. Raises UsageError if there is none, or none that is sound."""
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
    return replace(chosen, fields={**chosen.fields, **changes}) if changes else chosen


def _check_sizes(seeds: int, until: float | None, budget: float, jobs: int, ray: str | None, threads: int | None) -> None:
    """Raise UsageError for numbers that make no sense."""
    if not 1 <= seeds <= 1000:
        raise UsageError(f"seeds is {seeds}; allowed is 1 to 1000")
    if until is not None and (until <= 0 or seeds < 2):
        raise UsageError("until needs a width in points above 0, and 2 seeds or more to begin with")
    if budget < 0:
        raise UsageError(f"budget is {budget:g}; allowed is a number of seconds above 0, or 0 for none")
    if not 1 <= jobs <= 1000:
        raise UsageError(f"jobs is {jobs}; allowed is 1 to 1000")
    most = 1024 if ray else os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= most:
        raise UsageError(f"threads is {threads}; allowed is 1 to {most}")
    if ray is not None and jobs > 1:
        raise UsageError(
            "jobs are processes of this machine, and on a Ray cluster Ray decides how many there are; give one of them"
        )


def _check_fit(chosen: Study, wanted: Sequence[Variant], images: Dataset) -> None:
    """Raise UsageError, before anything is trained, if a variant cannot be carried out on these images."""
    from seefar.training.prepare import check

    for variant in wanted:
        recipe = recipes.change(recipes.find(chosen.base), variant.fields)
        try:
            check(recipe, len(images.classes), images.train.size, len(images.train) * (1 - recipe.validation))
        except UsageError as error:
            raise UsageError(f"variant {variant.name!r}: {error}", error.details) from None


def _begin(folder: Path, chosen: Study, images: Dataset, threads: int | None, usual: int) -> int:
    """Write down what the folder holds; refuse one that holds something else. Returns the threads of each training."""
    path = folder / "study.json"
    settled = usual if threads is None else threads
    facts = {
        "digest": definitions.digest(chosen),
        "study": definitions.to_json(chosen),
        "data": images.name,
        "train": images.train.digest,
        "test": images.test.digest,
        "threads": settled,
    }
    if not path.exists():
        files.write_json(path, facts)
        return settled
    there = json.loads(path.read_bytes())
    if there["digest"] != facts["digest"]:
        raise UsageError(
            f"{folder} holds another study, {there['study']['name']!r} as it was then; choose another folder with --out"
        )
    if (there["train"], there["test"]) != (facts["train"], facts["test"]):
        raise UsageError(f"the images have changed since the study in {folder} began; give the same ones, or another --out")
    if threads not in (None, there.get("threads", settled)):
        raise UsageError(
            f"threads is {threads}, but the study in {folder} began with {there['threads']}, and results depend on it; leave it out"
        )
    return int(there.get("threads", settled))


def _failures(folder: Path) -> dict[tuple[str, int], str]:
    path = folder / "failures.json"
    rows = json.loads(path.read_bytes()) if path.exists() else []
    return {(row["variant"], row["seed"]): row["reason"] for row in rows}


@dataclass(frozen=True)
class _Work:
    """What is to be done, by whom, and what has come of it so far (`cells` and `failures` grow)."""

    folder: Path
    study: Study
    variants: Sequence[Variant]
    images: Dataset
    device: str
    threads: int
    jobs: int
    ray: str | None
    cells: dict[tuple[str, int], Run]
    failures: dict[tuple[str, int], str]
    quiet: bool


def _train_seeds(work: _Work, first_seed: int, seeds: int, until: float | None, budget: float) -> list[int]:
    """Train with one seed after the other until there are enough, or the time is over; return those that were used."""
    began, trained, used = time.monotonic(), 0, list[int]()

    def too_late(pending: int) -> bool:
        elapsed = time.monotonic() - began
        return bool(budget and used) and elapsed + pending * (elapsed / trained if trained else 0) > budget

    while len(used) < seeds or (until is not None and len(used) < MOST and not _narrow(work, used, until)):
        # with a budget one by one, so that the clock is looked at in between
        count = 1 if budget or len(used) >= seeds else seeds - len(used)
        new = range(first_seed + len(used), first_seed + len(used) + count)
        jobs = _jobs(work, new)
        if too_late(len(jobs)):
            if not work.quiet:
                progress.say(f"note: the budget of {budget:g} s does not suffice for another seed; {len(used)} were trained")
            break
        _train_all(work, jobs)
        trained += len(jobs)
        used += new
    return used


def _jobs(work: _Work, seeds: Sequence[int]) -> dict[Path, tuple[str, int, Job]]:
    """The trainings with these seeds that are still to be done, by folder; finished ones are noted in `cells`."""
    base = recipes.find(work.study.base)
    jobs = {}
    for seed in seeds:
        for number, variant in enumerate(work.variants):
            if (variant.name, seed) in work.failures:
                continue
            path = work.folder / "runs" / f"{number:02d}-{_slug(variant.name)}-seed{seed}"
            run = Run(path)
            if run.has("evaluation-validation.json"):
                run.verify()
                work.cells[variant.name, seed] = run
            else:
                job = Job(path, recipes.change(base, variant.fields), seed, work.device, work.threads)
                jobs[path] = (variant.name, seed, job)
    return jobs


def _train_all(work: _Work, jobs: Mapping[Path, tuple[str, int, Job]]) -> None:
    """Carry out the jobs, and note what comes of each."""
    began = time.monotonic()
    doing = outcomes([job for _, _, job in jobs.values()], work.images, work.jobs, work.ray)
    for done, (job, failure) in enumerate(doing, start=1):
        variant, seed, _ = jobs[job.path]
        if failure is None:
            run = work.cells[variant, seed] = Run(job.path)
            outcome = f"{run.evaluation('validation')['accuracy']['value']:.1%} on validation"
        else:
            work.failures[variant, seed] = failure
            rows = [{"variant": name, "seed": number, "reason": why} for (name, number), why in work.failures.items()]
            files.write_json(work.folder / "failures.json", rows)
            outcome = f"failed: {failure}"
        if not work.quiet:
            left = (time.monotonic() - began) / done * (len(jobs) - done)
            progress.say(f"{done} of {len(jobs)}: {variant}, seed {seed}: {outcome}; about {left / 60:.0f} min left")


def _narrow(work: _Work, used: Sequence[int], until: float) -> bool:
    """Whether the intervals on validation are as narrow as was asked for; a variant that failed is not waited for."""
    from seefar.studies.results import results
    from seefar.studies.statistics import narrow_enough

    rows = results(work.study, work.images.name, used, work.cells, work.failures, planned=MOST, estimation_only=True).rows
    return narrow_enough([row.effect for row in rows if row.effect and not row.failures and len(row.effect.seeds) > 1], until)


def _open_test(work: _Work) -> None:
    """Evaluate every run on test, once."""
    from seefar.api.results import images_of
    from seefar.evaluation.evaluate import evaluate

    for run in work.cells.values():
        if not run.has("evaluation-test.json"):
            shown, validation = images_of(run, "test", work.images)
            with files.lock(run.path / ".lock"):
                evaluate(run, shown, "test", validation, work.device, verb=f"study {work.study.name}")


def _slug(name: str) -> str:
    """A variant's name as part of a folder's."""
    return re.sub(r"[^\w=.,+-]+", "-", name)[:60]
