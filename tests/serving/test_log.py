"""A log that cannot be written stops nobody, and says how much it lost."""

import json
import logging
import os
import time
from pathlib import Path

import pytest

from seefar.errors import DiskError
from seefar.serving import log as module
from seefar.serving.log import Forwarded, Log, place_of

FULL = Path("/dev/full")


def test_lines_are_objects_in_order(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    for number in range(3000):
        log("event", number=number, text="\x1b[31m\n\u2028")
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(3000))
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    lost: list[float] = []
    path = tmp_path / "log"
    path.symlink_to(FULL)
    log = Log(path, lost.append)
    for number in range(100):
        log("event", number=number)
    late = time.monotonic() + 3
    while sum(lost) < 100:
        assert time.monotonic() < late
        time.sleep(0.01)
    path.unlink()  # there is room again
    log._reopen()
    log("event", number=100)
    log.close()
    assert json.loads(path.read_text())["number"] == 100


def test_a_reader_that_does_not_read_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that is full blocks the thread that writes, and only that."""
    monkeypatch.setattr(module, "WAITING", 50)
    lost: list[float] = []
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = Log(pipe, lost.append)
    began = time.monotonic()
    for _ in range(3000):
        log("event", text="x" * 200)
    assert time.monotonic() - began < 2
    assert sum(lost) > 1000
    os.close(reader)
    log.close()


def test_a_file_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot write the log"):
        Log(tmp_path / "none" / "log")


def test_what_libraries_log_has_no_traceback(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    logger = logging.Logger("library")
    logger.addHandler(Forwarded(log))
    with pytest.raises(ValueError, match="x") as raised:
        raise ValueError("x\ny")
    logger.error("it failed\n", exc_info=raised.value)
    assert place_of(raised.value).startswith("test_log.py:")
    log.close()
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line) | {"time": ""} == {
        "time": "",
        "event": "library",
        "level": "error",
        "logger": "library",
        "said": "it failed\n",
        "error": "ValueError",
    }
