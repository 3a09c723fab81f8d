"""Options that several verbs share, and the foot of their help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from seefar.errors import UsageError


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
    archive: Path | None = None
    """A CIFAR archive on this machine, binary or python version."""
    unverified: Annotated[bool, Parameter(negative="")] = False
    """Accept an archive with another SHA-256 than the published one; its structure is still checked."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What is trained, and where it goes."""

    recipe: str = "baseline"
    """A recipe by name; `seefar recipes` lists them."""
    seed: int = 0
    """Seed of weights, order and dropout."""
    epochs: int | None = None
    """Passes over the training images; short for --set epochs=N."""
    set_: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None
    """Change a recipe field: --set learning_rate=0.002. May be given several times; the run is named after it."""
    out: Path | None = None
    """The run folder. By default runs/DATA-RECIPE-seedN, numbered if that exists."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""

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


def epilogue(*examples: str) -> str:
    """What stands below the help of a verb."""
    return "Examples:\n\n" + "".join(f"    {example}\n" for example in examples)
