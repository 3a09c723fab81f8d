"""Trackers that a team already has: each epoch goes to MLflow or trackio while it trains, as ways to watch for `sf.train(watch=[...])`.

A tracker that does not answer stops no training: what it missed is sent with the next epoch, and what it never took is said at the end.
"""

import contextlib
import functools
import io
import logging
import math
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from seefar import progress
from seefar.errors import DivergedError, ModelFileError, UsageError
from seefar.recipe_fields import as_json, text
from seefar.runs.folder import Run
from seefar.runs.tags import NAME as TAGS
from seefar.runs.tags import tags_in
from seefar.training.events import Epoch, Step
from seefar.training.plan import Plan
from seefar.training.train import Watcher

MLFLOW_FILE = "mlflow.json"  # in the run folder: which run of the tracker is continued when this one is resumed
LONGEST = 500  # characters of a parameter; older servers take no more
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}  # else a dead server holds a training up for minutes


class Tracker(Protocol):
    """Where epochs go.

    Attributes:
        name: what people call it.
        is_new: whether it knows none of the epochs of an earlier part of the training yet.
    """

    name: str
    is_new: bool

    def send(self, epochs: Sequence[Epoch]) -> None:
        """Write these epochs down; any error means that they were not taken."""

    def close(self, ending: str) -> None:
        """Say how it ended: "finished", "failed" or "killed"."""


def mlflow(uri: str) -> Watcher:
    """Write each epoch to MLflow: the recipe as parameters, losses and accuracies (0..1) as metrics by epoch, tags, and how it ended.

    The experiment is called like the data set, the run like its folder. A resumed training continues its run of the tracker.

    Args:
        uri: of a tracking server or a database: "http://host:5000", "sqlite:///mlflow.db".

    Raises:
        UsageError: MLflow is not installed, or does not answer there.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise UsageError("MLflow is not installed; pip install 'seefar[mlflow]'") from error
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they would tell of each table that they make
    with _usable("MLflow", uri):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)  # is anybody there? better asked before the images are loaded
    return functools.partial(_tracked, lambda plan: _MlflowRun(client, uri, plan))


def trackio(project: str) -> Watcher:
    """Write each epoch to trackio, on this machine or where its own settings say: the recipe as config, losses and accuracies by epoch.

    Args:
        project: its name in trackio; the run is called like its folder.

    Raises:
        UsageError: trackio is not installed.
    """
    try:
        import trackio as package
    except ImportError as error:
        raise UsageError("trackio is not installed; pip install 'seefar[trackio]'") from error
    return functools.partial(_tracked, lambda plan: _TrackioRun(package, project, plan))


def _tracked(
    begin: Callable[[Plan], Tracker], events: Iterator[Step | Epoch], plan: Plan, earlier: Sequence[Epoch]
) -> Iterator[Step | Epoch]:
    tracker = begin(plan)
    missed: list[Epoch] = [*earlier] if tracker.is_new else []
    ending, complained = "killed", False
    try:
        for event in events:
            if isinstance(event, Epoch):
                missed.append(event)
                why = _attempt(functools.partial(tracker.send, missed))
                if why is None:
                    missed = []
                elif not complained:
                    complained = True
                    progress.say(f"note: {tracker.name} did not take epoch {event.number} ({why}); the training goes on")
                if event.ending:
                    ending = "failed" if event.ending == "diverged" else "finished"
            yield event
    except DivergedError:
        ending = "failed"
        raise
    finally:
        if missed and (why := _attempt(functools.partial(tracker.send, missed))) is not None:
            first, last = missed[0].number, missed[-1].number
            which = f"epoch {first}" if first == last else f"epochs {first} to {last}"
            progress.say(f"note: {tracker.name} never took {which} ({why})")
        if (why := _attempt(functools.partial(tracker.close, ending))) is not None:
            progress.say(f"note: {tracker.name} was not told how it ended ({why})")


def _attempt(work: Callable[[], None]) -> str | None:
    """Do it; what kept it from being done, in a few words, or None."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  whatever a tracker raises, it is no reason to lose a training
        return _first_line(error)
    return None


