"""What a person sees: lines where there is no terminal, curves and a bar where there is one."""

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.conftest import SMALL

import seefar as sf
from seefar import progress
from seefar.data.images import Dataset
from seefar.training.fit import Epoch
from seefar.training.loop import Step
from seefar.training.pace import ByClock


def test_without_a_terminal_there_are_a_summary_and_a_line_for_each_epoch(
    small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sf.train(small_data, "tiny", out=tmp_path / "run", **SMALL)
    out = capsys.readouterr()
    assert out.out == ""
    lines = out.err.splitlines()
    assert lines[0].startswith("colours: 108 training and 12 validation images of 16x16 in 3 classes; recipe tiny+")
    assert [line.split()[0] for line in lines[-4:-1]] == ["1/3", "2/3", "3/3"]
    assert "best so far" in lines[-4]
    assert lines[-1].startswith("finished after epoch 3 of 3; best: epoch ")
    assert "\x1b" not in out.err


def test_the_summary_adds_up(small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", **SMALL)
    from safetensors.numpy import load_file

    buffers = 6  # mean and deviation of the scaling are no parameters
    parameters = sum(array.size for array in load_file(run.path / "weights" / "last.safetensors").values()) - buffers
    total = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("all "))
    assert total.split()[1] == f"{parameters:,}"


def test_quiet_says_nothing(small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_there_is_a_bar_with_speed_and_remaining_time(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [
        "train",
        "--data",
        "shapes",
        "--recipe",
        "tiny",
        "--epochs",
        "1",
        "--set",
        "widths=[[4],[4]]",
        "--out",
        str(tmp_path / "run"),
    ]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(
        [sys.executable, "-m", "seefar", *words], stderr=theirs, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 65536):
                shown += block
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "images/s" in text
    assert "epoch 1/1" in text
    assert "━" in text


STEPS = 4


def steps_before(epoch: int) -> int:
    """The steps of all epochs before one."""
    return (epoch - 1) * STEPS


def epoch(number: int, best: bool = True, ending: str = "") -> Epoch:
    return Epoch(
        number=number,
        loss=2 / number,
        accuracy=1 - 0.8 / number,
        validation_loss=2.5 / number,
        validation_accuracy=1 - 0.9 / number,
        rate=0.001,
        best=best,
        seconds=1.5,
        ending=ending,
    )


def events(first: int, last: int, ending: str, best: int = 2) -> Iterator[Step | Epoch]:
    """What `fit` yields from epoch `first` to `last`; the best one is `best`."""
    for number in range(first, last + 1):
        for step in range((number - 1) * STEPS + 1, number * STEPS + 1):
            yield Step(number=step, loss=torch.zeros(()), correct=torch.zeros((), dtype=torch.int64), images=8, rate=0.001)
        yield epoch(number, best=number <= best, ending=ending if number == last else "")


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
    monkeypatch.setattr(progress, "REFRESH", 0)  # every step is seen
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


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("finished", "finished after epoch 3 of 3; best: epoch 2"),
        ("patience", "stopped after epoch 3 of 9: validation did not get better; best: epoch 2"),
        ("budget", "stopped after epoch 3 of 9: the budget is used up; best: epoch 2"),
        ("the end of time", "stopped after epoch 3 of 9: the end of time; best: epoch 2"),
    ],
)
def test_the_last_line_says_why_it_is_over(ending: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    progress.follow(events(1, 3, ending), epochs=3 if ending == "finished" else 9, steps_before=steps_before)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == words
    assert [line.endswith("best so far") for line in lines[1:-1]] == [True, True, False]
    assert len(lines) == 5


def test_a_resumed_run_says_how_far_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    earlier = [epoch(1), epoch(2), epoch(3, best=False)]
    progress.follow(events(4, 5, "finished"), 5, steps_before, earlier)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "    3/5   done before; best so far: epoch 2"
    assert [line.split()[0] for line in lines[2:4]] == ["4/5", "5/5"]
    assert lines[-1] == "finished after epoch 5 of 5; best: epoch 2"
    assert len(earlier) == 3


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_curves_speed_and_remaining_time(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns) as written:
        progress.follow(events(1, 5, "patience"), 30, steps_before)
    lines = plain(written.getvalue())
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert re.search(r"epoch 5/30.*\d images/s  at most 1 s left", text)
    assert re.search(r"^ {7}loss( {9,}accuracy)? *$", text, re.MULTILINE)
    for word in ("   accuracy", " train", " val ", "stopped after epoch 5 of 30"):
        assert word in text
    assert re.search("[\u2801-\u28ff]{3}", text)
    assert len([line for line in lines if line.startswith("    3/30 ")]) == 1, "a row is written once"
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l"), "the cursor is back"


def test_earlier_epochs_are_in_the_curves_from_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = [epoch(number) for number in range(1, 9)]
    with terminal(monkeypatch, 80) as written:
        progress.follow(events(9, 9, "finished"), 9, steps_before, earlier)
    before, _ = "\n".join(plain(written.getvalue())).split("    9/9 ", 1)
    assert "  2.5┤" in before
    assert " epoch 9/9 ━" in before


def test_a_training_that_cannot_end_early_has_a_time_that_is_not_called_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 80) as written:
        progress.follow(events(1, 2, "finished"), 2, steps_before, may_end_early=False)
    assert "images/s  1 s left" in written.getvalue()
    assert "at most" not in written.getvalue()


def test_no_color_is_respected_and_train_and_val_can_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 80) as written:
        monkeypatch.setenv("NO_COLOR", "1")
        progress.follow(events(1, 5, "finished"), 5, steps_before)
    assert not re.search(r"\x1b\[[0-9;]*m", written.getvalue().replace("\x1b[0m", ""))
    assert re.search(r"━─", written.getvalue())


