"""The trials of a search: drawn by Optuna, trained, given up early or finished, by one process or several that share a storage."""

import contextlib
import functools
import multiprocessing
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seefar import files, progress, recipes
from seefar.api.facts import write_facts
from seefar.api.surroundings import machine_of
from seefar.api.workers import begin_apart
from seefar.data.images import Dataset
from seefar.data.splits import carve
from seefar.errors import (
    DivergedError,
    InUseError,
    ModelFileError,
    OutOfMemoryError,
    SeefarError,
    StoppedError,
    UsageError,
)
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.seeds import derive
from seefar.studies import space as spaces
from seefar.studies.space import Choices, Range
from seefar.studies.tuned import Trial

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    import optuna

STARTUP = 10  # trials drawn at random before the sampler begins to learn (Optuna's own number)
UNPRUNED = 5  # trials that come to their end before any is given up (Optuna's own number)
WARMUP = 3  # no trial is given up in the first third of the epochs (chosen by hand: high rates are slow at first)
ENOUGH = 10  # complete trials from which on it is said how much each field matters (chosen by hand)
ATTEMPTS = 2  # times that a trial may cost its process the life (chosen by hand: the second time it is not chance)
PATIENCE = 60  # seconds that a process waits for others to write to an SQLite file (chosen by hand; a write takes milliseconds)
LARGEST_SEED = 2**32  # of numpy's older generator, which the sampler uses


@dataclass(frozen=True)
class Search:
    """All that a process needs to take part in a search."""

    folder: Path
    storage: str | None
    name: str
    recipe: Recipe
    space: dict[str, Range | Choices]
    images: Dataset
    seed: int
    trials: int
    device: str
    threads: int
    quiet: bool


