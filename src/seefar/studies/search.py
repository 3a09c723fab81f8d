"""The workers of a search: each takes one trial after the other and trains it until it ends or is pruned; alone or in processes."""

import contextlib
import multiprocessing
import time
from itertools import chain
from multiprocessing.queues import SimpleQueue
from typing import Any

import optuna
from optuna.trial import TrialState

from seefar import progress
from seefar.errors import DivergedError, ModelFileError, OutOfMemoryError, SeefarError, StoppedError, UsageError
from seefar.networks.device import keeps_freed_memory
from seefar.recipe_fields import change, text
from seefar.runs.checkpoint_files import newest_checkpoint
from seefar.runs.folder import Run
from seefar.studies.trials import Search, TrialResult, Trials, open_trials
from seefar.studies.workers import enter_worker
from seefar.training.events import Epoch
from seefar.training.fit import earlier_epochs, fit
from seefar.training.machine import choose_machine
from seefar.training.metadata import write_metadata
from seefar.training.pace import ByClock
from seefar.training.plan import Plan
from seefar.training.signals import graceful

ATTEMPTS = 2  # times that a trial may cost its process the life (chosen by hand: the second time it is not chance)


def work(trials: Trials) -> None:
    """Take one trial after the other, until there are enough and all of them have ended, those of other workers included."""
    while True:
        with contextlib.ExitStack() as held:
            trial = trials.take(held)
            if trial is not None:
                _run_trial(trials, trial)
                continue
        if not trials.wait():
            return


def _run_trial(trials: Trials, trial: optuna.Trial) -> None:
    """Train a trial, unless an earlier one had the same recipe, and store how it ended."""
    began = time.monotonic()
    if same := trials.same_as(trial):
        trial.set_user_attr("same_as", same.number)
        accuracy = same.value if same.state is TrialState.COMPLETE else None
        result = same.state, accuracy, same.user_attrs.get("reason", "")
    else:
        result = _train(trials, trial)
    trials.tell(trial, result)
    if not trials.search.quiet:
        how = f"the same as trial {same.number}" if same else f"{time.monotonic() - began:.0f} s"
        values = " ".join(f"{field}={text(value)}" for field, value in trials.fields(trial).items())
        words = _words(trials, trial, result, trained=same is None)
        progress.say(f"trial {trial.number} (of {trials.search.trials}): {values}: {words} ({how})")


def _words(trials: Trials, trial: optuna.Trial, result: TrialResult, *, trained: bool) -> str:
    """How a trial ended, for a reader."""
    state, accuracy, reason = result
    if state is TrialState.COMPLETE:
        return f"{accuracy:.1%} on validation" + ", the best so far" * (trials.winner() == trial.number)
    if state is TrialState.PRUNED:
        return "given up" + f" after epoch {trials.epochs(trial.number)}" * trained
    return f"failed: {reason}"


def _train(trials: Trials, trial: optuna.Trial) -> TrialResult:
    """Train a trial, and say how that ended."""
    attempts = trial.user_attrs.get("attempts", 0)
    if attempts == ATTEMPTS:
        return TrialState.FAIL, None, f"its process was killed {attempts} times, perhaps since memory ran out"
    trial.set_user_attr("attempts", attempts + 1)
    try:
        accuracy = _accuracy(trials, trial)
    except StoppedError as error:
        trial.set_user_attr("attempts", attempts)
        where = f"in trial {trial.number}; everything is saved, and the same command resumes it"
        raise StoppedError(error.exit_code - 128, where) from None
    except (DivergedError, OutOfMemoryError, ModelFileError, UsageError) as error:
        return TrialState.FAIL, None, str(error)
    return (TrialState.PRUNED if accuracy is None else TrialState.COMPLETE), accuracy, ""


def _accuracy(trials: Trials, trial: optuna.Trial) -> float | None:
    """The accuracy on validation of the weights that are kept, after training or resuming a trial; None if it was pruned."""
    search, run = trials.search, Run(trials.path(trial.number))
    recipe = change(search.recipe, trials.fields(trial))
    machine = choose_machine(recipe.optimisation.precision, search.device, search.threads, shared=False)
    clock = ByClock(recipe.stopping.budget, time.perf_counter(), recipe.sampling.resolution)
    training, validation = search.images.held_out(recipe.kept.validation)
    checkpoint, complaints = newest_checkpoint(run)
    for complaint in complaints:
        progress.say(f"note: {complaint}; the checkpoint before it is used")
    plan = Plan(recipe, search.seed, training, validation, run, machine, clock, checkpoint=checkpoint)
    if checkpoint is None:
        write_metadata(plan, search.images)
    earlier = earlier_epochs(checkpoint, run) if checkpoint is not None else []
    reported, accuracy = trials.reported(trial.number), 0.0
    with graceful() as leave:
        for event in chain(earlier, fit(plan, leave)):
            if not isinstance(event, Epoch):
                continue
            if event.best or recipe.kept.keep == "last":
                accuracy = event.validation_accuracy
            if event.number not in reported:
                trial.report(event.validation_accuracy, event.number)
            if not event.ending and trial.should_prune():
                run.commit({}, ended="pruned")
                return None
    return accuracy


def work_in_processes(search: Search, jobs: int) -> None:
    """Several processes work on the search; they end with this one, however it ends."""
    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    given = (search, errors, keeps_freed_memory())
    workers = [context.Process(target=_work_in_process, args=given, daemon=True) for _ in range(min(jobs, search.trials))]
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
            f"note: {lost} of {len(workers)} processes ended before their time, perhaps since memory ran out; this one continues with what "
            "they left"
        )


def _work_in_process(search: Search, errors: "SimpleQueue[Any]", keeps_freed: bool) -> None:
    """What each of several processes does."""
    enter_worker(keeps_freed)
    try:
        with open_trials(search) as trials:
            work(trials)
    except StoppedError:
        raise SystemExit(1) from None  # the one that started it knows why
    except SeefarError as error:
        errors.put((type(error), str(error), error.details))
