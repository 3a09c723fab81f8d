"""Every error that seefar raises on purpose, with the exit code that the command line gives it.

    SeefarError            1   anything else that went wrong
     ├── UsageError        2   a wrong argument, recipe, field or combination of them
     ├── DataError         3   images, folders, archives, downloads
     ├── ModelFileError    4   a run folder or weights that are missing, damaged or of another kind
     ├── DivergedError     5   training produced a loss that is not a number
     ├── OutOfMemoryError  6   the machine or the GPU has no memory left
     ├── DiskError         7   disk full, read-only, or no permission
     ├── InUseError        8   another process works in the same folder
     └── StoppedError  128+n  signal n arrived; the work is saved

A message is one sentence that says what was wrong, what was found, what is allowed and what to do. `details` holds further
lines (the files concerned, say); the command line prints them indented below the message.
"""

import difflib
import signal
from collections.abc import Iterable


class SeefarError(Exception):
    """Base of the tree above. `str(error)` is the sentence; `error.details` the lines that go below it."""

    exit_code = 1

    def __init__(self, message: str, details: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class UsageError(SeefarError):
    """The request itself is wrong: `recipe='fsat'`, `epochs=-1`, an output folder that holds something else."""

    exit_code = 2


class DataError(SeefarError):
    """The images cannot be used or cannot be had: a damaged archive, a class without images, a failed download."""

    exit_code = 3


class ModelFileError(SeefarError):
    """A run folder or a weights file is missing, unfinished, damaged, or was made from other data."""

    exit_code = 4


class DivergedError(SeefarError):
    """Training diverged: the loss became NaN or infinite."""

    exit_code = 5


class OutOfMemoryError(SeefarError):
    """No memory left; the message names the batch size and what to try."""

    exit_code = 6


class DiskError(SeefarError):
    """A file could not be read or written: no space, no permission, a read-only disk."""

    exit_code = 7


class InUseError(SeefarError):
    """Another process holds the folder."""

    exit_code = 8


class StoppedError(SeefarError):
    """A signal asked the process to leave, and it did so in good order. `exit_code` is the shell's: 130 for Ctrl-C, 143 for kill."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name} {message}")
        self.exit_code = 128 + number


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint " (did you mean 'epochs'?)" for the nearest of the `known` words, or an empty string if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
