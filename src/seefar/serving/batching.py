"""Images of many requests computed together: a bounded queue, threads that compute, and others that decode what is large.

The rule is the one of Triton: whenever a thread is free it takes what is there, up to a batch, and never waits for more; so a lone
request is not delayed, and batches grow by themselves as requests come faster than the network answers. What comes when the queue is
full is refused at once. What was not begun at its deadline, or whose client has left, is not begun at all.

    event loop: submit -> [ready] -> threads: decode what is small, compute -> event loop: the future is set
                  -> [large] -> threads: decode -> [ready]
"""

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seefar.data.decode import Decoded, decode_some
from seefar.model.model import Model
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem, busy, queue_full
from seefar.serving.scored import Scored
from seefar.serving.settings import Settings

LARGE = 8 * 1024  # bytes of a file that is decoded before it waits for a batch, so that it delays no small one
NICE = 10  # of the threads that compute: with it 1,700 requests a second instead of 1,450, and half the latency (docs/log.md)
STUCK = 30.0  # seconds for a batch, after which the service does not call itself ready any more
LOOK = 0.25  # seconds between two looks after threads and deadlines


class Part(NamedTuple):
    """The answers for one request.

    Attributes:
        scored: of the whole batch that it was in; None if none of its images could be read.
        places: its images in that batch; None for one that could not be read.
        sizes: of each image as it was sent, "WIDTHxHEIGHT"; "" where it could not be read, or was sent as pixels.
        reasons: why an image could not be read; "" where it could.
        pixels: what the network saw, uint8 `(images that could be read, size, size, 3)`.
    """

    scored: Scored | None
    places: list[int | None]
    sizes: list[str]
    reasons: list[str]
    pixels: np.ndarray


class Job:
    """One request: image files, or pixels.

    Attributes:
        future: gets a Part, or a Problem.
        count: how many images.
    """

    __slots__ = ("count", "deadline", "files", "future", "maps", "pixels", "reasons", "sizes")

    def __init__(
        self,
        files: Sequence[bytes] | None,
        pixels: np.ndarray | None,
        maps: bool,
        deadline: float,
        future: "asyncio.Future[Part]",
    ) -> None:
        self.files, self.pixels, self.maps, self.deadline, self.future = files or (), pixels, maps, deadline, future
        self.count = len(self.files) if pixels is None else len(pixels)
        self.sizes = [""] * self.count
        self.reasons = [""] * self.count

    def is_over(self, now: float) -> bool:
        """Whether nobody waits for it any more."""
        return self.future.done() or now > self.deadline


