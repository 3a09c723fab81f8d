"""Decode large sets into a mapped file: by several processes, in bounded memory, resumed where an earlier attempt ended.

The folder of an attempt holds the pixels and a line for each block that is done, with a checksum; whoever needs the same images
continues there. What a line says is believed only if the pixels have that checksum.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import numpy as np

from seefar.data.equal import blocks, let_go, taken
from seefar.errors import DataError, DiskError, SeefarError
from seefar.files import disk_errors, make_folder

LARGE = 20_000  # images from which on it pays to start processes (chosen by hand)
BLOCK = 1_000  # images in a block: 3 MB at 32 pixels
MAX_PROCESSES = 16  # chosen by hand

Answers = Sequence[Any]
"""Of an image what became of it, as `decoding_process` says it."""


def decode_large(
    folder: Path,
    count: int,
    size: int,
    background: str,
    source: dict[str, Any],
    items: Callable[[int, int], list[Any]],
    progress: Callable[[int, int], None],
) -> tuple[np.ndarray, Iterator[Answers]]:
    """Decode so many images into a file.

    Args:
        folder: of this attempt and earlier ones at the same.
        count: how many images there are.
        size: height and width of the results in pixels.
        background: the colour behind transparent images.
        source: what the processes read from, as `source_of` takes it.
        items: what stands for the images from one to before another, in JSON.
        progress: called with the number of images that are done and the total.

    Returns:
        The pixels, uint8 `(count, size, size, 3)`, mapped; those of an image that could not be decoded are 0. And what became of each.

    Raises:
        DataError: the source is damaged.
        DiskError: no room on the disk.
    """
    make_folder(folder)
    path, record, shape = folder / "pixels", folder / "blocks.jsonl", (count, size, size, 3)
    _make_room(path, count * size * size * 3)
    done = _done(record, np.memmap(path, np.uint8, "r", shape=shape))
    starts = [first for first in range(0, count, BLOCK) if first not in done]
    told = count - sum(min(BLOCK, count - first) for first in starts)
    if starts:
        start = {"pixels": str(path), "shape": shape, "size": size, "background": background, "source": source}
        workers = min(os.cpu_count() or 1, MAX_PROCESSES, len(starts))
        jobs = ({"first": first, "items": items(first, min(first + BLOCK, count))} for first in starts)
        with disk_errors(record), record.open("a") as file:
            file.write("\n")  # an earlier attempt may have ended in the middle of a line
            for line in _answers(workers, start, jobs):
                file.write(line)
                file.flush()
                told += len(json.loads(line)["answers"])
                progress(told, count)
        done = _done(record, np.memmap(path, np.uint8, "r", shape=shape))
    if len(done) < -(-count // BLOCK):
        raise DiskError(
            f"cannot use {folder}: what was written there is not what is read; free some space, or choose another disk"
        )
    answers = (answer for first in sorted(done) for answer in json.loads(done[first])["answers"])
    return np.asarray(np.memmap(path, np.uint8, "r", shape=shape)), answers


def reordered(pixels: np.ndarray, order: np.ndarray, path: Path) -> np.ndarray:
    """The images at these positions as a file of their own, mapped. Raises DiskError."""
    shape = (len(order), *pixels.shape[1:])
    _make_room(path, int(np.prod(shape)))
    target = np.memmap(path, np.uint8, "r+", shape=shape)
    for block in blocks(target):
        target[block] = taken(pixels, order[block])
    target.flush()
    return np.asarray(np.memmap(path, np.uint8, "r", shape=shape))


def forget(folder: Path) -> None:
    """Delete what an attempt left; what is mapped from it stays whole."""
    shutil.rmtree(folder, ignore_errors=True)


def _make_room(path: Path, size: int) -> None:
    """A file of this size, kept as it is if it is there."""
    with disk_errors(path, size):
        with path.open("ab") as file:
            pass
        if path.stat().st_size != size:
            with path.open("r+b") as file:
                file.truncate(size)
                if hasattr(os, "posix_fallocate"):  # so that a full disk is an error here, and no signal later
                    os.posix_fallocate(file.fileno(), 0, max(size, 1))


def _done(record: Path, pixels: np.ndarray) -> dict[int, str]:
    """The blocks that are done, by their first image: those whose pixels are what the record says."""
    found: dict[int, str] = {}
    if not record.exists():
        return found
    with disk_errors(record), record.open() as file:
        for line in file:
            let_go(pixels)
            try:
                block = json.loads(line)
                first, answers, crc = block["first"], block["answers"], block["crc"]
                own = pixels[first : first + len(answers)]
                if len(own) == len(answers) == min(BLOCK, len(pixels) - first) and zlib.crc32(own.data) == crc:
                    found[first] = line  # as text it takes a tenth of the memory
            except (ValueError, LookupError, TypeError):  # a line that a kill cut off
                continue
    let_go(pixels)
    return found


def _answers(workers: int, start: dict[str, Any], jobs: Iterator[dict[str, Any]]) -> Iterator[str]:
    """What the processes answer, a line for each job, in the order in which they are done."""
    processes = [_process(start) for _ in range(workers)]
    idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    for process in processes:
        idle.put(process)

    def ask(job: dict[str, Any]) -> str:
        process = idle.get()
        try:
            _pipe(process.stdin).write(json.dumps(job) + "\n")
            _pipe(process.stdin).flush()
            line = _pipe(process.stdout).readline()
        except OSError:
            line = ""
        finally:
            idle.put(process)  # a dead one, too: whoever takes it is told at once
        if not line:
            raise SeefarError(
                f"a process that decodes images ended with code {process.wait()}; run again, which continues where it was"
            )
        if "error" in (said := json.loads(line)):
            raise DataError(said["error"])
        return line

    try:
        with ThreadPoolExecutor(workers) as pool, contextlib.ExitStack() as undo:
            waiting: set[Future[str]] = set()
            undo.callback(pool.shutdown, wait=False, cancel_futures=True)
            for job in jobs:
                waiting.add(pool.submit(ask, job))
                if len(waiting) >= 2 * workers:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in finished)
            for one in waiting:
                yield one.result()
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _process(start: dict[str, Any]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "seefar.data.decoding_process"]
    process = subprocess.Popen(  # noqa: S603 (ourselves)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True
    )
    _pipe(process.stdin).write(json.dumps(start) + "\n")
    return process


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # noqa: S101 (it was asked for)
    return pipe
