"""`seefar playground`: shown until Ctrl-C, or written as a folder."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.cli import main
from seefar.data.images import Dataset
from seefar.runs.folder import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = Dataset(name="colours", train=images(90, 1, "train"), test=images(30, 2, "test"), source="noise")
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        made = sf.train(data, "tiny", out=folder / "run", quiet=True, **SMALL)
        sf.evaluate(made, "validation", data=data)
    return made


def test_it_writes_a_folder(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", str(run.path), "--out", str(tmp_path / "page")]) == 0
    assert str(tmp_path / "page" / "index.html") in capsys.readouterr().out
    assert (tmp_path / "page" / "index.html").exists()


def test_what_is_no_network_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", str(tmp_path / "none.onnx")]) == 4
    assert "there is no file" in capsys.readouterr().err
    assert main(["playground", str(tmp_path)]) == 4


@pytest.mark.slow
def test_it_is_shown_until_it_is_interrupted(run: Run) -> None:
    words = [sys.executable, "-m", "seefar", "playground", str(run.path), "--port", "0", "--no-open"]
    obeying = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=obeying,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as shown:
        assert shown.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/", shown.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(address[0], timeout=10) as page:
            assert b"seefar playground" in page.read()
        shown.send_signal(signal.SIGINT)
        assert shown.wait(20) == 0
        assert "Traceback" not in shown.communicate()[1]
