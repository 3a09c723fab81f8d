"""`seefar serve` as a program: what stops it before it listens, signals, and that torch never comes in."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import colours
from tests.serving.running import png

import seefar as sf
from seefar.files import write_bytes
from seefar.serving.ports import holder_of

IMAGE = {"content-type": "image/png"}


class Program:
    """A `seefar serve` that runs."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, log: Path) -> None:
        self.process, self.url, self.log = process, url, log

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def program(folder: Path, *words: str) -> Iterator[Program]:
    log = folder / "log.jsonl"
    command = [sys.executable, "-m", "seefar", "serve", *words, "--port", "0", "--threads", "1"]
    if "--log" not in words:
        command += ["--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"at (http://\S+)", process.stdout.readline())
            assert found, process.stderr.read() if process.stderr else ""
            yield Program(process, found[1], log)
        finally:
            process.kill()


def refused(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "seefar", "serve", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_a_model_that_is_missing_or_damaged_is_said_before_it_listens(exported: Path, tmp_path: Path) -> None:
    """Fault 97."""
    code, said = refused(str(tmp_path / "none.onnx"))
    assert code == 4
    assert "there is no file" in said
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:20_000])
    code, said = refused(str(exported), str(tmp_path / "cut.onnx"))
    assert code == 4
    assert "cut.onnx is not used: " in said


def test_a_port_that_is_taken_is_said_with_its_holder(exported: Path) -> None:
    """Fault 98."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(str(exported), "--port", str(port))
        assert holder_of(port) == os.getpid()
    assert code == 7
    assert f"cannot listen on 127.0.0.1, port {port}: it is in use by process {os.getpid()}" in said


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--host", "0.0.0.0"], 2, "give --token FILE"),
        (["--host", "192.0.2.1", "--token", "TOKEN"], 7, "this machine has no such address"),
        (["--host", "no such host", "--token", "TOKEN"], 7, "cannot listen on no such host"),
        (["--port", "99999"], 2, "port is 99999"),
        (["--batch", "3"], 2, "batch is 3"),
        (["--log", "/nowhere/log"], 7, "cannot write the log"),
        (["--token", "/nowhere/token"], 7, "cannot read the token file"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    exported: Path, tmp_path: Path, words: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    got, said = refused(str(exported), *[str(tmp_path / "token") if word == "TOKEN" else word for word in words])
    assert got == code, said
    assert sentence in said


def test_it_answers_without_torch_and_from_a_run(exported: Path, tmp_path: Path) -> None:
    with program(tmp_path, str(exported.parent)) as one:
        assert httpx.get(one.url + "/readyz").status_code == 200
        answer = httpx.post(one.url + "/v1/predict", content=png(40), headers=IMAGE).json()
        assert answer["model"] == "small"
        maps = Path(f"/proc/{one.process.pid}/maps").read_text()
        assert "onnxruntime" in maps
        assert "torch" not in maps
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(10) == 0
        assert one.process.stderr is not None
        assert one.process.stderr.read() == ""


def test_the_service_imports_no_torch() -> None:
    code = (
        "import sys, seefar.serving.server\n"
        "print(sorted({'torch', 'scipy', 'sklearn', 'matplotlib', 'onnx', 'ray', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_stop_under_load_loses_nothing_that_was_taken(exported: Path, tmp_path: Path) -> None:
    """Fault 96: not ready at once, still answering, then an end with exit code 0."""
    picture, results = png(40, 16), list[int | str]()
    with program(tmp_path, str(exported), "--drain", "1") as one:

        def ask() -> None:
            with httpx.Client(base_url=one.url) as client:
                while True:
                    try:
                        results.append(client.post("/v1/predict", content=picture, headers=IMAGE).status_code)
                    except httpx.ConnectError:
                        return  # it takes no new connections
                    except httpx.HTTPError as error:
                        results.append(type(error).__name__)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert httpx.get(one.url + "/readyz").status_code == 503
        assert httpx.get(one.url + "/v2/health/ready").json() == {"ready": False}
        assert httpx.get(one.url + "/healthz").status_code == 200
        assert one.process.wait(15) == 0
        for thread in threads:
            thread.join(10)
        assert one.lines()[-1]["event"] == "stopped"
    assert set(results) == {200}
    assert len(results) > 20


def test_hangup_reads_the_models_again(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    pixels = colours().test.pixels[:1]
    asked = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 16, 16, 3], "data": pixels.ravel().tolist()}]}

    def reloads(one: Program, count: int) -> None:
        late = time.monotonic() + 10
        while sum(line["event"] == "reload" for line in one.lines()) < count:
            assert time.monotonic() < late
            time.sleep(0.05)

    with program(tmp_path, str(file)) as one:
        for number, content in enumerate([exported_too.read_bytes(), b"damaged", exported.read_bytes()], 1):
            write_bytes(file, content)
            one.process.send_signal(signal.SIGHUP)
            reloads(one, number)
            answer = httpx.post(one.url + "/v2/models/small/infer", json=asked).json()
            serving = exported if number == 3 else exported_too
            wanted = sf.load_model(serving).predict_proba(pixels)[0].tolist()
            assert answer["outputs"][0]["data"] == pytest.approx(wanted, abs=1e-5)
        results = [line["result"] for line in one.lines() if line["event"] == "reload"]
        assert results == ["switched", "refused", "switched"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_on_a_full_disk_stops_no_answer(exported: Path, tmp_path: Path) -> None:
    with program(tmp_path, str(exported), "--log", "/dev/full") as one:
        for _ in range(20):
            assert httpx.post(one.url + "/v1/predict", content=png(40), headers=IMAGE).status_code == 200
        time.sleep(0.2)
        found = re.search(r"^seefar_log_lines_lost_total (\S+)$", httpx.get(one.url + "/metrics").text, re.MULTILINE)
        assert found
        assert float(found[1]) >= 20


def test_a_second_signal_ends_it_at_once(exported: Path, tmp_path: Path) -> None:
    with program(tmp_path, str(exported), "--drain", "60") as one:
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert one.process.poll() is None
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(10)
