"""The run folder: where every verb finds what the one before it left. Plain dicts and arrays, nothing pickled.

docs/run-folder.md lists the files. `manifest.json` holds the SHA-256 of everything that training decided, so that a damaged or
half-copied run is noticed before it is used. What depends on test images has "test" in its name.
"""

import csv
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seefar import files
from seefar.display import Shown
from seefar.errors import DiskError, ModelFileError, UsageError
from seefar.network_source import STORED
from seefar.runs import formats
from seefar.upstairs import network_of

if TYPE_CHECKING:
    from torch import nn

CHOSEN = ("recipe.json", "data.json", "splits.json", "environment.json")  # written before the first step
CHOSEN_SOMETIMES = (STORED,)  # likewise, in some runs


@dataclass(frozen=True)
class Run(Shown):
    """A run folder. `run.path` is where it is."""

    path: Path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def read(self, name: str) -> Any:
        """The content of a JSON file. Raises ModelFileError if it is missing or damaged."""
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            raise ModelFileError(f"{self.path} has no {name}; is this the folder of a run?") from None
        except (OSError, ValueError) as error:
            raise ModelFileError(f"cannot read {self.path / name}: {error}; copy the folder again, or train again") from error

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.path / name).is_file()

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file, whole or not at all."""
        files.write_json(self.path / name, value)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write any other file, whole or not at all; a folder in `name` is made, but never the run's own anew."""
        path = self.path / name
        with files.disk_errors(path):
            path.parent.mkdir(exist_ok=True)
        files.write_bytes(path, content)

    def network(self, device: str = "auto") -> "nn.Module":
        """The trained network as a `torch.nn.Module` in evaluation mode, for loops of your own.

        It takes raw pixels, uint8 or float `(n, 3, h, w)` in 0..255, and gives logits `(n, classes)`.

        Args:
            device: "auto", "cpu", "cuda" or "mps".

        Raises:
            ModelFileError: the run is unfinished or damaged, or its network is from outside, and its file another one.
        """
        network: nn.Module = network_of(self, device)
        return network

    def recipe(self) -> dict[str, Any]:
        """The fields of the recipe (recipe.json holds the seed as well)."""
        fields = formats.recipe(self.read("recipe.json"))
        return {name: value for name, value in fields.items() if name != "seed"}

    def history(self) -> list[dict[str, Any]]:
        """The rows of history.csv: one dict an epoch, numbers as numbers."""
        try:
            text = (self.path / "history.csv").read_text()
        except OSError as error:
            raise ModelFileError(
                f"cannot read {self.path / 'history.csv'}: {error.strerror}; is this the folder of a run?"
            ) from error
        rows = csv.DictReader(io.StringIO(text))
        return [formats.history_row({name: _number(value) for name, value in row.items()}) for row in rows]

    def evaluation(self, split: str) -> dict[str, Any]:
        """The numbers of an evaluation, `evaluation-<split>.json`. Raises ModelFileError if there is none."""
        return formats.evaluation(self.read(f"evaluation-{split}.json"))

    def found(self, name: str, split: str) -> dict[str, Any]:
        """What a later look found, `<name>-<split>.json`: "inside", "audit" and so on. Raises ModelFileError if there is none."""
        return formats.found(name, self.read(f"{name}-{split}.json"))

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        """Write an .npz file, whole or not at all."""
        self.write_bytes(name, npz_bytes(**arrays))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of an .npz file. Raises ModelFileError if it is missing or damaged."""
        try:
            content = io.BytesIO((self.path / name).read_bytes())
            with np.load(content, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            raise ModelFileError(f"{self.path} has no {name}; run `seefar evaluate` first") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelFileError(f"cannot read {self.path / name}: {error}; copy the folder again, or train again") from error

    def commit(self, contents: Mapping[str, bytes], *, ended: str) -> None:
        """Replace files that training decided. Killed at any moment, it leaves a run that verifies.

        For that the manifest first allows the old and the new content of each file, then the files are replaced one by one, and
        at last it allows the new alone.

        Args:
            contents: the new content of each file.
            ended: why training ended; empty while it goes on.
        """
        digests = self._manifest()["sha256"] if self.has("manifest.json") else {}
        written = [*CHOSEN, *(name for name in CHOSEN_SOMETIMES if self.has(name))]
        digests = {name: [files.sha256(self.path / name)] for name in written} | digests
        new = {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
        if self.has("manifest.json"):
            both = {name: [*digests[name], *accepted] for name, accepted in new.items() if name in digests}
            self.write("manifest.json", {"format": formats.FORMAT, "ended": self.ended(), "sha256": digests | both})
        for name, content in contents.items():
            self.write_bytes(name, content)
        self.write("manifest.json", {"format": formats.FORMAT, "ended": ended, "sha256": digests | new})

    def change(self, values: Mapping[str, Any]) -> None:
        """Replace JSON files that were written before the first step, as `commit` does."""
        contents = {name: files.json_bytes(value) for name, value in values.items()}
        if self.has("manifest.json"):
            self.commit(contents, ended=self.ended())
        else:
            for name, content in contents.items():
                self.write_bytes(name, content)

    def ended(self) -> str:
        """Why training ended: "finished", "patience", "diverged", "interrupted"; empty if it did not, or left nothing."""
        ended: str = self._manifest()["ended"] if self.has("manifest.json") else ""
        return ended

    def digest(self, name: str) -> str:
        """The SHA-256 that a file of the run should have, in hexadecimal."""
        digest: str = self._manifest()["sha256"][name][-1]
        return digest

    def verify(self) -> None:
        """Raise ModelFileError if there is no manifest, if it is of a newer format, or if a file differs from it."""
        if not self.has("manifest.json"):
            raise ModelFileError(f"{self.path} holds no trained network: no epoch was finished; train again")
        for name, accepted in self._manifest()["sha256"].items():
            if not self.has(name):
                raise ModelFileError(f"{self.path} has lost {name}; copy the whole folder again, or train again")
            if (found := files.sha256(self.path / name)) not in accepted:
                raise ModelFileError(
                    f"{self.path / name} is damaged or was changed: SHA-256 is {found[:12]}..., expected {accepted[-1][:12]}...; "
                    f"train again"
                )

    def _manifest(self) -> dict[str, Any]:
        content = self.read("manifest.json")
        try:
            if content["format"] > formats.FORMAT:
                raise ModelFileError(
                    f"{self.path} was written in format {content['format']}, this seefar reads {formats.FORMAT}: use a newer seefar"
                )
            manifest = formats.manifest(content)
            return {"ended": str(manifest["ended"]), "sha256": dict(manifest["sha256"])}
        except (KeyError, TypeError, ValueError):
            raise ModelFileError(f"{self.path / 'manifest.json'} is not the manifest of a run; copy the folder again") from None


def npz_bytes(**arrays: np.ndarray) -> bytes:
    """The content of an .npz file. Equal arrays give equal bytes (numpy's own writer stores the time of day)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy"), one.getvalue(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def history_table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The content of history.csv. Floats are written in full: reading gives the same numbers back."""
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _number(text: str) -> Any:
    """A cell of history.csv: a number, True, False, or else a word."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


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


def open_run(run: str | Path | Run) -> Run:
    """The run in a folder; a Run is returned as it is. Raises ModelFileError if there is none."""
    if isinstance(run, Run):
        return run
    folder = Path(run)
    if not folder.exists():
        raise ModelFileError(f"there is no run folder {folder}; `seefar train` makes one")
    if not folder.is_dir():
        raise ModelFileError(f"{folder} is a file, not the folder of a run; give the folder that `seefar train` printed")
    if not Run(folder).has("recipe.json"):
        raise ModelFileError(
            f"{folder} is not the folder of a run: it has no recipe.json; give the one that `seefar train` printed"
        )
    return Run(folder)
