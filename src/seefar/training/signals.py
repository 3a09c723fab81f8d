"""Graceful stop: the first signal is remembered until the step is done and saved, a second one ends the process at once."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from seefar.torchrun import place

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C; kill, a batch system, torchrun; the terminal was closed


@contextlib.contextmanager
def graceful() -> Iterator[Callable[[], int]]:
    """For the length of the block, the value tells the number of the signal that has arrived, 0 if none has.

    A signal that was ignored before (`nohup`) stays ignored. Outside the main thread no signal can be caught, and the value is always 0.
    Under torchrun a second signal changes nothing, behind the block either: a batch system may send one to each process, and
    torchrun the same again while they leave.
    """
    received, alone = 0, place() is None

    def remember(number: int, _frame: FrameType | None) -> None:
        nonlocal received
        if received and alone:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h\n")  # a live view hides the cursor
            os._exit(128 + number)
        received = number

    before = {}
    for name in NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            try:
                before[number] = signal.signal(number, remember)
            except ValueError:  # not the main thread
                break
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if alone or not received else signal.SIG_IGN)
