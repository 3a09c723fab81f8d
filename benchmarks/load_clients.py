"""What asks a server in benchmarks/load.py: autocannon, a lone client, clients that check what they get, and hostile ones."""

import io
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

import seefar as sf

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / ".venv" / "load"
IMAGE = {"Content-Type": "image/png"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def kind_of(files: list[Path]) -> dict[str, str]:
    """The headers that go with files."""
    return FORM if files[0].suffix == ".form" else IMAGE


def as_forms(files: list[Path]) -> list[Path]:
    """The same images as forms, beside them: LitServe takes no bodies but JSON and forms."""
    made = [file.with_suffix(".form") for file in files]
    for file, form in zip(files, made, strict=True):
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n'
        form.write_bytes(head + file.read_bytes() + b"\r\n--b--\r\n")
    return made


def fetch_autocannon() -> None:
    """Let npm fetch it, once."""
    if not (PACKAGES / "node_modules" / "autocannon").exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(PACKAGES), "autocannon@9.0.0"], check=True)


def autocannon(url: str, files: list[Path], seconds: float, connections: int, rate: float | None = None) -> dict[str, Any]:
    """One run: what autocannon found. `rate`: requests a second in all; None: as many as are answered."""
    options: dict[str, Any] = {
        "url": url,
        "connections": connections,
        "duration": seconds,
        "timeout": 20,
        "headers": kind_of(files),
    }
    options |= {"packages": str(PACKAGES), "files": [str(file) for file in files]}
    if rate is not None:
        options["overallRate"] = max(1, round(rate))
    done = subprocess.run(
        ["node", "benchmarks/load.mjs", json.dumps(options)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def lone(url: str, files: list[Path], seconds: float) -> list[float]:
    """Milliseconds of one request after the other on one connection."""
    contents, took = [file.read_bytes() for file in files], list[float]()
    with httpx.Client() as client:
        late = time.monotonic() + seconds
        while time.monotonic() < late:
            began = time.perf_counter()
            client.post(url, content=contents[len(took) % len(contents)], headers=kind_of(files)).raise_for_status()
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
