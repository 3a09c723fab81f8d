"""What asks a server in benchmarks/load.py: h2load, a lone client, clients that check what they get, and hostile ones."""

import io
import math
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from PIL import Image

import seefar as sf

IMAGE = {"Content-Type": "image/png"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def kind_of(file: Path) -> dict[str, str]:
    """The header that goes with a file."""
    return FORM if file.suffix == ".form" else IMAGE


def as_forms(files: list[Path], together: int = 1) -> list[Path]:
    """The images in forms of so many, beside them, as many forms as files: LitServe takes no bodies but JSON and forms."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n'
    parts = [head + file.read_bytes() + b"\r\n" for file in files]
    made = [file.with_name(f"{file.stem}-{together}.form") for file in files]
    for place, form in enumerate(made):
        form.write_bytes(b"".join(parts[(place + number) % len(parts)] for number in range(together)) + b"--b--\r\n")
    return made


class Load(NamedTuple):
    """What a run of h2load found.

    Attributes:
        seconds: from the first request to the last answer.
        times: milliseconds of each answer with 2xx, sorted.
        refusals: of each with another status, sorted.
        broken: requests without an answer.
    """

    seconds: float
    times: list[float]
    refusals: list[float]
    broken: int

    @property
    def rate(self) -> float:
        """Answers with 2xx a second."""
        return len(self.times) / self.seconds


def load(url: str, file: Path, seconds: float, connections: int, rate: float | None = None) -> Load:
    """Requests for some seconds; with a rate: so many a second in all, spread evenly, whether the earlier ones are answered or not.

    Each connection has a clock of its own and begins a little after the one before; a connection that is still waiting sends what is due
    as soon as it can: with as many connections as here, answers within 50 ms delay nobody.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = ["h2load", "--h1", "-c", str(connections), "-d", str(file), f"--log-file={log}"]
        command += [word for name, value in kind_of(file).items() for word in ("-H", f"{name}: {value}")]
        if rate is None:
            command += ["-D", str(math.ceil(seconds))]
        else:
            each = rate / connections
            apart = max(1, round(1000 / each / connections))  # milliseconds
            command += ["-n", str(round(rate * seconds)), f"--rps={each:.3f}", "--rate=1", f"--rate-period={apart}ms"]
        said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
        lines = [[int(word) for word in line.split()] for line in log.read_text().splitlines()]
    broken = sum(int(number) for number in re.findall(r"(\d+) (?:errored|timeout)", said))
    times = sorted(took / 1000 for _, status, took in lines if 200 <= status < 300)
    refusals = sorted(took / 1000 for _, status, took in lines if status >= 300)
    whole = (max(began + took for began, _, took in lines) - min(began for began, _, _ in lines)) / 1e6
    return Load(whole, times, refusals, broken)


def lone(url: str, files: list[Path], seconds: float) -> list[float]:
    """Milliseconds of one request after the other on one connection."""
    contents, took = [file.read_bytes() for file in files], list[float]()
    with httpx.Client() as client:
        late = time.monotonic() + seconds
        while time.monotonic() < late:
            began = time.perf_counter()
            client.post(url, content=contents[len(took) % len(contents)], headers=kind_of(files[0])).raise_for_status()
            took.append(1000 * (time.perf_counter() - began))
    return took


@contextmanager
def checked(model: Path, url: str, files: list[Path], threads: int = 1) -> Iterator[dict[str, int]]:
    """Clients that ask what they know the answer to, as long as the block lasts."""
    loaded = sf.load_model(model)
    known = [(file.read_bytes(), loaded.predict(file)[0].label) for file in files]
    counts, stop = {"right": 0, "wrong": 0, "refused": 0}, threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                content, label = known[int.from_bytes(os.urandom(2)) % len(known)]
                answer = client.post(url, content=content, headers=IMAGE)
                if answer.status_code == 503:
                    counts["refused"] += 1
                else:
                    right = answer.status_code == 200 and answer.json()["answers"][0]["label"] == label
                    counts["right" if right else "wrong"] += 1
                time.sleep(0.005)

    with _running(ask, threads, stop):
        yield counts


@contextmanager
def hostile(url: str, files: list[Path]) -> Iterator[dict[str, int]]:
    """Two clients that send what nobody should, as long as the block lasts."""
    counts, stop, good = {"sent": 0}, threading.Event(), files[0].read_bytes()
    port, wide = int(url.split(":")[2].partition("/")[0]), io.BytesIO()
    Image.new("1", (4000, 4000)).save(wide, "PNG")
    bodies = [b"", b"x", good[:50], wide.getvalue(), b"<svg/>", os.urandom(100_000), b"BM" + good]
    part = b'--b\r\nContent-Disposition: form-data; name="x"; filename="y"\r\n\r\nz\r\n'
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    raw = [
        b"GET /" + b"y" * 300_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head + b"Content-Length: 500\r\n\r\nhello",
        head + b"Content-Length: 90000000000\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + bytes(0x4000) + b"\r\n") * 20,
        bytes(range(256)) * 10,
        b"\x16\x03\x01\x02\x00",
        b"",
    ]

    def attack() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                turn = int.from_bytes(os.urandom(2))
                client.post(url, content=bodies[turn % len(bodies)], headers=IMAGE)
                client.post(
                    url, content=part * (turn % 200) + b"--b--", headers={"Content-Type": "multipart/form-data; boundary=b"}
                )
                client.get(url + "/%2e%2e/" * (turn % 5), headers={"origin": "https://evil.test"})
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    try:
                        connection.sendall(raw[turn % len(raw)])
                        connection.settimeout(0.2)
                        connection.recv(1000)
                    except OSError:
                        pass
                counts["sent"] += 4
                time.sleep(0.01)

    with _running(attack, 2, stop):
        yield counts


@contextmanager
def _running(work: Any, threads: int, stop: threading.Event) -> Iterator[None]:
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in running:
            thread.join()
