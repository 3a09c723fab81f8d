"""A CSV file that lists images beside it, `path,label[,split][,group]`, as a layout of files that is then read like a folder."""

import csv
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from seefar.data.arrange import NAMES_OF_SPLITS, SPLITS, Layout, Listed
from seefar.data.groups import group_in, pattern_of
from seefar.data.labels import in_order
from seefar.data.sources import LINK, Parts, printable, shown_path
from seefar.errors import DataError, UsageError, did_you_mean
from seefar.files import disk_errors, sha256

PATHS = ("path", "file_name", "filename", "file", "image")  # what the column of paths may be called, the first that is there
DELIMITERS = ",;\t"


class Row(NamedTuple):
    """A line of the table: its number in the file, and its cells by column."""

    line: int
    cells: dict[str, str]


def is_table(path: Path) -> bool:
    """Whether a file is, by its name, a table."""
    return path.suffix.lower() in (".csv", ".tsv")


def arrange_table(path: Path, label: str | None, group: str | None) -> tuple[Layout, str]:
    """The images that the table names, with split, class and group; and a state, another string once one of their files changed.

    Args:
        path: the CSV file; paths in it start at its folder. No link in them is followed.
        label: the column of labels; None: "label".
        group: a column, or a regular expression that finds the group in the path; None: the column "group", if there is one.

    Raises:
        DataError: a line cannot be used: the sentence names it.
        DiskError: the file cannot be read.
        UsageError: there is no such column.
    """
    rows, shown = _rows(path), printable(path.name)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{shown} is empty; its first line must name the columns path and label")
    columns = list(first.cells)
    where, answer = _columns(columns, label, shown)
    named = _heading("group" if group is None else group)
    column = named if named in columns else None
    pattern = pattern_of(group) if group is not None and column is None else None
    files, images, labels, seen = _Files(path.parent), [], [], dict[str, int]()
    for row in rows:
        at = f"{shown}, line {row.line}"
        parts = _parts(row.cells[where], at)
        files.stamp(parts, at)
        id_ = shown_path(parts)
        if id_ in seen:
            raise DataError(f"{at}: {id_} was named in line {seen[id_]} already; name each image once")
        seen[id_] = row.line
        name = printable(row.cells[answer].strip())
        if not name:
            raise DataError(f"{at}: {id_} has no label; give every image its class")
        if column is None:
            belongs = group_in(pattern, id_) if pattern else ""
        elif not (belongs := printable(row.cells[column].strip())):
            raise DataError(f"{at}: {id_} has no {column}; say of every image what it shows, or leave the column out")
        images.append(Listed(_split(row.cells.get("split", "train"), at), 0, id_, parts, belongs))
        labels.append(name)
    if not images:
        raise DataError(f"{shown} names no images; add a line for each")
    classes = tuple(sorted(set(labels), key=in_order))
    if len(classes) < 2:
        raise DataError(f"need at least 2 classes, found 1 in {shown}: '{classes[0]}'; add images of another")
    numbers = {name: number for number, name in enumerate(classes)}
    images = [image._replace(label=numbers[name]) for image, name in zip(images, labels, strict=True)]
    images.sort(key=lambda image: (SPLITS.index(image.split), image.id))
    splits = {image.split for image in images}
    if "train" not in splits:
        raise DataError(f"{shown} names no image of split train; mark those to learn from")
    layout = Layout(classes, images, "test" not in splits, [], [], column or group or "", listed=True)
    state = hashlib.sha256(f"{sha256(path)} {files.state}".encode()).hexdigest()
    return layout, state


def _columns(columns: list[str], label: str | None, shown: str) -> tuple[str, str]:
    """The columns of paths and labels."""
    where = next((name for name in PATHS if name in columns), None)
    answer = _heading(label or "label")
    if label is not None and answer not in columns:
        raise UsageError(f"{shown} has no column {label!r}{did_you_mean(answer, columns)}; there are {', '.join(columns)}")
    if where is None or answer not in columns:
        missing = "path" if where is None else "label"
        raise DataError(
            f"{shown} has no column {missing!r}, only {', '.join(columns)}; its first line must name path and label"
        )
    return where, answer


