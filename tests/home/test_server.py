"""`seefar ui` as a program: it is there in a moment, without torch, for this machine alone, and ends in good order."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.home.folders import made

from seefar.cli import main


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seefar", "ui", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_is_and_ends_with_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    made(tmp_path / "runs", 3)
    process = start(str(tmp_path), "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(rf"{re.escape(str(tmp_path))} at (http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)\n", line)
    assert found, line
    late = time.monotonic() + 10
    while len(httpx.get(found[1] + "/api/runs").json()["entries"]) < 3:
        assert time.monotonic() < late
    process.send_signal(number)
    out, error = process.communicate(timeout=15)
    assert (process.returncode, out, error) == (0, "", "")


def test_no_module_is_taken_from_the_folder_that_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "multiprocessing.py").write_text("open('executed', 'w').close()")
    made(tmp_path / "runs")
    words = [Path(sys.executable).with_name("seefar"), "ui", "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        with httpx.Client(base_url=process.stdout.readline().split()[2], timeout=60) as client:
            late = time.monotonic() + 10
            while not (found := client.get("/api/runs").json()["entries"]):
                assert time.monotonic() < late
            answer = client.get(f"/pages/{found[0]['id']}/playground/index.html")
        process.terminate()
        assert process.wait(15) == 0
    assert not (tmp_path / "executed").exists()
    assert answer.status_code == 409
    assert "cannot load" in answer.text  # it came as far as the run


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_it_needs_no_torch_and_little_memory(tmp_path: Path) -> None:
    program = (
        "import sys, seefar.home.server\n"
        "from seefar.home.index import Index\n"
        "from pathlib import Path\n"
        "index = Index(Path(sys.argv[1])); index.refresh(); index.since('', 0)\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'matplotlib', 'pandas', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    made(tmp_path, 200)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150 * 1024  # KiB


def test_what_is_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", str(tmp_path / "none")]) == 2
    assert f"there is no folder {tmp_path / 'none'}" in capsys.readouterr().err
    assert main(["ui", str(tmp_path), "--port", "99999"]) == 2


def test_a_port_that_is_taken_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from seefar.serving.ports import listening

    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert main(["ui", str(tmp_path), "--port", str(port)]) == 7
    assert f"in use by process {os.getpid()}" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("seefar.home", "seefar.serving", "starlette"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.requests", None)
    assert main(["ui", str(tmp_path)]) == 2
    assert "pip install 'seefar[ui]'" in capsys.readouterr().err
