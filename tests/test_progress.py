"""What a person sees while something takes long: a bar on a terminal, nothing elsewhere; lines on stderr."""

import contextlib
import io
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from seefar import progress


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, columns: int, lines: int = 40) -> Iterator[io.StringIO]:
    """Stderr is a terminal; after the block the value holds all that was written on it."""
    ours, theirs = pty.openpty()
    written = io.StringIO()

    def read() -> None:
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            while block := os.read(ours, 65536):
                blocks.append(block)

    blocks: list[bytes] = []
    reader = threading.Thread(target=read)
    reader.start()
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}.items():
        monkeypatch.setenv(name, value)
    with open(theirs, "w", encoding="utf-8") as stderr, monkeypatch.context() as patch:  # noqa: PTH123 (a descriptor)
        patch.setattr(sys, "stderr", stderr)
        yield written
    reader.join()
    os.close(ours)
    written.write(b"".join(blocks).decode().replace("\r", ""))


def plain(text: str) -> list[str]:
    """The lines without colours, one below the other where the cursor has gone back to draw over what was there."""
    text = re.sub(r"\x1b\[[0-9;?]*[mhl]", "", text)
    return [line for line in re.sub(r"(\x1b\[[0-9]*[A-K])+", "\n", text).splitlines() if line]


def test_a_bar_is_drawn_on_a_terminal_from_the_first_call_on_and_taken_away_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 100) as written, progress.bar("decoding images") as tell:
        tell(1, 4, "")
        tell(3, 4, "cat.png")
    lines = plain(written.getvalue())
    assert any("decoding images" in line and "75%" in line and "cat.png" in line for line in lines)
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l"), "the cursor is back"
    with terminal(monkeypatch, 100) as written, progress.bar("decoding images"):
        pass
    assert "decoding" not in written.getvalue()


def test_where_there_is_no_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("decoding images") as tell:
        tell(1, 2, "")
    assert capsys.readouterr() == ("", "")


def test_a_line_goes_to_stderr_and_in_a_notebook_to_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.say("one")
    assert capsys.readouterr() == ("", "one\n")
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setattr(sys, "stderr", stream())
    progress.say("two")
    assert capsys.readouterr().out == "two\n"


def test_a_warning_is_broken_between_words_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 40) as written:
        progress.warn("warning: 9,995 of your 9,995 test images are training images")
    assert plain(written.getvalue()) == ["warning: 9,995 of your 9,995 test images", "  are training images"]


def test_a_warning_is_yellow_on_a_terminal_that_has_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal(monkeypatch, 80) as written:
        progress.warn("all images are black")
    assert written.getvalue() == "\x1b[33mall images are black\x1b[0m\n"
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with terminal(monkeypatch, 80) as written:
            monkeypatch.setenv(name, value)
            progress.warn("all images are black")
        assert written.getvalue() == "all images are black\n"
    progress.warn("all images are black")
    assert capsys.readouterr() == ("", "all images are black\n")
