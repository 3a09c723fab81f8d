"""Does it help? Train every variant of a study with every seed, open test once at the end, and sum up."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from seefar import files, progress
from seefar.cores import cores
from seefar.data.images import Dataset
from seefar.data.load import load
from seefar.errors import UsageError, did_you_mean
from seefar.evaluation.evaluate import evaluate
from seefar.recipe_fields import change, find
from seefar.runs.folder import Run
from seefar.studies import study as definitions
from seefar.studies.builtin import STUDIES
from seefar.studies.preconditions import check_fit, check_number, claim_folder
from seefar.studies.statistics import narrow_enough
from seefar.studies.study import Study, Variant
from seefar.studies.summary import Results, analyse
from seefar.studies.toml import read_study, to_json
from seefar.studies.workers import Job, outcomes
from seefar.torchrun import only_alone

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
) -> Results:
    """Train the variants of a study, and say which change helps, by how much, how sure, and at what cost.

    All variants share seeds, splits and the order of images. Choices are made on validation; the test images are opened once, at
    the end, for all runs, and each ledger says so. An interrupted study is resumed when it is called again: finished runs are not
    trained again, and a variant that failed stays recorded with its reason. `sf.report(results)` writes the page.

    Args:
        question: the name of a built-in study, a TOML file, or a Study.
        data: a Dataset, or a name or path for `load`; by default what the study names.
        seeds: how many trainings of each variant; by default as many as the study says.
        first_seed: the first of the seeds, which are consecutive.
        out: the study's folder; by default `studies/<name>-<data>`.
        until: add seeds until every interval is at most that many points wide, 30 seeds at most; then no p-value is claimed.
        budget: seconds after which no further seed is begun; by default what the study says. The first is trained in any case.
        jobs: how many trainings run at the same time on this machine, each with its share of the threads. In a script, call
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
    only_alone("study")
    chosen = choose_study(question, changes)
    seeds = chosen.seeds if seeds is None else seeds
    budget = chosen.budget if budget is None else budget
    _check_sizes(seeds, until, budget, jobs, ray, threads)
    variants = definitions.variants(chosen)
    if data is None and not chosen.data:
        raise UsageError(f"the study {chosen.name!r} names no data; give the images")
    images = data if isinstance(data, Dataset) else load(data or chosen.data)
    check_fit(find(chosen.base), [(f"variant {variant.name!r}: ", variant.fields) for variant in variants], images)
    folder = Path(out) if out else Path("studies") / f"{chosen.name}-{images.name}"
    files.make_folder(folder)
    with files.lock(folder / ".lock"):
        threads = _claim(folder, chosen, images, threads, jobs)
        failures = _read_failures(folder)
        experiment = _Experiment(folder, chosen, variants, images, device, threads, jobs, ray, {}, failures, quiet)
        used = experiment.train(first_seed, seeds, until, budget)
        experiment.evaluate_on_test()
        found = experiment.results(used, seeds if until is None else MOST, estimation_only=until is not None)
        files.write_json(folder / "results.json", asdict(found))
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
    check_number("seeds", seeds, 1, 1000)
    check_number("jobs", jobs, 1, 1000)
    if threads is not None:
        check_number("threads", threads, 1, 1024 if ray else cores())
    if until is not None and (until <= 0 or seeds < 2):
        raise UsageError("until needs a width in points above 0, and 2 seeds or more to begin with")
    if budget < 0:
        raise UsageError(f"budget is {budget:g}; allowed is a number of seconds above 0, or 0 for none")
    if ray is not None and jobs > 1:
        raise UsageError(
            "jobs are processes of this machine, and on a Ray cluster Ray decides how many there are; give one of them"
        )


def _claim(folder: Path, chosen: Study, images: Dataset, threads: int | None, jobs: int) -> int:
    """Write down what the folder holds; refuse one that holds something else. Returns the threads of each training."""
    facts = {"digest": definitions.digest(chosen), "study": to_json(chosen)}

    def check_same(there: Mapping[str, Any]) -> None:
        if there["digest"] != facts["digest"]:
            raise UsageError(
                f"{folder} holds another study, {there['study']['name']!r} as it was then; choose another folder with --out"
            )

    there = claim_folder(folder / "study.json", "study", facts, images, threads, jobs, check_same)
    return int(there["threads"])


def _read_failures(folder: Path) -> dict[tuple[str, int], str]:
    path = folder / "failures.json"
    rows = json.loads(path.read_bytes()) if path.exists() else []
    return {(row["variant"], row["seed"]): row["reason"] for row in rows}


