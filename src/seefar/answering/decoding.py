"""Pictures decoded beside the network: in threads of this process, or in processes of their own, a few files at a time, in order."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from seefar.answering.items import Item, Reader
from seefar.children import enter_child
from seefar.cores import cores
from seefar.data.decode import Decoded, decode_some
from seefar.data.folder import reason_of
from seefar.errors import SeefarError, UsageError

PART = 16  # files in a piece of work, as many as are read in a turn (data/decode.py)
AHEAD = 4  # pieces of work that wait for each worker, done or not: what is lost in memory for never being idle (chosen by hand)
MAX_WORKERS = 32  # each may hold a picture of 16 million pixels in memory (chosen by hand)

Decoders = Literal["threads", "processes"]


class Pictures(NamedTuple):
    """Some items, decoded.

    Attributes:
        items: which.
        pixels: uint8 `(n, size, size, 3)`; black where an item could not be read.
        sizes: of each picture as it was stored, "WIDTHxHEIGHT"; "" where it could not be read.
        reasons: why it could not be read; "" where it could.
    """

    items: Sequence[Item]
    pixels: np.ndarray
    sizes: list[str]
    reasons: list[str]


def decode_items(items: Sequence[Item], reader: Reader, size: int, background: str) -> Pictures:
    """Read and decode some items here and now. One that cannot be read has its reason and stops nothing."""
    found = Pictures(items, np.zeros((len(items), size, size, 3), np.uint8), [], [])
    for place, result in enumerate(decode_some(reader.read, items, size, background)):
        if isinstance(result, Decoded):
            found.pixels[place] = result.pixels
        found.sizes.append(result.original_size if isinstance(result, Decoded) else "")
        found.reasons.append("" if isinstance(result, Decoded) else reason_of(result))
    return found


def join(parts: Sequence[Pictures]) -> Pictures:
    """Several in a row as one."""
    return Pictures(
        [item for part in parts for item in part.items],
        np.concatenate([part.pixels for part in parts]),
        [size for part in parts for size in part.sizes],
        [reason for part in parts for reason in part.reasons],
    )


def decode_ahead(
    items: Iterable[Item],
    reader: Reader,
    size: int,
    background: str,
    decoders: Decoders = "threads",
    workers: int | None = None,
) -> Iterator[Pictures]:
    """Decode items while the caller does something else; yields PART of them at a time, in their order.

    Args:
        items: taken as they are needed; a few hundred are in memory at any time.
        reader: reads them; processes have readers of their own.
        size: height and width of the results in pixels.
        background: the colour behind transparent images.
        decoders: "threads" start at once and share Python's lock: small pictures are decoded by one of them at a time.
            "processes" take half a second to start, and 40 MB of memory each.
        workers: how many; by default one for each core that this process may use.

    Raises:
        UsageError: a senseless number of workers, or another kind of them.
        SeefarError: a process was killed from outside.
    """
    count = min(cores(), MAX_WORKERS) if workers is None else workers
    if count < 1:
        raise UsageError(f"workers is {count}; allowed is 1 or more")
    left = iter(items)
    waiting: deque[Future[Pictures]] = deque()
    pool = _pool(decoders, count)
    work = _decode_here if decoders == "processes" else _with(reader)
    try:
        while True:
            while len(waiting) < AHEAD * count and (part := list(islice(left, PART))):
                waiting.append(pool.submit(work, part, size, background))
            if not waiting:
                return
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise SeefarError(
            "a process that decodes was killed from outside, perhaps since memory ran out; use fewer --workers (in a script, call "
            "this below `if __name__ == '__main__':`)"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(decoders: str, count: int) -> Executor:
    if decoders == "threads":
        return ThreadPoolExecutor(count)
    if decoders == "processes":
        return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _enter)
    raise UsageError(f"decoders is {decoders!r}; allowed is threads or processes")


def _with(reader: Reader) -> Callable[[Sequence[Item], int, str], Pictures]:
    def work(items: Sequence[Item], size: int, background: str) -> Pictures:
        return decode_items(items, reader, size, background)

    return work


_reader: Reader  # in a process of its own


def _enter() -> None:
    global _reader
    _reader = Reader()
    enter_child()


def _decode_here(items: Sequence[Item], size: int, background: str) -> Pictures:
    return decode_items(items, _reader, size, background)
