"""The run folder: where every verb finds what the one before it left. Plain dicts and arrays, nothing pickled.

docs/run-folder.md lists the files. `manifest.json` is written last: it holds the SHA-256 of everything that training decided,
so that a damaged or half-copied run is noticed before it is used. What depends on test images has "test" in its name.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seefar import files
from seefar.errors import DiskError, ModelFileError, UsageError

FORMAT = 1  # of the run folder; a newer one is refused


@dataclass(frozen=True)
class Run:
    """A run folder. `run.path` is where it is."""

    path: Path

    def read(self, name: str) -> Any:
        """The content of a JSON file. Raises ModelFileError if it is missing or damaged."""
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            raise ModelFileError(f"{self.path} has no {name}; is this the folder of a run?") from None
        except (OSError, ValueError) as error:
            raise ModelFileError(f"cannot read {self.path / name}: {error}") from error

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.path / name).is_file()

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file, whole or not at all."""
        files.write_json(self.path / name, value)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write any other file, whole or not at all; folders in `name` are made."""
        files.make_folder((self.path / name).parent)
        files.write_bytes(self.path / name, content)

    def recipe(self) -> dict[str, Any]:
        """The fields of the recipe (recipe.json holds the seed as well)."""
        fields: dict[str, Any] = self.read("recipe.json")
        return {name: value for name, value in fields.items() if name != "seed"}

    def history(self) -> list[dict[str, Any]]:
        """The rows of history.csv: one dict an epoch, numbers as numbers."""
        try:
            text = (self.path / "history.csv").read_text()
        except OSError as error:
            raise ModelFileError(
                f"cannot read {self.path / 'history.csv'}: {error.strerror}; is this the folder of a run?"
            ) from error
        return [{name: json.loads(value.lower()) for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]

    def write_history(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write history.csv. Floats are written in full: reading gives the same numbers back."""
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        self.write_bytes("history.csv", text.getvalue().encode())

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        """Write an .npz file, whole or not at all. Equal arrays give equal bytes (numpy's own writer stores the time of day)."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, array in arrays.items():
                one = io.BytesIO()
                np.lib.format.write_array(one, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{key}.npy"), one.getvalue(), zipfile.ZIP_DEFLATED)
        self.write_bytes(name, content.getvalue())

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of an .npz file. Raises ModelFileError if it is missing or damaged."""
        try:
            content = io.BytesIO((self.path / name).read_bytes())
            with np.load(content, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            raise ModelFileError(f"{self.path} has no {name}; run `seefar evaluate` first") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelFileError(f"cannot read {self.path / name}: {error}") from error

    def seal(self, *, finished: bool) -> None:
        """Write the manifest: the SHA-256 of every file that training decided, and whether it came to its end."""
        decided = [self.path / name for name in ("recipe.json", "data.json", "splits.json", "environment.json", "history.csv")]
        decided += sorted((self.path / "weights").glob("*.safetensors"))
        digests = {path.relative_to(self.path).as_posix(): files.sha256(path) for path in decided}
        self.write("manifest.json", {"format": FORMAT, "finished": finished, "sha256": digests})

    def verify(self) -> None:
        """Raise ModelFileError if there is no manifest, if it is of a newer format, or if a file differs from it."""
        if not self.has("manifest.json"):
            raise ModelFileError(f"{self.path} holds no trained network: no epoch was finished; train again")
        manifest = self.read("manifest.json")
        if manifest["format"] > FORMAT:
            raise ModelFileError(
                f"{self.path} was written in format {manifest['format']}, this seefar reads {FORMAT}: use a newer seefar"
            )
        for name, expected in manifest["sha256"].items():
            if not self.has(name):
                raise ModelFileError(f"{self.path} has lost {name}; copy the whole folder again, or train again")
            if (found := files.sha256(self.path / name)) != expected:
                raise ModelFileError(
                    f"{self.path / name} is damaged or was changed: SHA-256 is {found[:12]}..., expected {expected[:12]}...; train again"
                )


def create(folder: Path) -> Run:
    """A new, empty run folder exactly at `folder`. Raises UsageError if something is there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "holds another run" if (folder / "recipe.json").exists() else "is not empty" if folder.is_dir() else "is a file"
        raise UsageError(f"{folder} {what}; choose another folder with --out, or remove it first")
    return Run(files.make_folder(folder))


def create_numbered(folder: Path) -> Run:
    """A new, empty run folder at `folder`, or at `folder`-2, -3, ... if that is taken."""
    files.make_folder(folder.parent)
    number = 1
    while True:
        path = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            with files.disk_errors(path):
                path.mkdir()
        except DiskError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            number += 1
        else:
            return Run(path)


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises ModelFileError if there is none."""
    if not folder.exists():
        raise ModelFileError(f"there is no run folder {folder}; `seefar train` makes one")
    if not folder.is_dir():
        raise ModelFileError(f"{folder} is a file, not the folder of a run")
    run = Run(folder)
    if not run.has("recipe.json"):
        raise ModelFileError(f"{folder} is not the folder of a run: it has no recipe.json")
    return run
