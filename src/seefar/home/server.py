"""`seefar ui`: the page of all runs below a folder, on this machine alone, until Ctrl-C."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seefar.errors import UsageError
from seefar.home.application import Home
from seefar.home.index import Index
from seefar.serving.bounded_server import BoundedServer, address_of, libraries_log_to, loop_factory
from seefar.serving.log import Log, place_of
from seefar.serving.metrics import Metrics
from seefar.serving.ports import listening
from seefar.serving.settings import Settings

HOST = "127.0.0.1"
PAUSE = 1.0  # seconds between two looks at the folders, at least (chosen by hand: an epoch takes longer)
SHARE = 4  # times as long as a look took, it rests (chosen by hand: a fifth of one core at most)
NOBODY = 10.0  # seconds without a question after which nobody is watching (chosen by hand: five times the pause of the page)
BOUNDS = Settings(connections=100, patience=10.0, timeout=130.0, body=4096, keep_alive=30.0, grace=1.0)


class Faults(Log):
    """A log of what went wrong alone: a page that asks every two seconds would fill a terminal."""

    def __call__(self, event: str, **facts: Any) -> None:
        """See Log."""
        if facts.get("error") or event == "library":
            super().__call__(event, **facts)


def show(folder: Path, port: int = 8600, *, tell: Callable[[str], None] = lambda address: None) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        folder: runs, studies and searches are looked for in it and below.
        port: 0: any free one.
        tell: is told where the page is, once it can be opened.

    Raises:
        UsageError: there is no such folder, or no such port.
        DiskError: the port is taken.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}; give one with runs in it, such as runs, or leave it out for the one you are in"
        )
    log = Faults()
    home = Home(Index(folder.resolve()), BOUNDS, Metrics(), log)
    ended = threading.Event()
    try:
        with listening(HOST, port) as taken, libraries_log_to(log), asyncio.Runner(loop_factory=loop_factory()) as runner:
            os.environ["PYTHONSAFEPATH"] = "1"  # no process that is started takes a module from the folder that we stand in
            threading.Thread(target=follow, args=(home, ended), name="follow", daemon=True).start()
            server = BoundedServer(home.application(), home)
            server.announce = lambda: tell(address_of(taken))
            runner.run(server.serve([taken]))
    finally:
        ended.set()
        home.close()
        log.close()


def follow(home: Home, ended: threading.Event) -> None:
    """Read what is there, then what changes, as long as somebody watches."""
    while not ended.is_set():
        began = time.monotonic()
        try:
            home.index.refresh()
        except Exception as error:  # noqa: BLE001  the log says where; the next look may go well
            home.log("follow", error=type(error).__name__, at=place_of(error))
        took = time.monotonic() - began
        ended.wait(max(PAUSE, SHARE * took))
        while time.monotonic() - home.asked > NOBODY and not ended.wait(0.25):
            pass
