"""Playgrounds of runs, each in a process and at a port of its own: it needs torch, and its scripts cannot reach the page of runs."""

import multiprocessing
import threading
from collections import OrderedDict
from collections.abc import Hashable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from seefar.children import enter_child
from seefar.errors import InUseError, SeefarError

MOST = 3  # playgrounds that are shown at the same time; the one that was opened first ends for a further one (chosen by hand)
PATIENCE = 120.0  # seconds until one is there (chosen by hand: it loads torch, and the images again)
WAITING = 3  # that are waited for at the same time, at most (chosen by hand)


class Shown(NamedTuple):
    """One of them.

    Attributes:
        key: stands for the content of the run when it was started.
        process: answers for it.
        address: where.
    """

    key: Hashable
    process: BaseProcess
    address: str


class Playgrounds:
    """Starts them when they are asked for, and ends them with the page."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING)
        self._shown: OrderedDict[Path, Shown] = OrderedDict()
        self._book = threading.Lock()  # held for moments only: for the two below
        self._processes: list[BaseProcess] = []  # that were started, from the first moment on
        self._closed = False

    def address(self, run: Path, key: Hashable) -> str:
        """Where the playground of a run is; `key` stands for the run's content: another one, another playground.

        Raises:
            InUseError: several are being made already.
            SeefarError: it cannot be made; the sentence says why.
        """
        if not self._waiting.acquire(blocking=False):
            raise InUseError("several playgrounds are being made; ask again in a moment")
        try:
            with self._one:
                there = self._shown.get(run)
                if there and there.key == key and there.process.is_alive():
                    return there.address
                if there:
                    self._shown.pop(run).process.terminate()
                while len(self._shown) >= MOST:
                    self._shown.popitem(last=False)[1].process.terminate()
                self._shown[run] = Shown(key, *self._start(run))
                return self._shown[run].address
        finally:
            self._waiting.release()

    def close(self) -> None:
        """End them all, those too that are only being made, and start no more."""
        with self._book:
            self._closed = True
            for process in self._processes:
                process.terminate()

    def _start(self, run: Path) -> tuple[BaseProcess, str]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_show, args=(run, theirs), daemon=True)
        with ours:
            with theirs, self._book:
                if self._closed:
                    raise SeefarError("this page was closed")
                process.start()
                self._processes = [*(one for one in self._processes if one.is_alive()), process]
            try:
                found, said = (
                    ours.recv() if ours.poll(PATIENCE) else (False, f"the playground took more than {PATIENCE:.0f} seconds")
                )
            except EOFError:
                found, said = False, "the playground ended before it was there"
        if not found:
            process.terminate()
            raise SeefarError(said)
        return process, said


def _show(run: Path, told: Connection) -> None:
    """What the process does: say the address or why there is none, and answer until it is ended."""
    enter_child()
    from seefar.playing.folder import page_files
    from seefar.playing.server import show

    try:
        show(page_files(run), 0, tell=lambda address: told.send((True, address)))
    except SeefarError as error:
        told.send((False, str(error)))
