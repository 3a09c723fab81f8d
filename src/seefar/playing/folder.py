"""The playground of a network: a page on which it runs in the browser, as files that any web server, or none, can show."""

import json
from importlib.resources import files
from pathlib import Path

from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.files import make_folder, write_bytes
from seefar.playing.from_file import of_bytes
from seefar.playing.material import material
from seefar.runs.folder import Run
from seefar.torchrun import only_alone

NAMES = ("index.html", "playground.css", "playground.js")  # built from web/, in every wheel
DATA = "data.js"  # a script and not JSON, because pages from disk may fetch nothing


def playground(
    source: str | Path | Run,
    out: str | Path | None = None,
    *,
    other: str | Path | Run | None = None,
    data: Dataset | None = None,
) -> Path:
    """Write a folder with a page on which people try the network; it computes in their browser, and nothing leaves it.

    Args:
        source: a run, its folder, or an ONNX file that `seefar export` wrote.
        out: the folder; None: `playground` in the run's folder, or beside the file.
        other: a second network, to compare with.
        data: the data the run was trained on; by default it is loaded again from where it came from.

    Returns:
        The page, `index.html`.

    Raises:
        ModelFileError: the run or the file is missing, damaged, or of a kind that a page cannot compute.
        UsageError: the folder holds something else, or a package is missing.
        DiskError: it cannot be written.
    """
    only_alone("playground")
    path = source.path if isinstance(source, Run) else Path(source)
    folder = Path(out) if out is not None else (path if path.is_dir() else path.parent) / "playground"
    _insist_on_ours(folder)
    contents = page_files(source, other, data)
    make_folder(folder)
    for name, content in contents.items():
        write_bytes(folder / name, content)
    return folder / "index.html"


def page_files(
    source: str | Path | Run, other: str | Path | Run | None = None, data: Dataset | None = None
) -> dict[str, bytes]:
    """The files of a playground by name. Arguments and errors: `playground`."""
    return _files(material(source, data), *([material(other, data)] if other is not None else []))


def page_of_bytes(content: bytes, name: str) -> dict[str, bytes]:
    """The files of a playground for the bytes of an ONNX file that is called `name`. Errors: `playground`."""
    return _files(of_bytes(content, name, name))


def static_files() -> dict[str, bytes]:
    """Those that are the same for every network."""
    folder = files("seefar") / "web" / "playground"
    return {name: (folder / name).read_bytes() for name in NAMES}


def _files(*models: dict[str, object]) -> dict[str, bytes]:
    return {**static_files(), DATA: "".join(map(_script, models)).encode()}


def _script(model: dict[str, object]) -> str:
    return f"(window.seefarModels ??= []).push({json.dumps(model, separators=(',', ':'), allow_nan=False)});\n"


def _insist_on_ours(folder: Path) -> None:
    """Raise UsageError if the folder holds anything but an earlier playground."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give --out a folder")
    if folder.is_dir() and (odd := sorted({entry.name for entry in folder.iterdir()} - {*NAMES, DATA})):
        raise UsageError(
            f"{folder} holds {odd[0]!r}, which is no part of a playground; give --out an empty folder or a new one"
        )
