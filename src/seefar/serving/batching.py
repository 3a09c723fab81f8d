"""Images of many requests computed together: a bounded queue, threads that decode, and one thread that computes.

The rule is the one of Triton: whenever the network is free it takes what is there, up to a batch, and never waits for more; so a lone
request is not delayed, and batches grow by themselves as requests come faster than the network answers. What comes when the queue is
full is refused at once. What was not begun at its deadline, or whose client has left, is not begun at all.

    event loop: submit -> [files] -> threads: decode -> [pixels] -> one thread: compute -> event loop: the future is set
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from seefar.data.decode import Decoded, decode_some
from seefar.model.model import Model
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem, busy
from seefar.serving.scored import Scored
from seefar.serving.settings import Settings

TOGETHER = 16  # files that a thread decodes before it hands them on, at most: as many as are read in a turn (data/decode.py)
LARGE = 8 * 1024  # bytes of a file that is decoded alone, so that it delays no small one
STUCK = 30.0  # seconds for a batch, after which the service does not call itself ready any more
LOOK = 0.25  # seconds between two looks after threads and deadlines

Work = TypeVar("Work")


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
        self.files, self.pixels, self.maps, self.deadline, self.future = files, pixels, maps, deadline, future
        self.count = len(files) if files is not None else len(pixels) if pixels is not None else 0
        self.sizes = [""] * self.count
        self.reasons = [""] * self.count

    def is_over(self, now: float) -> bool:
        """Whether nobody waits for it any more."""
        return self.future.done() or now > self.deadline


class Line(Generic[Work]):
    """What waits for some threads: the oldest first; `None` ends one of them."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()

    def put(self, work: Work | None) -> None:
        """Add something, or end a thread."""
        self._waiting.put(work)

    def first(self) -> Work | None:
        """The oldest; waits until there is one."""
        return self._waiting.get()

    def next(self) -> Work | None:
        """The oldest, if there is one right now."""
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None


