"""The trials of a search, drawn and stored by Optuna: which worker takes which, how each ended, and which is the best."""

import contextlib
import functools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from seefar import files
from seefar.data.images import Dataset
from seefar.errors import InUseError, UsageError
from seefar.recipe_fields import flat, text
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.seeds import derive
from seefar.studies import search_space as spaces
from seefar.studies.search_space import Choices, Range
from seefar.studies.tuned import Trial

STARTUP = 10  # trials drawn at random before the sampler begins to learn (Optuna's own number)
UNPRUNED = 5  # trials that are complete before any is pruned (Optuna's own number)
WARMUP = 3  # no trial is pruned in the first third of the epochs (chosen by hand: high rates are slow at first)
ENOUGH = 10  # complete trials from which on it is said how much each field matters (chosen by hand)
PATIENCE = 60  # seconds that a process waits for others to write to an SQLite file (chosen by hand; a write takes milliseconds)
LARGEST_SEED = 2**32  # of numpy's older generator, which the sampler uses

ENDS: Mapping[TrialState, Literal["complete", "pruned", "failed"]] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
TrialResult = tuple[TrialState, float | None, str]  # how a trial ended, its accuracy on validation, and why it failed if it did


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


@contextlib.contextmanager
def open_trials(search: Search) -> "Iterator[Trials]":
    """The trials of a search. Optuna prints nothing for the length of the block."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with contextlib.closing(Trials(search)) as trials:
            yield trials
    finally:
        optuna.logging.set_verbosity(before)


class Trials:
    """The trials as one worker sees them.

    Several workers agree through the storage, which knows all trials, and through locks, which say who lives. A trial's folder is
    locked as long as a worker trains it, and trials are taken in turn, under the lock of the whole. So a trial that is running by
    the storage but not locked belongs to a process that has died, on whatever machine.
    """

    def __init__(self, search: Search) -> None:
        self.search = search
        with self._locked():
            self.storage = _open_storage(search)
            # Halving and Hyperband decide after the first epochs, and want hundreds of trials to choose among. With tens of trials
            # of tens of epochs the median is the rule that prunes least of what would have come late.
            self.study = optuna.create_study(
                storage=self.storage,
                study_name=search.name,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(UNPRUNED, self._shortest() // WARMUP + 1),
            )
            if "begun" not in self.study.user_attrs:
                self._enqueue_first()

    def close(self) -> None:
        """Leave the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        """The lock of the whole search."""
        return files.lock(self.search.folder / ".lock", wait=lambda owner: None)

    def _shortest(self) -> int:
        """The fewest epochs that a trial may be planned for."""
        tried = self.search.space.get("epochs", Choices((self.search.recipe.stopping.epochs,)))
        return int(tried.low if isinstance(tried, Range) else min(tried.values))

    def _enqueue_first(self) -> None:
        """Enqueue what is tried first. Raises UsageError if this is another storage than the search began with."""
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

    def path(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.search.folder / "trials" / f"{number:04d}"

    def of(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in these states, all of them where none is named."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def take(self, held: contextlib.ExitStack) -> optuna.Trial | None:
        """A trial whose process has died, or else a new one; None if there are enough. Its folder stays locked while `held` is."""
        with self._locked():
            begun = [trial for trial in self.of() if trial.state is not TrialState.WAITING]
            for there in begun:
                if there.state is TrialState.RUNNING and self._lock(there.number, held):
                    return self._suggest(self._reopen(there.number))
            if len(begun) >= self.search.trials:
                return None
            self._seed(len(begun))
            trial = self.study.ask()
            self._lock(trial.number, held)
            return self._suggest(trial)

    def _lock(self, number: int, held: contextlib.ExitStack) -> bool:
        """Lock a trial's folder; False if another worker, which is alive, holds it."""
        try:
            held.enter_context(files.lock(files.make_folder(self.path(number)) / ".lock"))
        except InUseError:
            return False
        return True

    def _reopen(self, number: int) -> optuna.Trial:
        """The trial of that number, to resume it."""
        self._seed(number)
        search_id = self.storage.get_study_id_from_name(self.search.name)
        return optuna.Trial(self.study, self.storage.get_trial_id_from_study_id_trial_number(search_id, number))

    def _seed(self, number: int) -> None:
        """Draw that trial from a stream of its own, so that an interrupted search draws what it would have drawn."""
        seed = derive(self.search.seed, "trial", number) % LARGEST_SEED
        self.study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed)

    def _suggest(self, trial: optuna.Trial) -> optuna.Trial:
        """The trial, with a value for each field; those that it has already stay."""
        for field, tried in self.search.space.items():
            if isinstance(tried, Choices):
                trial.suggest_categorical(field, [text(value) for value in tried.values])
            elif tried.whole:
                trial.suggest_int(field, int(tried.low), int(tried.high), log=tried.log)
            else:
                trial.suggest_float(field, tried.low, tried.high, log=tried.log)
        return trial

    def wait(self) -> bool:
        """Wait until a trial of another worker has ended, or its process has; False if none is running."""
        if not (running := self.of(TrialState.RUNNING)):
            return False
        with files.lock(self.path(running[0].number) / ".lock", wait=lambda owner: None):
            return True

    def fields(self, trial: optuna.Trial | FrozenTrial) -> dict[str, Any]:
        """The recipe fields that a trial sets."""
        return spaces.fields(self.search.space, trial.params)

    def same_as(self, trial: optuna.Trial) -> FrozenTrial | None:
        """An earlier trial of the same recipe: with the same seed this one would end likewise."""
        fields = self.fields(trial)
        return next((other for other in self.of(*ENDS) if self.fields(other) == fields), None)

    def reported(self, number: int) -> set[int]:
        """The epochs of a running trial that the storage knows already."""
        [trial] = [trial for trial in self.of(TrialState.RUNNING) if trial.number == number]
        return set(trial.intermediate_values)

    def tell(self, trial: optuna.Trial, result: TrialResult) -> None:
        """Store how a trial ended."""
        state, accuracy, reason = result
        if reason:
            trial.set_user_attr("reason", reason)
        self.study.tell(trial, accuracy, state)

    def epochs(self, number: int) -> int:
        """How many epochs of a trial were trained."""
        run = Run(self.path(number))
        return len(run.history()) if run.has("history.csv") else 0

    def winner(self) -> int | None:
        """The trial that is best on validation, the first of equals."""
        complete = self.of(TrialState.COMPLETE)
        return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number)).number if complete else None

    def found(self) -> dict[str, Any]:
        """What `Tuning` says of the search itself."""
        rows = [
            Trial(
                number=trial.number,
                state=ENDS[trial.state],
                fields=self.fields(trial),
                accuracy=trial.value if trial.state is TrialState.COMPLETE else None,
                epochs=self.epochs(trial.number),
                same_as=trial.user_attrs.get("same_as"),
                reason=trial.user_attrs.get("reason", ""),
            )
            for trial in self.of(*ENDS)
        ]
        states, winner = [row.state for row in rows], self.winner()
        best = next((row for row in rows if row.number == winner), None)
        return {
            "trials": rows,
            **{state: states.count(state) for state in ENDS.values()},
            "winner": winner,
            "base_won": best is not None
            and all(flat(self.search.recipe)[name] == value for name, value in best.fields.items()),
            "fields": best.fields if best else {},
            "accuracy": best.accuracy if best else None,
            "importance": self._importance(),
        }

    def _importance(self) -> dict[str, float] | None:
        """How much each field matters, most first; None if there are too few trials, or no differences, to tell."""
        accuracies = [trial.value for trial in self.of(TrialState.COMPLETE)]
        if len(self.search.space) < 2 or len(set(accuracies)) < 2 or len(accuracies) < ENOUGH:
            return None
        return {field: round(share, 4) for field, share in optuna.importance.get_param_importances(self.study).items()}


def _open_storage(search: Search) -> optuna.storages.RDBStorage:
    """The database of the search. Raises UsageError if it cannot be opened; a password is not repeated."""
    if search.storage is None:
        file = search.folder / "trials.db"  # not part of the address, where some characters mean something else
        connect = functools.partial(sqlite3.connect, file, timeout=PATIENCE, check_same_thread=False)
        return optuna.storages.RDBStorage("sqlite:///trials.db", {"creator": connect})
    kind, found, _ = search.storage.partition("://")
    options = {"connect_args": {"timeout": PATIENCE}} if kind.startswith("sqlite") else {}
    try:
        return optuna.storages.RDBStorage(search.storage, options)
    except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
        why = " ".join(str(getattr(error, "orig", None) or error).split()) if found else "it has no ://"
        raise UsageError(
            f"the storage{f' ({kind})' if found else ''} cannot be opened: {why}; expected a database as SQLAlchemy names it, such as "
            "sqlite:///trials.db or postgresql://user:password@host/name"
        ) from None
