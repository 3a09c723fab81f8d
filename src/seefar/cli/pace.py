"""How far long work has come, at which rate, and how much time is left: a bar on a terminal, a line a minute elsewhere, on stderr."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from seefar.progress import Tell, bar, say

EVERY = 60.0  # seconds from line to line where there is no bar (chosen by hand)


class Count:
    """The length of something long, found out while other things happen. `known` is None until then."""

    def __init__(self, things: Callable[[], Iterable[object]]) -> None:
        self.known: int | None = None
        self._things = things
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        with contextlib.suppress(Exception):  # whoever does the work meets the same trouble, and says it
            self.known = sum(1 for _ in self._things())


class Pace:
    """Says how far the work has come, whenever it is told.

    Args:
        tell: of a bar; None: lines are printed.
        count: how much there is; None: nobody can know.
    """

    def __init__(self, tell: Tell | None, count: Count | None) -> None:
        self._tell, self._count = tell, count
        self._first: tuple[int, float] | None = None
        self._said = time.monotonic()

    def __call__(self, done: int) -> None:
        """So much is done, what was done before this process began among it."""
        now = time.monotonic()
        self._first = self._first or (done, now)
        total = self._count.known if self._count else None
        rate = (done - self._first[0]) / max(now - self._first[1], 1e-9)
        if self._tell:
            self._tell(done, total, f"{rate:,.0f} images a second" if rate else "")
        elif now - self._said >= EVERY:
            self._said = now
            say(sentence(done, total, rate))


@contextlib.contextmanager
def pace(task: str, count: Count | None, *, on_terminal: bool) -> Iterator[Pace]:
    """Show the pace of a task for the length of the block.

    Args:
        task: what it is called.
        count: how much there is to do.
        on_terminal: whether a bar may be drawn; not while the terminal shows the results.
    """
    if on_terminal and sys.stderr.isatty():
        with bar(task) as tell:
            yield Pace(tell, count)
    else:
        yield Pace(None, count)


def sentence(done: int, total: int | None, rate: float) -> str:
    """ "12,000 of 1,000,000 images, 532 a second, about 31 min left"; `rate` in images a second."""
    from seefar.reporting.words import duration

    said = f"{done:,}{f' of {total:,}' if total else ''} images, {rate:,.0f} a second"
    return f"{said}, about {duration((total - done) / rate)} left" if total and rate and total > done else said