class Batcher:
    """Answers for one model. `start`, `submit`, `look_after` and `close` are called by the event loop.

    Args:
        model: what computes.
        name: of the model, for the metrics.
        settings: the bounds.
        metrics: the counters.
        decoders: how many threads decode.
    """

    def __init__(self, model: Model, name: str, settings: Settings, metrics: Metrics, decoders: int) -> None:
        self._model, self._settings, self._metrics = model, settings, metrics
        self._images, self._batches = metrics.images.labels(name), metrics.batches.labels(name)
        self._files, self._pixels = Line[Job](), Line[Job]()
        self._held: deque[Job] = deque()  # taken out of the line, and left for the next batch
        self._jobs: set[Job] = set()
        self._decoders = decoders
        self._threads: list[threading.Thread] = []
        self._began: float | None = None  # when the batch that is being computed was begun
        self._closed = False
        self.waiting = 0  # images that were taken and not yet answered

    def start(self) -> None:
        """Start the threads."""
        self._loop = asyncio.get_running_loop()
        works = [*[self._decode] * self._decoders, self._compute]
        self._threads = [self._thread(work) for work in works]

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
        (self._pixels if files is None else self._files).put(job)
        return job.future

    def check_room(self, images: int = 1) -> None:
        """Raise Problem if so many images more would be too many."""
        if self._closed:
            raise busy("stopping", "this version of the model is being replaced; ask again")
        if self.waiting + images > self._settings.queue:
            raise busy("queue_full", "too many images are waiting; ask again in a second")

    def is_well(self) -> bool:
        """Whether its threads live, none of them is stuck, and there is room."""
        return self.is_alive() and self.waiting < self._settings.queue

    def is_alive(self) -> bool:
        """Whether its threads live, and none of them is stuck."""
        began = self._began
        stuck = began is not None and time.monotonic() - began > STUCK
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
                    self._threads[place] = self._thread(self._decode if place < self._decoders else self._compute)

    def close(self) -> None:
        """End the threads; what still waits is refused. The computing of a batch cannot be interrupted."""
        self._closed = True
        self._answer([(job, busy("stopping", "the service is stopping")) for job in self._jobs])
        for _ in range(self._decoders):
            self._files.put(None)
        self._pixels.put(None)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True)
        thread.start()
        return thread

    # In the threads that decode

    def _decode(self) -> None:
        while not self._closed and (first := self._files.first()) is not None:
            taken = [first]
            try:
                count = first.count
                while count < TOGETHER and _is_small(taken[-1]) and (more := self._files.next()) is not None:
                    taken.append(more)
                    count += more.count
                self._decode_all(taken)
            except BaseException as error:  # noqa: BLE001  whatever it is, nobody is left waiting
                self._tell([(job, _failed(error)) for job in taken])
                if not isinstance(error, Exception):
                    return

    def _decode_all(self, taken: Sequence[Job]) -> None:
        now = time.monotonic()
        jobs = [job for job in taken if not job.is_over(now)]
        self._tell([(job, _late()) for job in taken if job not in jobs])
        files = [file for job in jobs for file in job.files or ()]
        model = self._model
        found = decode_some(lambda file: file, files, model.size, model.background)
        for job in jobs:
            pixels = []
            for place in range(job.count):
                result = next(found)
                if isinstance(result, Decoded):
                    pixels.append(result.pixels)
                    job.sizes[place] = result.original_size
                else:
                    job.reasons[place] = str(result)
            job.files = ()  # their memory is needed no more
            if pixels:
                job.pixels = np.stack(pixels)
                self._pixels.put(job)
            else:
                nothing = np.zeros((0, model.size, model.size, 3), np.uint8)
                self._tell([(job, Part(None, [None] * job.count, job.sizes, job.reasons, nothing))])

    # In the thread that computes

    def _compute(self) -> None:
        while not self._closed and (first := self._held.popleft() if self._held else self._pixels.first()) is not None:
            taken = [first]
            try:
                self._take(taken)
                self._began = time.monotonic()
                self._answer_all(taken)
            except BaseException as error:  # noqa: BLE001  whatever it is, nobody is left waiting
                self._tell([(job, _failed(error)) for job in taken])
                if not isinstance(error, Exception):
                    return
            finally:
                self._began = None

    def _take(self, taken: list[Job]) -> None:
        """Add what is there, up to a batch.

        Batches are filled up to a power of two (model/onnx_engine.py): one that would be less than three quarters full leaves its last
        requests for the next one, which follows at once.
        """
        count, most = taken[0].count, self._settings.batch
        while count < most and (more := self._held.popleft() if self._held else self._pixels.next()) is not None:
            if count + more.count > most or more.maps != taken[0].maps:
                self._held.appendleft(more)
                break
            taken.append(more)
            count += more.count
        whole = 1 << max(count.bit_length() - 1, 0)
        if count < 1.5 * whole:
            while len(taken) > 1 and count > whole:
                self._held.appendleft(taken.pop())
                count -= self._held[0].count

    def _answer_all(self, taken: Sequence[Job]) -> None:
        now = time.monotonic()
        jobs = [job for job in taken if not job.is_over(now)]
        over = [(job, _late()) for job in taken if job not in jobs]
        if not jobs:
            self._tell(over)
            return
        try:
            self._tell([*over, *self._computed(jobs)])
        except Exception as error:  # noqa: BLE001  likewise
            if len(jobs) == 1:
                self._tell([*over, (jobs[0], _failed(error))])
                return
            self._tell(over)
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


def _is_small(job: Job) -> bool:
    return job.count == 1 and job.files is not None and len(job.files[0]) < LARGE


def _late() -> Problem:
    return busy("deadline", "the request was not begun in time; ask again")


def _failed(error: BaseException) -> Exception:
    problem = Problem(500, "failed", "the model failed on this request")
    problem.__cause__ = error
    return problem
