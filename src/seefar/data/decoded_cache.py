"""Keep decoded data sets on the disk, so that a folder or zip of images is decoded once.

An entry is a folder of plain arrays and JSON under a key made of everything that the pixels depend on. It is written beside its
place and renamed into it, so it is there whole or not at all, and two processes that write the same do no harm. It is verified
whenever it is loaded, and replaced without a word if it is damaged.
"""

import dataclasses
import errno
import hashlib
import json
import secrets
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL

from seefar.data.images import Dataset, ImageSet, Skipped
from seefar.errors import DataError
from seefar.files import disk_errors, home

FORMAT = 3  # to be raised when the files of an entry, its name, or the way in which images are decoded, change
ARRAYS = ("train-pixels.npy", "train-labels.npy", "test-pixels.npy", "test-labels.npy")
FILES = (*ARRAYS, "index.json")


class Entry(NamedTuple):
    """A data set in the cache, or the remains of one that was being written when its process ended."""

    folder: Path
    source: str
    size: int  # bytes


def key(*facts: object) -> str:
    """The name of the entry for these facts (path, state, options). Pillow's version is one: another may decode differently."""
    return hashlib.sha256(repr((FORMAT, PIL.__version__, *facts)).encode("utf-8", "surrogateescape")).hexdigest()


def load(key: str) -> Dataset | None:
    """The data set kept under `key`, its pixels mapped from the disk; None if there is none. A damaged one is deleted."""
    folder = _root() / key
    try:
        digests = json.loads((folder / "digests.json").read_bytes())
        if any(_digest(folder / name) != digests[name] for name in FILES):
            raise ValueError("not what was written")
        index = json.loads((folder / "index.json").read_text("utf-8", "surrogateescape"))
        train_pixels, train_labels, test_pixels, test_labels = (
            np.asarray(np.load(folder / name, mmap_mode="r", allow_pickle=False)) for name in ARRAYS
        )
        classes = tuple(index["classes"])
        names = {name: tuple(index[name]) for name in ("train_ids", "train_groups", "test_ids", "test_groups")}
        return Dataset(
            train=ImageSet(train_pixels, train_labels, classes, names["train_ids"], names["train_groups"]),
            test=ImageSet(test_pixels, test_labels, classes, names["test_ids"], names["test_groups"]),
            validation=tuple(index["validation"]),
            skipped=tuple(Skipped(*skipped) for skipped in index["skipped"]),
            warnings=tuple(index["warnings"]),
            **index["facts"],
        )
    except (OSError, ValueError, LookupError, TypeError, DataError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def unfinished(key: str) -> Path | None:
    """The folder in which what is to be kept under `key` is prepared, made if need be; None if the cache cannot be written."""
    folder = _root() / f".{key}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def keep(key: str, dataset: Dataset) -> Dataset:
    """Keep `dataset` under `key` and return it. If the cache cannot be written, return it with one warning more."""
    folder = _root() / key
    unfinished = folder.with_name(f".{key}.{secrets.token_hex(4)}.tmp")
    try:
        unfinished.mkdir(parents=True)
        _write(unfinished, dataset)
        unfinished.rename(folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # then another process was faster
            warning = f"the decoded images could not be kept for the next time ({error.strerror}); see SEEFAR_HOME"
            return dataclasses.replace(dataset, warnings=(*dataset.warnings, warning))
    return dataset


def entries() -> list[Entry]:
    """What is in the cache, the largest first. Raises DiskError if it cannot be read."""
    with disk_errors(_root()):
        folders = list(_root().iterdir()) if _root().is_dir() else []
        return sorted((_entry(folder) for folder in folders), key=lambda entry: (-entry.size, entry.folder))


def delete(entry: Entry) -> None:
    """Delete an entry. A data set that was loaded from it and is still in use stays whole. Raises DiskError if not allowed."""
    with disk_errors(entry.folder):
        shutil.rmtree(entry.folder)


def _root() -> Path:
    return home() / "decoded"


def _write(folder: Path, dataset: Dataset) -> None:
    arrays = (dataset.train.pixels, dataset.train.labels, dataset.test.pixels, dataset.test.labels)
    for name, array in zip(ARRAYS, arrays, strict=True):
        np.save(folder / name, array, allow_pickle=False)
    apart = ("train", "test", "validation", "skipped", "warnings")
    index = {
        "facts": {field.name: getattr(dataset, field.name) for field in dataclasses.fields(dataset) if field.name not in apart},
        "classes": dataset.classes,
        "train_ids": dataset.train.ids,
        "test_ids": dataset.test.ids,
        "train_groups": dataset.train.groups,
        "test_groups": dataset.test.groups,
        "validation": dataset.validation,
        "skipped": dataset.skipped,
        "warnings": dataset.warnings,
    }
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False), "utf-8", "surrogateescape")
    (folder / "digests.json").write_text(json.dumps({name: _digest(folder / name) for name in FILES}))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(folder: Path) -> Entry:
    try:
        source = json.loads((folder / "index.json").read_text("utf-8", "surrogateescape"))["facts"]["source"]
    except (OSError, ValueError, LookupError, TypeError):
        source = "unfinished"
    return Entry(folder, source, sum(file.stat().st_size for file in folder.rglob("*")))
