"""The page of runs, served as `seefar ui` does it, in this process and on a port of its own."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from seefar.home.application import Home
from seefar.home.index import Index
from seefar.home.server import BOUNDS, Faults, follow
from seefar.serving.bounded_server import BoundedServer, address_of
from seefar.serving.metrics import Metrics
from seefar.serving.ports import listening


class Running:
    """A page that answers.

    Attributes:
        url: where.
        home: what is served.
    """

    def __init__(self, home: Home, url: str) -> None:
        self.home, self.url = home, url
        self.client = httpx.Client(base_url=url, timeout=60)

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at an address."""
        answer = self.client.get(path, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def entries(self) -> dict[str, dict[str, Any]]:
        """All rows by path, once the folders were read."""
        late = time.monotonic() + 30
        while (found := self.get("/api/runs"))["scanning"]:
            assert time.monotonic() < late
            time.sleep(0.02)
        return {entry["path"]: entry for entry in found["entries"]}


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """The page of a folder, for the length of the block."""
    home = Home(Index(folder), BOUNDS, Metrics(), Faults())
    ended, started = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    with listening("127.0.0.1", 0) as taken:
        server = BoundedServer(home.application(), home)
        server.announce = started.set
        threads = [
            threading.Thread(target=lambda: loop.run_until_complete(server.serve([taken]))),
            threading.Thread(target=follow, args=(home, ended)),
        ]
        for thread in threads:
            thread.start()
        assert started.wait(10)
        one = Running(home, address_of(taken))
        try:
            yield one
        finally:
            one.client.close()
            ended.set()
            loop.call_soon_threadsafe(server.stop, 0.0)
            for thread in threads:
                thread.join(20)
            loop.close()
            home.close()
            home.log.close()
