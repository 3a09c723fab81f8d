"""The log: one JSON object a line, written by a thread of its own, so that a full disk or a slow reader stops no request.

Lines that cannot be written, or come faster than they can be, are counted and dropped. Nothing that a request sent stands in a line
but numbers, and words that are known beforehand; control characters are escaped, since it is JSON.
"""

import contextlib
import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from seefar.errors import DiskError

WAITING = 10_000  # lines
PAUSE = 0.02  # seconds, so that a busy service wakes the thread for many lines and not for each


class Log:
    """Writes lines.

    Args:
        path: of the file, which is added to; None: stderr.
        lost: is told how many lines were dropped.

    Raises:
        DiskError: the file cannot be opened.
    """

    def __init__(self, path: Path | None = None, lost: Callable[[float], None] = lambda lines: None) -> None:
        self._path, self._lost = path, lost
        self._file: TextIO = self._open()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def __call__(self, event: str, **facts: Any) -> None:
        """Add a line. Never waits, never raises."""
        moment = time.time()
        stamp = f"{_second(int(moment))}.{int(moment % 1 * 1000):03d}Z"
        if self._lines.qsize() < WAITING:
            self._lines.put(json.dumps({"time": stamp, "event": event, **facts}) + "\n")
        else:
            self._lost(1)

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._lines.put(None)
        self._thread.join(2)

    def _open(self) -> TextIO:
        if self._path is None:
            return sys.stderr
        try:
            return self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise DiskError(f"cannot write the log {self._path}: {error.strerror}; choose another file") from error

    def _write(self) -> None:
        going = True
        while going:
            lines = [self._lines.get()]
            while len(lines) < 1000:
                try:
                    lines.append(self._lines.get_nowait())
                except queue.Empty:
                    break
            going = None not in lines
            self._put([line for line in lines if line is not None])
            if going:
                time.sleep(PAUSE)
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def _put(self, lines: list[str]) -> None:
        try:
            self._file.write("".join(lines))
            self._file.flush()
        except (OSError, ValueError):  # no space; a reader that went away; a closed file
            self._lost(len(lines))
            self._reopen()

    def _reopen(self) -> None:
        """What could not be flushed would be tried again with the next lines, torn: begin with a file that has nothing waiting."""
        if self._path is not None:
            torn = self._file
            try:
                self._file = self._path.open("a", encoding="utf-8")
            except OSError:
                return
            with contextlib.suppress(OSError):
                torn.close()


@lru_cache(2)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


class Forwarded(logging.Handler):
    """What libraries log, as a line of ours: the place where it was said and its text, never a traceback."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        self._log("library", level=record.levelname.lower(), logger=record.name, said=record.getMessage()[:200], error=kind)


def place_of(error: BaseException) -> str:
    """The file and line where an error arose, without folders: "onnx_engine.py:78"."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown"
