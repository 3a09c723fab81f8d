"""What a person sees: lines where there is no terminal, a bar where there is one."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset


def test_without_a_terminal_there_are_a_summary_and_a_line_for_each_epoch(
    small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sf.train(small_data, "tiny", out=tmp_path / "run", **SMALL)
    out = capsys.readouterr()
    assert out.out == ""
    lines = out.err.splitlines()
    assert lines[0].startswith("colours: 108 training and 12 validation images of 16x16 in 3 classes; recipe tiny+")
    assert [line.split()[0] for line in lines[-3:]] == ["1/3", "2/3", "3/3"]
    assert "best so far" in lines[-3]
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
