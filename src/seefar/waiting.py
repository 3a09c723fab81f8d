"""How long the threads of a computation spin while they wait for each other: shortly, where other programs want the cores.

torch's threads meet at the end of every operation. GNU's OpenMP lets those that are early spin, so that they go on at once; on a core that
another program could use, both programs wait for threads that do nothing: two trainings beside each other take four to six times as long.
Where one of them spins shortly, twice as long is enough; alone, short spins cost a tenth to a fifth (docs/log.md, "threads that wait").
"""

import os
import sys
from pathlib import Path

VARIABLE = "GOMP_SPINCOUNT"  # read once, when torch is loaded: https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
BESIDE = 1_000  # rounds beside others; alone it stays at what OpenMP does by itself, 300,000
BUSY = 0.4  # cores that others use, from which on the machine is shared (chosen by hand)


def busy_seconds(stat: Path = Path("/proc/stat")) -> float | None:
    """Seconds that the cores of this process have worked since the machine was started, for whom ever; None where nobody tells."""
    try:
        lines = [line.split() for line in stat.read_text().splitlines() if line.startswith("cpu")]
        own = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        ticks = sum(int(ticks) for name, user, nice, system, *_ in lines if name in own for ticks in (user, nice, system))
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):  # no such file, another form, another system
        return None


def used_by_others(seconds: float, before: float | None, now: float | None, own: float) -> float:
    """How many cores others used in so many seconds, from `busy_seconds` before and after, and the processor time of this process."""
    return 0.0 if before is None or now is None or not seconds else max(now - before - own, 0.0) / seconds


def settle_waiting(others: float) -> None:
    """Let this process and those that it starts spin shortly, if others use the cores; a choice of the user's stands.

    Without effect once torch is loaded, and with another OpenMP than GNU's.
    """
    if others > BUSY and VARIABLE not in os.environ and "OMP_WAIT_POLICY" not in os.environ and "torch" not in sys.modules:
        os.environ[VARIABLE] = str(BESIDE)