class _MlflowRun:
    name = "MLflow"

    def __init__(self, client: Any, uri: str, plan: Plan) -> None:
        """Raises UsageError if the tracker cannot be used."""
        from mlflow.entities import Metric, Param, RunTag

        self._client, self._metric = client, Metric
        with _usable("MLflow", uri):
            self._run, self.is_new = self._open(plan.run)
            if self.is_new:
                parameters = [Param(name, value[:LONGEST]) for name, value in _recipe(plan).items()]
                tags = [RunTag(f"tag.{tag}", "1") for tag in _tags(plan.run)]
                self._client.log_batch(
                    self._run, params=parameters, tags=[*tags, *(RunTag(*one) for one in _origin(plan).items())]
                )

    def _open(self, run: Run) -> tuple[str, bool]:
        """The run of the tracker, and whether it was made just now."""
        with contextlib.suppress(ModelFileError, KeyError, TypeError):
            there = str(run.read(MLFLOW_FILE)["run"])
            with contextlib.suppress(Exception):  # another tracker than before, or it was deleted there
                self._client.update_run(there, status="RUNNING")
                return there, False
        name = run.read("data.json")["name"]
        found = self._client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self._client.create_experiment(name)
        made = self._client.create_run(experiment, run_name=run.path.name).info.run_id
        run.write(MLFLOW_FILE, {"run": made})
        return made, True

    def send(self, epochs: Sequence[Epoch]) -> None:
        now = int(1000 * time.time())
        metrics = [self._metric(name, value, now, epoch.number) for epoch in epochs for name, value in _figures(epoch).items()]
        for start in range(0, len(metrics), 1000):  # it takes no more at once
            self._client.log_batch(self._run, metrics=metrics[start : start + 1000])

    def close(self, ending: str) -> None:
        self._client.set_terminated(self._run, {"finished": "FINISHED", "failed": "FAILED"}.get(ending, "KILLED"))


class _TrackioRun:
    name = "trackio"

    def __init__(self, package: Any, project: str, plan: Plan) -> None:
        resumed = plan.checkpoint is not None
        self.is_new = not resumed
        config = {**_recipe(plan), **_origin(plan), "tags": ", ".join(_tags(plan.run))}
        self._package = package
        with _usable("trackio", project), contextlib.redirect_stdout(io.StringIO()):  # stdout is for the run folder
            self._run = package.init(
                project=project,
                name=plan.run.path.name,
                config=config,
                resume="allow" if resumed else "never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        progress.say(f"trackio: project {project}; `trackio show --project {shlex.quote(project)}` shows it")

    def send(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            self._run.log(_figures(epoch), step=epoch.number)

    def close(self, ending: str) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self._package.finish()


def _figures(epoch: Epoch) -> dict[str, float]:
    """What is written of an epoch; what is no number is left out."""
    values = {
        "training_loss": epoch.loss,
        "training_accuracy": epoch.accuracy,
        "validation_loss": epoch.validation_loss,
        "validation_accuracy": epoch.validation_accuracy,
        "learning_rate": epoch.rate,
        "seconds": epoch.seconds,
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _recipe(plan: Plan) -> dict[str, str]:
    """Seed and recipe, as texts."""
    return {"seed": str(plan.seed), **{name: text(value) for name, value in as_json(plan.recipe).items()}}


def _origin(plan: Plan) -> dict[str, str]:
    """What the images are, and how the run is made again."""
    data, environment = plan.run.read("data.json"), plan.run.read("environment.json")
    return {
        "seefar.data": data["name"],
        "seefar.data_digest": data["digest"],
        "seefar.command": environment["command"],
        "seefar.version": environment["seefar"],
        "seefar.device": environment["device"],
    }


def _tags(run: Run) -> list[str]:
    return tags_in((run.path / TAGS).read_bytes()) if run.has(TAGS) else []


@contextlib.contextmanager
def _usable(name: str, where: str) -> Iterator[None]:
    """Turn whatever a tracker raises into a UsageError, without the password that an address may hold."""
    try:
        yield
    except Exception as error:
        secret = re.search(r"://([^/@]+)@", where)
        said = f"{name} does not take runs at {where}: {_first_line(error)}"
        said = said.replace(f"{secret[1]}@", "") if secret else said
        example = (
            "the address of a server, or a database such as sqlite:///mlflow.db" if name == "MLflow" else "another project"
        )
        raise UsageError(f"{said}; give {example}") from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
