"""The servers that benchmarks/load.py measures, each in processes of its own."""

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PEERS = {  # name: arguments of the interpreter in .venv/peers
    "LitServe": ["benchmarks/peers/serve_litserve.py"],
    "Ray Serve": ["benchmarks/peers/serve_ray.py"],
    "FastAPI, one lock": ["benchmarks/peers/serve_fastapi.py"],
}


class Server:
    """A server that runs.

    Attributes:
        url: where it takes an image as the body of a POST.
        process: of it, and its children's parent.
        log: of `seefar serve`; None for others.
    """

    def __init__(self, url: str, process: psutil.Process, log: Path | None = None) -> None:
        self.url, self.process, self.log = url, process, log

    def megabytes(self) -> float:
        """Of all its processes, resident."""
        total = 0
        for one in [self.process, *self.process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return round(total / 2**20, 1)


@contextmanager
def seefar_serve(model: Path, *words: str) -> Iterator[Server]:
    """The service, with its log in a file."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        command = [str(BIN / "seefar"), "serve", f"model={model}", "--port", "0", "--log", str(log), "--drain", "0", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            found = re.search(r"at (http://\S+)", process.stdout.readline() if process.stdout else "")
            if not found:
                raise SystemExit("seefar serve did not start")
            try:
                yield Server(found[1] + "/v1/predict", psutil.Process(process.pid), log)
            finally:
                process.terminate()


@contextmanager
def peer(name: str, model: Path) -> Iterator[Server]:
    """Another server with the same file; it answers POST /predict on a port that it is given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ROOT / ".venv" / "peers" / "bin" / "python"), *PEERS[name], str(model), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(f"http://127.0.0.1:{port}/predict", psutil.Process(process.pid))
    try:
        late = time.monotonic() + 120
        while True:
            if time.monotonic() > late or process.poll() is not None:
                raise SystemExit(f"{name} does not answer")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/", timeout=2):
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield server
    finally:
        children = server.process.children(recursive=True)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        for child in children:  # those it has not ended itself
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
