"""The whole path on each planted set, walked once: what a person reads in the terminal, the report and the model card, and the files."""

import atexit
import contextlib
import functools
import io
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.planted import PLANTED, Planted, write

import seefar as sf
from seefar.cli import main

SMALL = ["--size", "16", "--recipe", "tiny", "--epochs", "8", "--set", "widths=[[8],[16]]", "--set", "dense=16"]
SMALL += ["--set", "batch_size=16", "--set", "precision=fp32"]
"""A training of a second that learns the stripes."""


@dataclass(frozen=True, eq=False)
class Journey:
    """One `seefar run` and what came of it.

    Attributes:
        planted: the set, and what is wrong with it.
        path: the run folder.
        code: the exit code.
        terminal: what stood on stdout.
        told: what stood on stderr: the plan, what is wrong with the images, the epochs.
    """

    planted: Planted
    path: Path
    code: int
    terminal: str
    told: str

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the run."""
        found: dict[str, Any] = json.loads((self.path / name).read_text())
        return found

    def text(self, name: str) -> str:
        """A text file of the run."""
        return (self.path / name).read_text()

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """An array file of the run."""
        return dict(sf.Run(self.path).arrays(name))

    @functools.cached_property
    def answers(self) -> dict[str, np.ndarray]:
        """The stored predictions for the test images."""
        return self.arrays("predictions-test.npz")


def walk(planted: Planted, images: Path, folder: Path, *words: str) -> Journey:
    """`seefar run` on a folder or zip of images, in a folder and with a home of its own; `words` are further ones of the command line."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        patch.setenv("COLUMNS", "120")
        patch.chdir(folder)
        code = main(["run", "--data", str(images), "--out", "run", *words])
    return Journey(planted, folder / "run", code, out.getvalue(), err.getvalue())


@functools.cache
def journey(name: str) -> Journey:
    """On a planted set, once in a session."""
    planted, folder = PLANTED[name](), Path(tempfile.mkdtemp(prefix=f"seefar-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return walk(planted, write(planted.data, folder / planted.data.name), folder, *SMALL)
