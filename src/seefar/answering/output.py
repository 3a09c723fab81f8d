"""A file of answers that appears whole or not at all, and goes on after a kill: until it is finished, its rows wait beside it.

`answers.csv.partial/` holds the rows so far (`rows`) and what was asked (`request.json`), and is locked by who writes. At the end
the rows become `answers.csv` by one rename. When the work is resumed, each row that is there is compared with the file that it has
to be about, so that nothing is answered twice or left out, and a line that the kill has torn is written anew.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from seefar.answering.items import Item
from seefar.answering.rows import Lines
from seefar.errors import DataError, UsageError
from seefar.files import disk_errors, lock, make_folder, sync_folder, write_json
from seefar.model.predictions import Prediction


class Output:
    """A file of answers in the making.

    Attributes:
        done: rows that are written, those of earlier attempts among them.
        bad: of them, the files that could not be read.
    """

    def __init__(self, file: BinaryIO, lines: Lines) -> None:
        self._file, self._lines = file, lines
        self.done = self.bad = 0

    def skip(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items that no row is about yet. Raises DataError if an earlier row is not about the file that now has its place."""
        left = iter(items)
        end = len(self._lines.head())
        if self._file.seek(0, os.SEEK_END) < end:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(self._lines.head())
        self._file.seek(end)
        for line in self._file:
            try:
                said = self._lines.read(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            self._compare(said.image, next(left, None))
            self.done += 1
            self.bad += said.bad
            end += len(line)
        self._file.seek(end)
        self._file.truncate()
        return left

    def write(self, rows: Iterable[Prediction]) -> None:
        """Add rows. They are safe from a kill of this process at once."""
        rows = list(rows)
        self._file.write(self._lines.lines(rows))
        self._file.flush()
        self.done += len(rows)
        self.bad += sum(row.error is not None for row in rows)

    def _compare(self, said: str, item: Item | None) -> None:
        if item is None or item.name != said:
            now = f"it is {item.name} now" if item else "there are fewer files now"
            raise DataError(
                f"the files have changed since the answers began: number {self.done + 1} was {said}, and {now}; delete the folder "
                "that ends with .partial to begin anew"
            )


@contextmanager
def writing(path: Path, request: Mapping[str, Any], lines: Lines, resume: bool) -> Iterator[Output]:
    """Write the file of answers `path`, which appears when the block ends well. What was written before a failure is kept.

    Args:
        path: of the file; one that is there already is replaced at the end.
        request: what the answers depend on, as JSON has it: an attempt is only resumed by the same request.
        lines: their form.
        resume: go on with what an earlier attempt has left, if it has left anything.

    Raises:
        UsageError: there is such an earlier attempt, and it is not to be resumed, or was of another request.
        InUseError: another process is writing the file.
        DiskError: no space, no permission.
    """
    partial = path.with_name(path.name + ".partial")
    if path.is_dir():
        raise UsageError(f"--out {path} is a folder; give the name of a file")
    with ExitStack() as at_last, disk_errors(path), lock(make_folder(partial) / ".lock"):
        rows, asked = partial / "rows", partial / "request.json"
        if asked.exists() and rows.exists():
            check_request(asked, request, partial, resume)
        else:
            rows.unlink(missing_ok=True)
            write_json(asked, request)
            rows.touch()
        empty = rows.stat().st_size <= len(lines.head())
        with rows.open("r+b") as file:
            output = Output(file, lines)
            try:
                yield output
            except BaseException:
                if empty and not output.done:  # there is nothing to resume
                    at_last.callback(_remove, partial)
                raise
            file.flush()
            os.fsync(file.fileno())
        rows.replace(path)
        sync_folder(path.parent)
        at_last.callback(_remove, partial)


def _remove(partial: Path) -> None:
    """After the lock in it was given back. What asked goes first: without it, nothing is resumed."""
    (partial / "request.json").unlink(missing_ok=True)
    shutil.rmtree(partial, ignore_errors=True)


def check_request(asked: Path, request: Mapping[str, Any], partial: Path, resume: bool) -> None:
    """Raise UsageError unless what is left in `partial` is to be resumed, and was asked for in the same way; DataError if it is damaged."""
    if not resume:
        raise UsageError(
            f"{partial} holds the answers of an attempt that did not end; add --resume to go on with it, or delete that folder"
        )
    try:
        before = json.loads(asked.read_bytes())
    except ValueError as error:
        raise DataError(f"{asked} is damaged ({error}); delete {partial} and begin anew") from None
    if before != json.loads(json.dumps(request)):
        differing = [name for name in {**before, **request} if before.get(name) != request.get(name)]
        raise UsageError(
            f"{partial} was begun with another request: {', '.join(differing)} differ; give the same options as then, or delete it"
        )