class _Files:
    """The files below a folder, looked at without following links."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._known = set[Parts]()  # folders that are no links
        self._digest = hashlib.sha256()

    @property
    def state(self) -> str:
        """Another string once one of the files so far was resized or written again."""
        return self._digest.hexdigest()

    def stamp(self, parts: Parts, at: str) -> None:
        """Take note of a file. Raises DataError if it is not there, a link, no file, or behind a link."""
        for depth in range(1, len(parts)):
            if parts[:depth] not in self._known:
                self._look(parts[:depth], at, stat.S_ISDIR, "a folder")
                self._known.add(parts[:depth])
        facts = self._look(parts, at, stat.S_ISREG, "a regular file")
        self._digest.update(f"{facts.st_size} {facts.st_mtime_ns}\n".encode())

    def _look(self, parts: Parts, at: str, is_right: Callable[[int], bool], kind: str) -> os.stat_result:
        try:
            facts = os.lstat(os.path.join(self._folder, *parts))  # noqa: PTH118 (as in FolderSource)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise DataError(f"{at}: there is no file {shown_path(parts)!r} beside the table; check the path") from None
        except OSError as error:
            raise DataError(
                f"{at}: {shown_path(parts)} cannot be read ({error.strerror}); allow it, or remove the line"
            ) from error
        if stat.S_ISLNK(facts.st_mode):
            raise DataError(f"{at}: {shown_path(parts)} is a {LINK}; put the file itself there")
        if not is_right(facts.st_mode):
            raise DataError(f"{at}: {shown_path(parts)} is not {kind}; name an image")
        return facts


def _rows(path: Path) -> Iterator[Row]:
    """First the names of the columns, as the cells of line 1; then the lines that are not blank."""
    shown = printable(path.name)
    try:
        with disk_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(DELIMITERS, key=head.count) if head else ","
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            columns: list[str] = []
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if not columns:
                    columns = [_heading(cell) for cell in cells]
                    if len(set(columns)) < len(columns):
                        raise DataError(f"{shown} names a column twice: {', '.join(columns)}; give each a name of its own")
                elif len(cells) != len(columns):
                    raise DataError(
                        f"{shown}, line {reader.line_num}: {len(cells)} cells and {len(columns)} columns; a cell with a {delimiter!a} "
                        "in it needs quotes around it"
                    )
                yield Row(reader.line_num, dict(zip(columns, cells, strict=True)))
    except UnicodeDecodeError as error:
        raise DataError(f"{shown} is not UTF-8 (at byte {error.start:,}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{shown} is no CSV file: {printable(str(error))}; repair or make it again") from error


def _heading(cell: str) -> str:
    """The name of a column: whether it is written in capitals makes no difference."""
    return printable(cell.strip().lower())


def _parts(cell: str, at: str) -> Parts:
    """A path as pieces. Raises DataError if it leads out of the table's folder."""
    text = cell.strip().replace("\\", "/")
    pieces = [piece for piece in text.split("/") if piece not in ("", ".")]
    if text.startswith("/") or (len(text) > 1 and text[1] == ":" and text[0].isalpha()):
        raise DataError(f"{at}: {printable(cell)!r} is an absolute path; give paths that start at the folder of the table")
    if ".." in pieces:
        raise DataError(f"{at}: {printable(cell)!r} leads out of the folder of the table; put the images below it")
    if not pieces:
        raise DataError(f"{at}: the path is empty; name an image")
    return tuple(pieces)


def _split(cell: str, at: str) -> str:
    split = NAMES_OF_SPLITS.get(cell.strip().lower())
    if split is None:
        raise DataError(f"{at}: the split is {printable(cell)!r}; allowed is train, val or test")
    return split