def test_a_low_terminal_and_one_that_does_not_move_get_no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 80, lines=10) as written:
        progress.follow(events(1, 3, "finished"), 3, steps_before)
    assert "┤" not in written.getvalue()
    assert "images/s" in written.getvalue()
    with terminal(monkeypatch, 80) as written:
        monkeypatch.setenv("TERM", "dumb")
        progress.follow(events(1, 3, "finished"), 3, steps_before)
    assert "\x1b" not in written.getvalue()
    assert len(plain(written.getvalue())) == 5


def test_an_error_leaves_the_terminal_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Step | Epoch]:
        yield from events(1, 1, "")
        raise KeyboardInterrupt

    with terminal(monkeypatch, 80) as written, pytest.raises(KeyboardInterrupt):
        progress.follow(failing(), 3, steps_before)
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l")


def test_the_remaining_time_has_validation_in_it_and_the_speed_has_not() -> None:
    """Two epochs of four steps, 8 images in 1 s each but for the slow first one; 6 s of validation after an epoch."""
    pace = progress.Pace(STEPS)
    assert pace.remaining(5) is None
    now = 20.0  # the first step includes compiling
    for number in range(1, 2 * STEPS + 1):
        pace.step(8, now)
        if number == STEPS:
            now += 6
            pace.pause(now)
        now += 1
    assert pace.speed() == 8
    assert pace.remaining(2 * STEPS) == 2 * (4 * 1 + 6)


def test_the_pace_is_that_of_the_last_epoch() -> None:
    pace = progress.Pace(STEPS)
    now = 0.0
    for number in range(1, 5 * STEPS):
        now += 10 if number < 3 * STEPS else 1
        pace.step(8, now)
    assert pace.remaining(60) == 60
    assert pace.speed() == 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59.5, "1 min 0 s"), (200, "3 min 20 s"), (601, "11 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_remaining_time_is_rounded_up(seconds: float, text: str) -> None:
    assert progress._duration(seconds) == text


def test_a_budget_has_no_number_of_epochs_and_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ByClock(60, 0.0, now=lambda: 45.0)
    with terminal(monkeypatch, 80) as written:
        progress.follow(events(1, 3, "budget"), 1, steps_before, clock=clock)
    text = "\n".join(plain(written.getvalue()))
    assert re.search(r"epoch 3 ━+─+.* 15 s left", text)
    assert "stopped after epoch 3: the budget is used up; best: epoch 2" in text
    assert re.search(r"^    3      ", text, re.MULTILINE)
