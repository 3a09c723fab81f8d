"""Folders and zips of images: everything in one as a Dataset, or just the pictures, to be classified."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seefar.data import decoded_cache
from seefar.data.arrange import Layout, arrange
from seefar.data.collect import How, Progress, collect
from seefar.data.decode import Decoded, decode_each, reader_for
from seefar.data.images import Dataset
from seefar.data.sources import (
    FilesBelow,
    FolderSource,
    Parts,
    ZipSource,
    has_image_name,
    open_source,
    printable,
    read_file,
    reason_of,
)
from seefar.errors import DataError, DiskError


class FolderReader:
    """The files of a layout in a folder or zip that is open.

    Args:
        path: the folder or zip.
        source: the same, open.
        layout: which of its files are images.
    """

    def __init__(self, path: Path, source: FolderSource | ZipSource | FilesBelow, layout: Layout) -> None:
        self._images = layout.images
        self._facts = {"kind": "zip" if isinstance(source, ZipSource) else "folder", "path": str(path)}
        self.read = source.read

    def source(self) -> dict[str, Any]:
        """What another process needs to read the files."""
        return self._facts

    def jobs(self, first: int, stop: int) -> list[Any]:
        """Their paths in pieces."""
        return [list(image.parts) for image in self._images[first:stop]]

    def items(self, first: int, stop: int) -> Iterator[Parts]:
        """Their paths."""
        return (image.parts for image in self._images[first:stop])


def load_folder(
    path: Path,
    *,
    size: int = 32,
    background: str = "white",
    split_seed: int = 0,
    skip_bad: bool = False,
    group: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Dataset:
    """Load a folder or zip of images: `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone.

    Where there is no test folder, a fifth of every class is split off by the seeded rule. The decoded images are kept in the
    cache, so that the same files load at once the next time.

    Args:
        path: the folder or zip file.
        size: height and width in pixels to which the images are brought: centre crop to a square, then resized.
        background: the colour behind transparent images.
        split_seed: seed of the rule that splits off a test set.
        skip_bad: leave out images that cannot be decoded, and record them in `skipped`, instead of raising.
        group: a regular expression that finds in the path of an image what it shows; no group stands on both sides of a split.
        progress: called with the number of images decoded and the total.

    Raises:
        DataError: nothing there, no images, no classes, images that cannot be decoded (listed in `details`), a damaged zip.
        DiskError: no permission to read.
        UsageError: no such colour.
    """
    path = Path(os.path.realpath(path))
    source = open_source(path)
    how = How(size, background, split_seed, skip_bad)
    key = decoded_cache.key(str(path), source.state, *how, *([group] if group else []))
    if cached := decoded_cache.load(key):
        return cached
    with source:
        layout = arrange(source.contents, printable(path.name), group)
        origin = {"group": group} if group else {}
        return collect(path, layout, FolderReader(path, source, layout), how, key, origin, progress)


def read_images(paths: list[Path], size: int, background: str) -> list[tuple[str, Decoded | DataError]]:
    """Decode image files for prediction; one that cannot be decoded does not stop the others.

    Args:
        paths: files, in the order wanted; a folder stands for the image files in it and below, sorted.
        size: height and width of the results in pixels.
        background: the colour behind transparent images.

    Returns:
        For each file its path, fit to be printed, and either the picture or what was wrong.

    Raises:
        DataError: a path does not exist, or a folder holds no images.
        DiskError: no permission to look at a path.
    """
    files: list[Path] = []
    for path in paths:
        try:
            kind = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise DataError(f"there is no image or folder {printable(str(path))}; check the spelling") from None
        except OSError as error:
            raise DiskError(f"cannot read {printable(str(path))}: {error.strerror}; fix that, or choose another") from error
        if stat.S_ISDIR(kind):
            found = sorted(Path(path, *parts) for parts in FolderSource(path).contents.files)
            images = [file for file in found if is_image_file(file)]
            if not images:
                raise DataError(f"there are no images in {printable(str(path))}; choose another folder")
            files += images
        elif stat.S_ISREG(kind):
            files.append(path)
        else:
            raise DataError(f"{printable(str(path))} is neither a file nor a folder; give an image, or a folder of them")
    results = decode_each(lambda file: read_file(str(file)), files, size, background)
    return [
        (printable(str(file)), result if isinstance(result, Decoded) else DataError(reason_of(result)))
        for file, result in zip(files, results, strict=True)
    ]


def is_image_file(file: Path) -> bool:
    """Whether a file counts as a picture: by its name, or else by its first bytes."""
    if has_image_name(file.name):
        return True
    try:
        with file.open("rb") as opened:
            return reader_for(opened.read(18)) is not None
    except OSError:
        return False
