"""How many cores this process may use."""

import os


def cores() -> int:
    """How many: fewer than the machine has where `taskset` or a cpuset says so. A quota of time, as containers have, is not seen."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
