"""Options that several verbs share, and the foot of their help."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from seefar.errors import UsageError

if TYPE_CHECKING:
    from seefar.recipes import Recipe
    from seefar.runs.folder import Run
    from seefar.training.train import Watcher


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How images are read."""

    size: int = 32
    """Height and width in pixels; larger images of folders and zips are cropped to a square and resized."""
    background: str = "white"
    """The colour behind transparent images."""
    split_seed: int = 0
    """Seed of the splits: test, if the folder has none of its own, and validation."""
    skip_bad: Annotated[bool, Parameter(negative="")] = False
    """Leave out images that cannot be read, and say so in the report, rather than stop."""
    subset: int | None = None
    """Use only this many training images, equally many of each class, chosen by a seeded rule; test images stay as they are."""
    name: str | None = None
    """What the images are called in run folders and reports; by default as their folder is, or the one above it if that is called data."""
    group: str | None = None
    """What belongs together (one deer, one patient) stays on one side of every split: a column, an array of a .npz file, or a regular
    expression that finds it in the path of an image."""
    label: str | None = None
    """The column of labels in a CSV or Parquet file, where it is not called label or there are several."""
    white: float | None = None
    """The number that is white in a .npz file, where the values do not tell."""
    archive: Path | None = None
    """A CIFAR archive on this machine, binary or python version."""
    unverified: Annotated[bool, Parameter(negative="")] = False
    """Accept an archive with another SHA-256 than the published one; its structure is still checked."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """Which recipe, with which changes and seed."""

    recipe: str = "baseline"
    """A recipe by name; `seefar recipes` lists them."""
    seed: int = 0
    """Seed of weights, order, augmentation and dropout."""
    epochs: int | None = None
    """Passes over the training images; short for --set epochs=N."""
    set_: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None
    """Change a recipe field: --set learning_rate=0.002. May be given several times; the run is named after it."""

    def changes(self) -> dict[str, Any]:
        """The recipe fields to change. Raises UsageError where `--set` is not `field=value`."""
        changes: dict[str, Any] = {}
        for text in self.set_ or []:
            field, equals, value = text.partition("=")
            if not equals:
                raise UsageError(f"--set {text} is not of the form field=value, such as --set epochs=3")
            if field in changes:
                raise UsageError(f"--set {field} is given twice; give it once")
            changes[field] = value
        if self.epochs is not None:
            if "epochs" in changes:
                raise UsageError("--epochs and --set epochs=... are the same; give one of them")
            changes["epochs"] = self.epochs
        return changes


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainOptions(RecipeOptions):
    """What is trained, and where it goes."""

    out: Path | None = None
    """The run folder. By default runs/DATA-RECIPE-seedN, numbered if that exists."""
    seeds: int = 1
    """Train that many runs, each in a folder of its own, with the seeds from --seed on."""
    from_: Annotated[Path | None, Parameter(name="--from")] = None
    """Another run, whose weights are the first ones; the last layers are new unless the classes are the same."""
    tensorboard: Annotated[bool, Parameter(negative="")] = False
    """Write tensorboard/ into the run folder (needs pip install 'seefar[track]')."""
    mlflow: str | None = None
    """Write each epoch to MLflow as well: the address of a server, or sqlite:///mlflow.db (needs pip install 'seefar[mlflow]')."""
    trackio: str | None = None
    """Write each epoch to this project of trackio as well (needs pip install 'seefar[trackio]')."""
    budget: str | None = None
    """Time for the whole training, such as 60s, 5m or 1h; with recipe fast it chooses the network, and says what to expect."""
    target: str | None = None
    """An accuracy to reach, such as 90%: recipe fast gets the budget that this takes. Known only for CIFAR-10."""
    tag: Annotated[list[str] | None, Parameter(consume_multiple=False, negative="")] = None
    """A word by which `seefar ui` finds the run again; may be given several times."""
    plot: Annotated[bool, Parameter(negative="")] = False
    """Draw figures/training.png anew after each epoch."""

    def folders(self) -> list[tuple[int, Path | None]]:
        """The seeds to train, each with its run folder; None stands for the default. Raises UsageError for a senseless number."""
        if not 1 <= self.seeds <= 1000:
            raise UsageError(f"--seeds is {self.seeds}; allowed is 1 to 1000")
        seeds = range(self.seed, self.seed + self.seeds)
        if self.out is None or self.seeds == 1:
            return [(seed, self.out) for seed in seeds]
        return [(seed, self.out.with_name(f"{self.out.name}-seed{seed}")) for seed in seeds]

    def changes(self) -> dict[str, Any]:
        """The recipe fields to change, the budget among them."""
        changes = super().changes()
        if self.budget is not None:
            if "budget" in changes:
                raise UsageError("--budget and --set budget=... are the same; give one of them")
            if self.target is not None:
                raise UsageError("--budget and --target contradict each other: the target decides the budget; give one of them")
            from seefar.recipe_fields import seconds

            changes["budget"] = seconds(self.budget)
        return changes

    def arguments(self, machine: "MachineOptions", recipe: "str | Recipe") -> dict[str, Any]:
        """What `sf.train` and `sf.run` are given by name beside a recipe: this one, or what came of it (see `settled`)."""
        own = {"target": self.aim() if recipe == self.recipe else None, "tags": self.tag or ()}
        return {"watch": self.watchers(), **asdict(machine), **self.changes(), **own}

    def settled(self, run: "Run") -> "str | Recipe":
        """The recipe for further seeds: with a budget or target that of the first run, since another trial might choose another one."""
        from seefar.recipe_fields import from_json

        return from_json(run.recipe()) if self.budget or self.target else self.recipe

    def aim(self) -> float | None:
        """The accuracy to reach, 0..1. Raises UsageError if it is none."""
        if self.target is None:
            return None
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", self.target.strip())
        share = float(found[1]) / (100 if found[2] else 1) if found else 0
        if not 0 < share < 1:
            raise UsageError(f"--target is {self.target!r}; expected an accuracy such as 90% or 0.9")
        return share

    def watchers(self) -> "list[Watcher]":
        """Further ways to watch. Raises UsageError if a tracker is asked for and not installed."""
        found: list[Watcher] = []
        if self.plot or self.tensorboard:
            from seefar.reporting.watchers import plot, tensorboard

            found += [*([tensorboard()] if self.tensorboard else []), *([plot()] if self.plot else [])]
        if self.mlflow or self.trackio:
            from seefar.reporting.trackers import mlflow, trackio

            found += [*([mlflow(self.mlflow)] if self.mlflow else []), *([trackio(self.trackio)] if self.trackio else [])]
        return found


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """What the training runs on: recorded with the run, not part of the recipe."""

    device: str = "auto"
    """auto, cpu, cuda or mps."""
    threads: int | None = None
    """Threads on the CPU; by default as many as it has cores."""
    deterministic: Annotated[bool, Parameter(negative="")] = False
    """Use only operations that give the same bits each time (on a GPU this costs speed; on the CPU they do anyway)."""
    compiled: Annotated[bool, Parameter(name="--compile", negative="")] = False
    """Let torch compile the network first, for half a minute or more: worth it for long trainings on a GPU."""


def settle() -> None:
    """Make a process that does nothing but train as fast as it can be; not for notebooks (see `keep_freed_memory`).

    To be called before anything loads torch.
    """
    from seefar.cli.started import cores_used_by_others
    from seefar.waiting import settle_waiting

    settle_waiting(cores_used_by_others())
    from seefar.networks.device import keep_freed_memory

    keep_freed_memory()


def epilogue(*examples: str) -> str:
    """What stands below the help of a verb."""
    return "Examples:\n\n" + "".join(f"    {example}\n" for example in examples)