@dataclass(frozen=True)
class _Experiment:
    """A study that is being carried out. `runs` and `failures`, by variant and seed, grow with it."""

    folder: Path
    study: Study
    variants: Sequence[Variant]
    images: Dataset
    device: str
    threads: int
    jobs: int
    ray: str | None
    runs: dict[tuple[str, int], Run]
    failures: dict[tuple[str, int], str]
    quiet: bool

    def train(self, first_seed: int, seeds: int, until: float | None, budget: float) -> list[int]:
        """Train with one seed after the other until there are enough, or the time is over; return those that were used."""
        began, trained, used = time.monotonic(), 0, list[int]()

        def too_late(pending: int) -> bool:
            elapsed = time.monotonic() - began
            return bool(budget and used) and elapsed + pending * (elapsed / trained if trained else 0) > budget

        while len(used) < seeds or (until is not None and len(used) < MOST and not self._narrow(used, until)):
            # with a budget one by one, so that the clock is looked at in between
            count = 1 if budget or len(used) >= seeds else seeds - len(used)
            new = range(first_seed + len(used), first_seed + len(used) + count)
            pending = self._pending(new)
            if too_late(len(pending)):
                if not self.quiet:
                    progress.say(f"note: the budget of {budget:g} s is too short for another seed; {len(used)} were trained")
                break
            self._train_all(pending)
            trained += len(pending)
            used += new
        return used

    def _pending(self, seeds: Sequence[int]) -> dict[Path, tuple[str, int, Job]]:
        """The trainings with these seeds that are still to be done, by folder; finished ones are noted in `runs`."""
        base = find(self.study.base)
        pending = {}
        for seed in seeds:
            for number, variant in enumerate(self.variants):
                if (variant.name, seed) in self.failures:
                    continue
                run = Run(self.folder.absolute() / "runs" / f"{number:02d}-{_slug(variant.name)}-seed{seed}")
                if run.has("evaluation-validation.json"):
                    run.verify()
                    self.runs[variant.name, seed] = run
                else:
                    job = Job(run.path, change(base, variant.fields), seed, self.device, self.threads)
                    pending[run.path] = (variant.name, seed, job)
        return pending

    def _train_all(self, pending: Mapping[Path, tuple[str, int, Job]]) -> None:
        """Carry out the trainings, and note what comes of each."""
        began = time.monotonic()
        jobs = [job for _, _, job in pending.values()]
        for done, (job, failure) in enumerate(outcomes(jobs, self.images.locked(), self.jobs, self.ray), start=1):
            variant, seed, _ = pending[job.path]
            if failure is None:
                run = self.runs[variant, seed] = Run(job.path)
                share = run.evaluation("validation")["accuracy"]
                outcome = f"{share['value']:.1%} on validation" if share else "no validation image counts"
            else:
                self.failures[variant, seed] = failure
                rows = [{"variant": name, "seed": number, "reason": why} for (name, number), why in self.failures.items()]
                files.write_json(self.folder / "failures.json", rows)
                outcome = f"failed: {failure}"
            if not self.quiet:
                left = (time.monotonic() - began) / done * (len(pending) - done)
                progress.say(f"{done} of {len(pending)}: {variant}, seed {seed}: {outcome}; about {left / 60:.0f} min left")

    def _narrow(self, used: Sequence[int], until: float) -> bool:
        """Whether the intervals on validation are as narrow as was asked for; a variant that failed is not waited for."""
        rows = self.results(used, MOST, estimation_only=True).rows
        return narrow_enough(
            [row.effect for row in rows if row.effect and not row.failures and len(row.effect.seeds) > 1], until
        )

    def evaluate_on_test(self) -> None:
        """Evaluate every run on test, once."""
        for run in self.runs.values():
            if not run.has("evaluation-test.json"):
                evaluate(run, "test", data=self.images, device=self.device, verb=f"study {self.study.name}")

    def results(self, used: Sequence[int], planned: int, *, estimation_only: bool) -> Results:
        """What has been found so far."""
        return analyse(
            self.study,
            self.images.name,
            used,
            self.runs,
            self.failures,
            planned=planned,
            estimation_only=estimation_only,
            folder=str(self.folder),
        )


def _slug(name: str) -> str:
    """A variant's name as part of a folder's."""
    return re.sub(r"[^\w=.,+-]+", "-", name)[:60]
