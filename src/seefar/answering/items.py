"""What is to be answered: files, folders, zips, globs and a list on stdin become items, one after the other, in a fixed order.

Nothing is listed before it is needed. What is held at a time: the names of one folder and of those above it, the table of contents
of each zip, the files that a glob matches.
"""

import glob
import itertools
import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from seefar.data.decode import reader_for
from seefar.data.folder import is_image_file
from seefar.data.sources import Parts, ZipSource, has_image_name, is_hidden, printable, read_file, shown_path
from seefar.errors import DataError, DiskError

LIST = "-"  # one path a line, from stdin
ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # how they begin


class Item(NamedTuple):
    """One file to be answered for.

    Attributes:
        name: as it is printed: "photos/cat.png", "photos.zip/cats/1.png".
        path: of the file, or of the zip that holds it.
        inside: where in the zip; empty for a plain file.
        trouble: why there is nothing to read, where that is known already.
    """

    name: str
    path: str
    inside: Parts = ()
    trouble: str = ""


class Reader:
    """Reads items; a zip stays open, so that its table of contents is read once. May be used by several threads."""

    def __init__(self) -> None:
        self._zips: dict[str, ZipSource] = {}
        self._opening = threading.Lock()

    def open_zip(self, path: str) -> ZipSource:
        """The zip at `path`, opened. Raises DataError if it is damaged, DiskError if it cannot be read."""
        with self._opening:
            if path not in self._zips:
                source = ZipSource(Path(path))
                source.__enter__()
                self._zips[path] = source
            return self._zips[path]

    def read(self, item: Item) -> bytes:
        """The content of an item. Raises OSError with the reason if it has none."""
        if item.trouble:
            raise OSError(item.trouble)
        if not item.inside:
            if stat.S_ISFIFO(os.stat(item.path).st_mode):  # noqa: PTH116 (a Path takes longer)
                raise OSError("a pipe, not a file")  # opening it would wait for whoever writes into it
            return read_file(item.path)
        try:
            return self.open_zip(item.path).read(item.inside)
        except DataError as error:  # damaged there; other entries may be good
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close the zips."""
        while self._zips:
            self._zips.popitem()[1].__exit__()


def items(what: Sequence[str], reader: Reader, stdin: BinaryIO | None = None) -> Iterator[Item]:
    """The items that `what` stands for, in its order.

    - A file is itself, also behind a link; a zip, told by content, stands for the images in it, sorted.
    - A folder stands for the images in it and below, sorted; hidden ones are left out and links are not followed.
    - `-` stands for the files that stdin names, one path a line.
    - A pattern with `*`, `?` or `[...]` that is no file stands for what it matches, sorted; `**` goes into folders.

    Files of the second and third kind that cannot be read are items too, and get their reason when they are read.

    Args:
        what: files, folders, zips, patterns, "-".
        reader: opens the zips.
        stdin: what "-" reads from; by default this process's stdin.

    Raises:
        DataError: at once, if one of `what` does not exist, matches nothing, or holds no images; for "-", when it turns out so.
        DiskError: one of `what` cannot be looked at.
    """
    parts = [_items_of(word, reader, stdin) for word in what]
    return itertools.chain.from_iterable(parts)


def _items_of(word: str, reader: Reader, stdin: BinaryIO | None) -> Iterator[Item]:
    if word == LIST:
        return _listed(stdin or sys.stdin.buffer)
    shown = printable(word)
    try:
        kind = os.stat(word).st_mode  # noqa: PTH116 (text, since it may be no path)
    except (FileNotFoundError, NotADirectoryError):
        if glob.has_magic(word):
            return _matched(word, reader)
        raise DataError(f"there is no image or folder {shown}; check the spelling") from None
    except OSError as error:
        raise DiskError(f"cannot read {shown}: {error.strerror}; fix that, or choose another") from error
    except ValueError:
        raise DataError(f"{shown} cannot be the name of a file; check the spelling") from None
    if stat.S_ISDIR(kind):
        return _not_empty(_below(word), f"there are no images in {shown}; choose another folder")
    if not stat.S_ISREG(kind):
        raise DataError(f"{shown} is neither a file nor a folder; give an image, or a folder of them")
    if _is_zip(word):
        return _not_empty(_in_zip(word, reader), f"there are no images in {shown}; choose another zip")
    return iter([Item(shown, word)])


def _listed(stdin: BinaryIO) -> Iterator[Item]:
    """The files named on stdin. Each is taken as it is: a folder among them is not gone into."""
    found = False
    for line in stdin:
        if path := os.fsdecode(line.removesuffix(b"\n").removesuffix(b"\r")):
            found = True
            yield Item(printable(path), path)
    if not found:
        raise DataError("stdin names no file; write one path a line to it, as `find photos -type f` does")


def _matched(pattern: str, reader: Reader) -> Iterator[Item]:
    """What a shell would have put in place of the pattern, pipes and the like left out. With ** only files: their folders match, too."""
    found = sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207 (pathlib would match hidden files)
    wanted = [path for path in found if _is_wanted(path, "**" not in pattern)]
    if not wanted:
        raise DataError(f"nothing matches {printable(pattern)}; check the spelling")
    return itertools.chain.from_iterable(_items_of(path, reader, None) for path in wanted)


def _is_wanted(path: str, folders: bool) -> bool:
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return True  # what is wrong with it is said later
    return stat.S_ISREG(kind) or (folders and stat.S_ISDIR(kind))


def _below(folder: str) -> Iterator[Item]:
    """The images in a folder and below, sorted by name at each level."""
    names, folders = list[str](), set[str]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_hidden(entry.name) or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.add(entry.name)
                elif not entry.is_file(follow_symlinks=False):
                    continue
                names.append(entry.name)
    except OSError as error:
        yield Item(printable(folder), folder, trouble=f"cannot be listed: {error.strerror}")
        return
    names.sort(reverse=True)
    while names:  # names that were used are given back
        name = names.pop()
        path = os.path.join(folder, name)  # noqa: PTH118 (a Path takes longer than the rest)
        if name in folders:
            yield from _below(path)
        elif has_image_name(name) or is_image_file(Path(path)):
            yield Item(printable(path), path)


def _in_zip(path: str, reader: Reader) -> Iterator[Item]:
    source = reader.open_zip(path)
    for parts in sorted(source.contents.files):
        item = Item(f"{printable(path)}/{shown_path(parts)}", path, parts)
        if has_image_name(parts[-1]) or _begins_as_image(item, reader):
            yield item


def _begins_as_image(item: Item, reader: Reader) -> bool:
    try:
        return reader_for(reader.read(item)[:18]) is not None
    except OSError:
        return False


def _is_zip(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(4) in ZIPS
    except OSError:
        return False  # reading it will say so


def _not_empty(found: Iterator[Item], otherwise: str) -> Iterator[Item]:
    first = next(found, None)
    if first is None:
        raise DataError(otherwise)
    return itertools.chain([first], found)
