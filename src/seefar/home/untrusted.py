"""Files of folders that nobody vouches for: only regular ones, of a bounded size, and no link is followed on the way to them."""

import errno
import json
import math
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from seefar.errors import ModelFileError

MOST = 16 * 2**20  # bytes of a file that is read whole (chosen by hand: ten times the evaluation of a hundred classes)
NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class MissingError(ModelFileError):
    """There is no such file."""


class Folder:
    """An open folder below a root. Close it, or use `inside`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, root: Path, parts: Sequence[str]) -> Self:
        """The folder at `root/part/part`. Raises ModelFileError if it is gone, or if there is a link on the way."""
        try:
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ModelFileError(f"the folder cannot be read: {error.strerror}") from None
        for part in parts:
            try:
                deeper = os.open(part, NO_LINK | os.O_DIRECTORY, dir_fd=descriptor)
            except OSError as error:
                raise ModelFileError(f"the folder cannot be read: {error.strerror}") from None
            finally:
                os.close(descriptor)
            descriptor = deeper
        return cls(descriptor)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def stamp(self, name: str) -> tuple[int, int]:
        """When a file was changed, in nanoseconds, and its size; zeros if there is none."""
        try:
            found = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def names(self) -> list[str]:
        """What lies in the folder."""
        try:
            return os.listdir(self._descriptor)  # noqa: PTH208  a descriptor is no path
        except OSError as error:
            raise ModelFileError(f"the folder cannot be read: {error.strerror}") from None

    def file(self, name: str) -> tuple[int, int]:
        """The descriptor of a regular file, and its size. Raises ModelFileError for anything else."""
        try:
            descriptor = os.open(name, NO_LINK | os.O_NONBLOCK, dir_fd=self._descriptor)
        except FileNotFoundError:
            raise MissingError(f"{name} is missing") from None
        except OSError as error:
            why = "is a link, and links are not followed" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            raise ModelFileError(f"{name} {why}") from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise ModelFileError(f"{name} is no file")
        return descriptor, found.st_size

    def read(self, name: str) -> bytes:
        """The content of a file. Raises ModelFileError if it is missing, no file, a link, or larger than 16 MiB."""
        descriptor, size = self.file(name)
        with os.fdopen(descriptor, "rb") as file:
            if size > MOST:
                raise ModelFileError(f"{name} has {size:,} bytes, more than such a file ever has")
            try:
                return file.read(MOST)
            except OSError as error:
                raise ModelFileError(f"{name} cannot be read: {error.strerror}") from None

    def json(self, name: str) -> dict[str, Any]:
        """An object in JSON; numbers that are none become None. Raises ModelFileError if it is something else."""
        try:
            found = json.loads(self.read(name), parse_constant=lambda word: None, parse_float=_finite)
        except (ValueError, RecursionError):
            raise ModelFileError(f"{name} is damaged: it is no JSON; copy the folder again") from None
        if not isinstance(found, dict):
            raise ModelFileError(f"{name} is damaged: it holds no object; copy the folder again")
        return found


@contextmanager
def inside(root: Path, parts: Sequence[str]) -> Iterator[Folder]:
    """An open folder, for the length of the block."""
    folder = Folder.open(root, parts)
    try:
        yield folder
    finally:
        folder.close()


def number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 else None


def text(value: Any, most: int = 200) -> str:
    """A text of bounded length; empty for anything else."""
    return value[:most] if isinstance(value, str) else ""


def _finite(word: str) -> float | None:
    value = float(word)
    return value if math.isfinite(value) else None
