"""Memory that is freed goes back to the system, so that a service which has seen one huge picture is not huge for ever."""

import contextlib
import ctypes

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of glibc's malloc.h
LARGE = 2**20  # bytes: a picture of 16 million pixels takes 48 of these; what a batch of small ones takes is below
ARENAS = 2  # else each thread keeps what it has freed for itself


def give_back_freed_memory() -> None:
    """Set the C library's allocator for the whole process; nothing happens where it is not glibc's.

    Left alone, glibc takes large blocks from the system directly only until the first one is freed, and keeps later ones.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        library.mallopt(M_ARENA_MAX, ARENAS)