class Worker:
    """One process of a search. Several agree through the storage, which knows all trials, and through locks, which say who lives.

    A trial's folder is locked as long as somebody works on it, and trials are taken in turn, under the lock of the whole. So a
    trial that is running by the storage but not locked belongs to a process that has died, on whatever machine.
    """

    def __init__(self, search: Search) -> None:
        import optuna

        self.search = search
        with files.lock(search.folder / ".lock", wait=lambda owner: None):
            self.storage = _open_storage(search)
            # Halving and Hyperband decide after the first epochs, and want hundreds of trials to choose among. With tens of trials
            # of tens of epochs the median is the rule that gives up least of what would have come late.
            self.study = optuna.create_study(
                storage=self.storage,
                study_name=search.name,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(UNPRUNED, self._shortest() // WARMUP + 1),
            )
            if "begun" not in self.study.user_attrs:
                self._begin()

    def close(self) -> None:
        """Leave the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _shortest(self) -> int:
        """The fewest epochs that a trial may be planned for."""
        tried = self.search.space.get("epochs", Choices((self.search.recipe.epochs,)))
        return int(tried.low if isinstance(tried, Range) else min(tried.values))

    def _begin(self) -> None:
        """Put on the list what is tried first. Raises UsageError if this is another storage than the search began with."""
        if any((self.search.folder / "trials").iterdir()):
            raise UsageError(
                f"{self.search.folder} holds trials that its storage does not know; give the --storage that it began with, or another "
                "--out"
            )
        for point in self._first_points():
            self.study.enqueue_trial(point, skip_if_exists=True)
        self.study.set_user_attr("begun", True)

    def _first_points(self) -> Sequence[dict[str, float | str]]:
        """What is tried first: the base itself, and where the trials suffice for it the whole space."""
        own, size = spaces.point_of(self.search.space, self.search.recipe), spaces.size(self.search.space)
        first = [own] if own else []
        if size is None or size > self.search.trials:
            return first
        return first + [point for point in spaces.points(self.search.space) if point != own]

    def work(self) -> None:
        """Take one trial after the other, until there are enough and all of them have ended, those of other processes included."""
        while True:
            with contextlib.ExitStack() as held:
                trial = self._take(held)
                if trial is not None:
                    self._carry_out(trial)
                    continue
            if not (running := self._trials("RUNNING")):
                return
            with files.lock(self._path(running[0].number) / ".lock", wait=lambda owner: None):
                pass  # it has ended, or its process has

    def _take(self, held: contextlib.ExitStack) -> "optuna.Trial | None":
        """A trial whose process has died, or else a new one; None if there are enough. Its folder stays locked while `held` is."""
        with files.lock(self.search.folder / ".lock", wait=lambda owner: None):
            begun = [trial for trial in self.study.get_trials(deepcopy=False) if trial.state.name != "WAITING"]
            for there in begun:
                if there.state.name == "RUNNING" and self._lock(there.number, held):
                    return self._draw(self._again(there.number))
            if len(begun) >= self.search.trials:
                return None
            self._seed(len(begun))
            trial = self.study.ask()
            self._lock(trial.number, held)
            return self._draw(trial)

    def _lock(self, number: int, held: contextlib.ExitStack) -> bool:
        """Whether nobody else works on the trial, who would hold this lock."""
        try:
            held.enter_context(files.lock(files.make_folder(self._path(number)) / ".lock"))
        except InUseError:
            return False
        return True

    def _again(self, number: int) -> "optuna.Trial":
        """The trial of that number, to go on with."""
        import optuna

        self._seed(number)
        search_id = self.storage.get_study_id_from_name(self.search.name)
        return optuna.Trial(self.study, self.storage.get_trial_id_from_study_id_trial_number(search_id, number))

    def _seed(self, number: int) -> None:
        """Draw that trial from a stream of its own, so that a search that was broken off draws what it would have drawn."""
        import optuna

        seed = derive(self.search.seed, "trial", number) % LARGEST_SEED
        self.study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed)

    def _draw(self, trial: "optuna.Trial") -> "optuna.Trial":
        """The trial, with a value for each field; those that it has already stay."""
        for field, tried in self.search.space.items():
            if isinstance(tried, Choices):
                trial.suggest_categorical(field, [recipes.text(value) for value in tried.values])
            elif tried.whole:
                trial.suggest_int(field, int(tried.low), int(tried.high), log=tried.log)
            else:
                trial.suggest_float(field, tried.low, tried.high, log=tried.log)
        return trial

    def _carry_out(self, trial: "optuna.Trial") -> None:
        """Train, and tell the storage how it ended."""
        began = time.monotonic()
        changed = spaces.fields(self.search.space, trial.params)
        state, accuracy, reason = self._twin(trial, changed) or self._outcome(trial, changed)
        if reason:
            trial.set_user_attr("reason", reason)
        from optuna.trial import TrialState

        self.study.tell(trial, accuracy, TrialState[state])
        if not self.search.quiet:
            self._say(trial, state, accuracy, reason, changed, time.monotonic() - began)

    def _twin(self, trial: "optuna.Trial", changed: Mapping[str, Any]) -> tuple[str, float | None, str] | None:
        """How an earlier trial of the same recipe ended: with the same seed this one would end likewise."""
        for other in self._trials("COMPLETE", "PRUNED", "FAIL"):
            if spaces.fields(self.search.space, other.params) == changed:
                trial.set_user_attr("same_as", other.number)
                accuracy = other.value if other.state.name == "COMPLETE" else None
                return other.state.name, accuracy, other.user_attrs.get("reason", "")
        return None

    def _outcome(self, trial: "optuna.Trial", changed: Mapping[str, Any]) -> tuple[str, float | None, str]:
        """How the training of a trial ended, its accuracy on validation, and why it failed if it did."""
        attempts = trial.user_attrs.get("attempts", 0)
        if attempts == ATTEMPTS:
            return "FAIL", None, f"its process was killed {attempts} times, perhaps since memory ran out"
        trial.set_user_attr("attempts", attempts + 1)
        try:
            accuracy = self._train(trial, recipes.change(self.search.recipe, changed), Run(self._path(trial.number)))
        except StoppedError as error:
            trial.set_user_attr("attempts", attempts)
            where = f"in trial {trial.number}; all is saved, and the same command goes on with it"
            raise StoppedError(error.exit_code - 128, where) from None
        except (DivergedError, OutOfMemoryError, ModelFileError, UsageError) as error:
            return "FAIL", None, str(error)
        return ("PRUNED", None, "") if accuracy is None else ("COMPLETE", accuracy, "")

    def _train(self, trial: "optuna.Trial", recipe: Recipe, run: Run) -> float | None:
        """The accuracy on validation of the weights that are kept; None if the trial was given up on the way."""
        from seefar.runs.checkpoints import newest_checkpoint
        from seefar.training.fit import Epoch, earlier_epochs, fit
        from seefar.training.pace import ByClock
        from seefar.training.signals import graceful

        search = self.search
        machine = machine_of(search.device, search.threads, False, False, recipe)
        clock = ByClock(recipe.budget, time.perf_counter(), recipe.resolution)
        training, validation = carve(search.images.train, recipe.validation, search.images.split_seed, "validation")
        checkpoint, complaints = newest_checkpoint(run)
        for complaint in complaints:
            progress.say(f"note: {complaint}; going back to the checkpoint before it")
        if checkpoint is None:
            write_facts(run, recipe, search.seed, search.images, training, validation, machine, None)
        earlier = earlier_epochs(checkpoint, run) if checkpoint is not None else []
        reported = self._reported(trial.number)
        accuracy = 0.0
        with graceful() as leave:
            events = fit(
                recipe,
                search.seed,
                training,
                validation,
                run,
                machine.device,
                checkpoint=checkpoint,
                leave=leave,
                processes=machine.processes,
                clock=clock,
            )
            for event in chain(earlier, events):
                if not isinstance(event, Epoch):
                    continue
                if event.best or recipe.keep == "last":
                    accuracy = event.validation_accuracy
                if event.number not in reported:
                    trial.report(event.validation_accuracy, event.number)
                if not event.ending and trial.should_prune():
                    run.commit({}, ended="pruned")
                    return None
        return accuracy

    def _reported(self, number: int) -> set[int]:
        """The epochs that the storage knows of already."""
        [trial] = [trial for trial in self._trials("RUNNING") if trial.number == number]
        return set(trial.intermediate_values)

    def _trials(self, *states: str) -> "list[optuna.trial.FrozenTrial]":
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state.name in states]

    def _path(self, number: int) -> Path:
        return self.search.folder / "trials" / f"{number:04d}"

    def _epochs(self, number: int) -> int:
        run = Run(self._path(number))
        return len(run.history()) if run.has("history.csv") else 0

    def _say(
        self,
        trial: "optuna.Trial",
        state: str,
        accuracy: float | None,
        reason: str,
        changed: Mapping[str, Any],
        seconds: float,
    ) -> None:
        """One line about a trial that has ended."""
        best, same = self._winner(), trial.user_attrs.get("same_as")
        if state == "COMPLETE":
            outcome = f"{accuracy:.1%} on validation"
            outcome += ", the best so far" if best == trial.number else ""
        elif state == "PRUNED":
            outcome = f"given up after epoch {self._epochs(trial.number)}" if same is None else "given up"
        else:
            outcome = f"failed: {reason}"
        told = f"the same as trial {same}" if same is not None else f"{seconds:.0f} s"
        values = " ".join(f"{field}={recipes.text(value)}" for field, value in changed.items())
        progress.say(f"trial {trial.number} (of {self.search.trials}): {values}: {outcome} ({told})")

    def _winner(self) -> int | None:
        """The trial that is best on validation, the first of equals."""
        complete = self._trials("COMPLETE")
        return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number)).number if complete else None

    def found(self) -> dict[str, Any]:
        """What `Tuning` says of the search itself."""
        ends: dict[str, Literal["complete", "pruned", "failed"]] = {
            "COMPLETE": "complete",
            "PRUNED": "pruned",
            "FAIL": "failed",
        }
        rows = [
            Trial(
                number=trial.number,
                state=ends[trial.state.name],
                fields=spaces.fields(self.search.space, trial.params),
                accuracy=trial.value if trial.state.name == "COMPLETE" else None,
                epochs=self._epochs(trial.number),
                same_as=trial.user_attrs.get("same_as"),
                reason=trial.user_attrs.get("reason", ""),
            )
            for trial in self._trials(*ends)
        ]
        states, winner = [row.state for row in rows], self._winner()
        best = next((row for row in rows if row.number == winner), None)
        return {
            "trials": rows,
            **{state: states.count(state) for state in ends.values()},
            "winner": winner,
            "base_won": best is not None
            and all(getattr(self.search.recipe, name) == best.fields[name] for name in best.fields),
            "fields": best.fields if best else {},
            "accuracy": best.accuracy if best else None,
            "importance": self._importance(),
        }

    def _importance(self) -> dict[str, float] | None:
        """How much each field matters, most first; None if there are too few trials, or no differences, to tell."""
        from optuna.importance import get_param_importances

        values = {trial.value for trial in self._trials("COMPLETE")}
        if len(self.search.space) < 2 or len(values) < 2 or len(self._trials("COMPLETE")) < ENOUGH:
            return None
        return {field: round(share, 4) for field, share in get_param_importances(self.study).items()}


def _open_storage(search: Search) -> "optuna.storages.RDBStorage":
    """The database of the search. Raises UsageError if it cannot be opened; a password is not repeated."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    if search.storage is None:
        file = search.folder / "trials.db"  # not part of the address, where some characters mean something else
        connect = functools.partial(sqlite3.connect, file, timeout=PATIENCE, check_same_thread=False)
        return RDBStorage("sqlite:///trials.db", {"creator": connect})
    kind, found, _ = search.storage.partition("://")
    options = {"connect_args": {"timeout": PATIENCE}} if kind.startswith("sqlite") else {}
    try:
        return RDBStorage(search.storage, options)
    except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
        why = " ".join(str(getattr(error, "orig", None) or error).split()) if found else "it has no ://"
        raise UsageError(
            f"the storage{f' ({kind})' if found else ''} cannot be opened: {why}; expected a database as SQLAlchemy names it, such as "
            "sqlite:///trials.db or postgresql://user:password@host/name"
        ) from None


def work_together(search: Search, jobs: int) -> None:
    """Several processes work on the search; they end with this one, however it ends."""
    from seefar.models.device import keeps_freed_memory

    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    given = (search, errors, keeps_freed_memory())
    workers = [context.Process(target=_work_apart, args=given, daemon=True) for _ in range(min(jobs, search.trials))]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            worker.terminate()  # a training obeys after its step, and saves
        for worker in workers:
            worker.join()
    if not errors.empty():
        kind, message, details = errors.get()
        raise kind(message, details)
    if lost := sum(worker.exitcode != 0 for worker in workers):
        progress.say(
            f"note: {lost} of {len(workers)} processes ended before their time, perhaps since memory ran out; this one goes on with what "
            "they left"
        )


def _work_apart(search: Search, errors: "SimpleQueue[Any]", keeps_freed: bool) -> None:
    """What each of several processes does."""
    begin_apart(keeps_freed)
    try:
        with silent(), contextlib.closing(Worker(search)) as worker:
            worker.work()
    except StoppedError:
        raise SystemExit(1) from None  # the one that started it knows why
    except SeefarError as error:
        errors.put((type(error), str(error), error.details))


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Optuna says nothing of its own for the length of the block."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
