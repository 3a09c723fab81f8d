"""What all routes of a service share: its models, its bounds, its counters, and how a body becomes an answer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from starlette.responses import Response

from seefar.serving.batching import Part
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.models import Models, Served
from seefar.serving.settings import Settings
from seefar.serving.uploads import Memory

Found = TypeVar("Found")
Playground = Callable[[bytes, str], Mapping[str, bytes]]
"""Makes the files of a page on which people try a network, from the bytes of its ONNX file and the name of the model."""
WORTH_A_THREAD = 64 * 1024  # bytes that the event loop takes apart itself, at most (chosen by hand)


class Service:
    """One service.

    Attributes:
        models: what answers.
        settings: the bounds.
        metrics: the counters.
        log: the log.
        memory: the bytes that are there.
        playground: makes the page at its address; None: a few words stand there.
        stopping: whether it was told to stop: it still answers, but is not ready any more.
    """

    def __init__(
        self, models: Models, settings: Settings, metrics: Metrics, log: Log, playground: Playground | None = None
    ) -> None:
        self.models, self.settings, self.metrics, self.log = models, settings, metrics, log
        self.playground = playground
        self.memory = Memory(settings.memory)
        self.stopping = False

    def is_ready(self) -> bool:
        """Whether every model has passed its self-test, could answer now, and nobody has told the service to stop."""
        return not self.stopping and self.models.are_well()

    async def ask(
        self, scope: Any, served: Served, files: Sequence[bytes] | None, pixels: np.ndarray | None, maps: bool
    ) -> Part:
        """The answers of a model. Raises Problem: the queue is full, the deadline has passed, or the model failed."""
        future = served.batcher.submit(files, pixels, maps)
        scope["seefar.facts"].update(model=served.name, version=served.version, images=len(files or pixels))  # type: ignore[arg-type]
        return await future

    async def aside(self, size: int, work: Callable[[], Found]) -> Found:
        """Do some work on `size` bytes here, or in a thread if it would hold up the others."""
        return work() if size <= WORTH_A_THREAD else await asyncio.get_running_loop().run_in_executor(None, work)


def json_answer(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that is written already."""
    return Response(content, status, headers, "application/json")
