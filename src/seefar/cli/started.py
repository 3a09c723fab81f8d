"""When this program started: a budget is charged with that, and the machine was watched meanwhile for what others do on it."""

import time
from typing import Self

from seefar.waiting import busy_seconds, used_by_others

STARTED, WORKED, OWN = time.perf_counter(), busy_seconds(), time.process_time()


def cores_used_by_others() -> float:
    """How many cores other programs used since this one started."""
    seconds, own = time.perf_counter() - STARTED, time.process_time() - OWN
    return used_by_others(seconds, WORKED, busy_seconds(), own)


class StartUp:
    """Around the loading of images; the first training after it is charged with what the program took to start."""

    def __enter__(self) -> Self:
        self._seconds = time.perf_counter() - STARTED
        return self

    def __exit__(self, *_: object) -> None:
        self._loaded = time.perf_counter()

    def charge(self) -> float:
        """Seconds from the start of the program to now without the loading; 0 for all but the first caller."""
        seconds = self._seconds + time.perf_counter() - self._loaded if self._seconds else 0.0
        self._seconds = 0.0
        return seconds
