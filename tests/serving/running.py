"""A whole service in this process: a model that answers by a rule, behind the real server, on a port of its own."""

import asyncio
import io
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from seefar.model.familiar import Familiar, Threshold
from seefar.model.model import Model
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.models import Loaded, Models, outputs_of
from seefar.serving.ports import listening
from seefar.serving.server import Server, answer
from seefar.serving.service import Service
from seefar.serving.settings import Settings

SIZE = 8
LEVELS = np.array([40, 128, 215])  # the grey levels that the three classes stand for
POISON = 77  # a picture of this grey level makes the rule fail
CLASSES = ("dark", "grey", "light")


class Rule:
    """Knows images by their mean grey level; can be slowed down, held, and made to fail."""

    name = "a rule"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.seconds = 0.0
        self.free = threading.Event()
        self.free.set()
        self.raises: BaseException | None = None

    def logits(self, pixels: np.ndarray, tta: str) -> np.ndarray:
        return self.compute(pixels, False)[0]

    def compute(self, pixels: np.ndarray, maps: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        self.batches.append(len(pixels))
        self.free.wait(30)
        time.sleep(self.seconds)
        if self.raises is not None:
            raise self.raises
        if (pixels == POISON).all((1, 2, 3)).any():
            raise RuntimeError("poison")
        features = pixels.mean((1, 2)).astype(np.float32)
        logits = -np.abs(features.mean(1, keepdims=True) - LEVELS).astype(np.float32) / 10
        evidence = np.repeat(pixels.mean(3)[:, None, ::4, ::4].astype(np.float32), 3, axis=1)
        return logits, features, evidence if maps else None, None


def rule_model(**changes: Any) -> Model:
    """Three classes, 8x8 pixels."""
    known = {
        "temperature": 2.0,
        "familiar": Familiar(np.eye(3, dtype=np.float32), Threshold("class_similarity", 0.5, 0.95)),
        "sure": 0.9,
    } | changes
    return Model(engine=Rule(), classes=CLASSES, size=SIZE, background="white", origin={"recipe": "rule"}, **known)


def rule_of(model: Model) -> Rule:
    assert isinstance(model.engine, Rule)
    return model.engine


def png(level: int, side: int = SIZE) -> bytes:
    """A picture of one grey level."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (level, level, level)).save(file, "PNG")
    return file.getvalue()


class Running:
    """A service that answers.

    Attributes:
        url: where.
        log: the file of its log.
    """

    def __init__(self, service: Service, server: Server, loop: asyncio.AbstractEventLoop, url: str, log: Path) -> None:
        self.service, self._server, self.loop, self.url, self.log = service, server, loop, url, log
        self.client = httpx.Client(base_url=url, timeout=20)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._server.stop, 0.0)

    def predict(self, level: int, **more: Any) -> httpx.Response:
        return self.client.post("/v1/predict", content=png(level), headers={"content-type": "image/png"}, **more)

    def raw(self, *pieces: bytes, wait: float = 5.0, pause: float = 0.0) -> bytes:
        """What comes back until the connection is closed or nothing comes any more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
            except OSError:
                pass
            found = b""
            try:
                while more := connection.recv(65536):
                    found += more
            except OSError:
                pass
            return found

    def metric(self, name: str) -> float:
        """The value of a counter, with its labels as Prometheus writes them: `x_total{reason="gone"}`; 0 if it is not there."""
        text = self.service.metrics.text().decode()
        found = re.search(rf"^{re.escape(name)} ([0-9.e+-]+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def lines(self) -> list[str]:
        time.sleep(0.05)
        return self.log.read_text().splitlines()


@contextmanager
def running(folder: Path, models: Mapping[str, Model], **changes: Any) -> Iterator[Running]:
    """Serve models for the length of the block; `changes` of the Settings."""
    settings, metrics = Settings(**({"drain": 0.0, "grace": 5.0} | changes)), Metrics()
    log_file = folder / "log.jsonl"
    log = Log(log_file, metrics.lost.inc)
    started, given = threading.Event(), dict[str, Any]()

    async def main() -> None:
        offered = Models([], settings, metrics, log)
        offered._loaded = {name: [Loaded("1", "0" * 64, model, outputs_of(model))] for name, model in models.items()}
        service = Service(offered, settings, metrics, log)
        server = Server(service)
        with listening("127.0.0.1", 0) as taken:

            def tell(url: str, names: list[str]) -> None:
                given.update(service=service, server=server, loop=asyncio.get_running_loop(), url=url)
                started.set()

            await answer(server, service, taken, tell)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert started.wait(10)
    one = Running(log=log_file, **given)
    for model in models.values():
        if isinstance(model.engine, Rule):
            model.engine.batches.clear()
    try:
        late = time.monotonic() + 5
        while not given["server"].started:
            assert time.monotonic() < late
            time.sleep(0.01)
        yield one
    finally:
        one.client.close()
        one.stop()
        thread.join(15)
        log.close()
        assert not thread.is_alive()