class Line:
    """Jobs that wait for some threads, the oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._closed = False

    def put(self, job: Job) -> None:
        """Add one."""
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def take(self, most: int) -> list[Job]:
        """The oldest, and those behind it that want the same, up to so many images. Waits for the first; empty once it is closed."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return []
            taken = [self._waiting.popleft()]
            count = taken[0].count
            while self._waiting and count + self._waiting[0].count <= most and self._waiting[0].maps == taken[0].maps:
                taken.append(self._waiting.popleft())
                count += taken[-1].count
            return taken

    def close(self) -> None:
        """End the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Batcher:
    """Answers for one model. `start`, `submit`, `look_after` and `close` are called by the event loop.

    Args:
        model: what computes.
        name: of the model, for the metrics.
        settings: the bounds.
        metrics: the counters.
        decoders: how many threads decode large files.
        computers: how many threads compute.
    """

    def __init__(self, model: Model, name: str, settings: Settings, metrics: Metrics, decoders: int, computers: int) -> None:
        self._model, self._settings, self._metrics = model, settings, metrics
        self._images, self._batches = metrics.images.labels(name), metrics.batches.labels(name)
        self._large, self._ready = Line(), Line()  # to be decoded first; to be computed
        self._jobs: set[Job] = set()
        self._decoders, self._computers = decoders, computers
        self._threads: list[threading.Thread] = []
        self._began: dict[int, float] = {}  # when the batch that a thread is computing was begun, by the thread's place
        self._closed = False
        self.waiting = 0  # images that were taken and not yet answered

    def start(self) -> None:
        """Start the threads."""
        self._loop = asyncio.get_running_loop()
        self._threads = [self._thread(place) for place in range(self._decoders + self._computers)]

    def submit(self, files: Sequence[bytes] | None, pixels: np.ndarray | None, maps: bool) -> "asyncio.Future[Part]":
        """Take a request: image files, or uint8 `(n, size, size, 3)`.

        Returns:
            A future that gets a Part or a Problem. Cancelling it gives the request up, if it has not been begun.

        Raises:
            Problem: the queue is full.
        """
        job = Job(files, pixels, maps, time.monotonic() + self._settings.timeout, self._loop.create_future())
        self.check_room(job.count)
        self.waiting += job.count
        self._jobs.add(job)
        (self._large if any(len(file) >= LARGE for file in job.files) else self._ready).put(job)
        return job.future

    def check_room(self, images: int = 1) -> None:
        """Raise Problem if so many images more would be too many."""
        if self._closed:
            raise busy("stopping", "this version of the model is being replaced; ask again")
        if self.waiting + images > self._settings.queue:
            raise queue_full()

    def is_full(self) -> bool:
        """Whether there is no room for one image more."""
        return self.waiting >= self._settings.queue

    def is_well(self) -> bool:
        """Whether its threads live, none of them is stuck, and there is room."""
        return self.is_alive() and not self.is_full()

    def is_alive(self) -> bool:
        """Whether its threads live, and none of them is stuck."""
        late = time.monotonic() - STUCK
        stuck = any(began < late for began in list(self._began.values()))
        return not stuck and all(thread.is_alive() for thread in self._threads)

    async def look_after(self) -> None:
        """Until cancelled: answer what is late, whatever happens to the threads, and start those that have died."""
        while True:
            await asyncio.sleep(LOOK)
            late = time.monotonic() - LOOK  # what the threads see themselves is theirs to answer
            self._answer([(job, _late()) for job in self._jobs if late > job.deadline])
            for place, thread in enumerate(self._threads):
                if not thread.is_alive() and not self._closed:
                    self._metrics.restarts.inc()
                    self._threads[place] = self._thread(place)

    def close(self) -> None:
        """End the threads; what still waits is refused. The computing of a batch cannot be interrupted."""
        self._closed = True
        self._answer([(job, busy("stopping", "the service is stopping")) for job in self._jobs])
        self._large.close()
        self._ready.close()

    def _thread(self, place: int) -> threading.Thread:
        if place < self._decoders:
            thread = threading.Thread(target=self._decode, name="decode", daemon=True)
        else:
            thread = threading.Thread(target=self._compute, args=(place,), name="compute", daemon=True)
        thread.start()
        return thread

    # In the threads

    def _decode(self) -> None:
        while taken := self._large.take(1):
            try:
                for job in self._decoded(taken):
                    self._ready.put(job)
            except BaseException as error:  # noqa: BLE001  whatever it is, nobody is left waiting
                self._tell([(job, _failed(error)) for job in taken])
                if not isinstance(error, Exception):
                    return

    def _compute(self, place: int) -> None:
        _give_way()
        while taken := self._ready.take(self._settings.batch):
            self._began[place] = time.monotonic()
            try:
                self._answer_all(self._decoded(taken))
            except BaseException as error:  # noqa: BLE001  likewise
                self._tell([(job, _failed(error)) for job in taken])
                if not isinstance(error, Exception):
                    return
            finally:
                del self._began[place]

    def _decoded(self, taken: Sequence[Job]) -> list[Job]:
        """Those that somebody still waits for and that have pixels, after decoding; the others are answered."""
        now = time.monotonic()
        jobs = [job for job in taken if not job.is_over(now)]
        self._tell([(job, _late()) for job in taken if job not in jobs])
        model = self._model
        found = decode_some(lambda file: file, [file for job in jobs for file in job.files], model.size, model.background)
        for job in jobs:
            pixels = []
            for place in range(len(job.files)):
                result = next(found)
                if isinstance(result, Decoded):
                    pixels.append(result.pixels)
                    job.sizes[place] = result.original_size
                else:
                    job.reasons[place] = str(result)
            job.files = ()  # their memory is needed no more
            if pixels:
                job.pixels = np.stack(pixels)
        nothing = np.zeros((0, model.size, model.size, 3), np.uint8)
        none = [job for job in jobs if job.pixels is None]
        self._tell([(job, Part(None, [None] * job.count, job.sizes, job.reasons, nothing)) for job in none])
        return [job for job in jobs if job.pixels is not None]

    def _answer_all(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            self._tell(self._computed(jobs))
        except Exception as error:  # noqa: BLE001  likewise
            if len(jobs) == 1:
                self._tell([(jobs[0], _failed(error))])
                return
            for job in jobs:  # one of them may be to blame: the others are answered
                self._answer_all([job])

    def _computed(self, jobs: Sequence[Job]) -> "list[tuple[Job, Part | Exception]]":
        arrays = [job.pixels for job in jobs if job.pixels is not None]
        pixels = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
        scored = Scored(self._model.answers(pixels, jobs[0].maps), self._model)
        self._batches.observe(len(pixels))
        parts: list[tuple[Job, Part | Exception]] = []
        start = 0
        for job, own in zip(jobs, arrays, strict=True):
            places = iter(range(start, start + len(own)))
            start += len(own)
            parts.append(
                (job, Part(scored, [None if bad else next(places) for bad in job.reasons], job.sizes, job.reasons, own))
            )
        return parts

    # Back on the event loop

    def _tell(self, results: "Sequence[tuple[Job, Part | Exception]]") -> None:
        if results:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(self._answer, results)

    def _answer(self, results: "Sequence[tuple[Job, Part | Exception]]") -> None:
        for job, result in results:
            if job not in self._jobs:  # it was answered before, as late
                continue
            self._jobs.discard(job)
            self.waiting -= job.count
            if job.future.done():
                continue
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                self._images.inc(job.count)
                job.future.set_result(result)


def _give_way() -> None:
    """Let this thread run when others of the process have nothing to do: those that take requests come first."""
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _late() -> Problem:
    return busy("deadline", "the request was not begun in time; ask again")


def _failed(error: BaseException) -> Exception:
    problem = Problem(500, "failed", "the model failed on this request")
    problem.__cause__ = error
    return problem
