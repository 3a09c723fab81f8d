"""What `seefar serve` is told to serve: an ONNX file, a run (exported first), or a folder of numbered versions, each under a name."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seefar.errors import ModelFileError, UsageError
from seefar.model.onnx_file import NAME

FILE = "model.onnx"  # of a run and of a version
MOST_VERSIONS = 8  # of one model that are served at the same time (chosen by hand)
EXPORT_SECONDS = 3600


@dataclass(frozen=True)
class Source:
    """Where the versions of one model come from.

    Attributes:
        name: by which requests ask for it.
        path: an ONNX file, or a folder with a file `N/model.onnx` for each version N.
    """

    name: str
    path: Path

    def versions(self) -> dict[str, Path]:
        """The files that are there now, by version; a single file has the version "". The last one is the newest.

        Raises:
            ModelFileError: there is none.
        """
        if not self.path.is_dir():
            return {"": self.path}
        try:
            found = sorted(int(entry.name) for entry in self.path.iterdir() if re.fullmatch(r"[1-9][0-9]{0,17}", entry.name))
        except OSError as error:
            raise ModelFileError(f"cannot read {self.path}: {error.strerror}; fix that, or serve another folder") from error
        files = {str(number): self.path / str(number) / FILE for number in found}
        there = {version: file for version, file in files.items() if file.is_file()}
        if not there:
            raise ModelFileError(f"{self.path} holds no version; expected a file such as {self.path / '1' / FILE}")
        return dict(list(there.items())[-MOST_VERSIONS:])


def sources(words: Sequence[str]) -> list[Source]:
    """The models that words ask for: PATH or NAME=PATH each. Runs without an ONNX file are exported, by a process of its own.

    Raises:
        UsageError: no word, a senseless name, or two models with one name.
        ModelFileError: there is nothing at a path, or the run cannot be exported.
    """
    if not words:
        raise UsageError("no model is given; give an ONNX file or a run folder")
    found = [_source(word) for word in words]
    names = [source.name for source in found]
    for name in names:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"the name {name!r} of a model does not fit into an address; give another one, such as deer={words[names.index(name)]}"
            )
        if names.count(name) > 1:
            raise UsageError(f"two models are called {name}; give them names, such as {name}-2=PATH")
    return found


def _source(word: str) -> Source:
    name, equals, rest = word.partition("=")
    path = Path(rest) if equals and not Path(word).exists() else Path(word)
    if equals and path == Path(rest):
        known = name
    elif path.is_dir():
        known = _plain(path.resolve().name)
    else:
        known = _plain(path.resolve().parent.name if path.name == FILE else path.stem)
    is_run = path.is_dir() and (path / "manifest.json").is_file()
    return Source(known, _exported(path) if is_run else path)


def _plain(name: str) -> str:
    """A name that fits into an address."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]


def _exported(run: Path) -> Path:
    """The ONNX file of a run. torch is needed to make it, and this process is to stay without."""
    file = run / FILE
    if file.is_file():
        return file
    words = [sys.executable, "-m", "seefar", "export", str(run)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=EXPORT_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ModelFileError(f"exporting {run} took more than an hour; run `seefar export {run}` and serve the file") from None
    if done.returncode or not file.is_file():
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].removeprefix("error: ")
        raise ModelFileError(f"the run {run} could not be exported: {said[:300]}")
    return file
