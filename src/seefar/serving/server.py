"""From words to a service that listens, until a signal ends it: models first, then the port, then requests; and back in good order."""

import asyncio
import gc
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from seefar.serving.application import application
from seefar.serving.bounded_server import BoundedServer, address_of, libraries_log_to, loop_factory
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.models import Models
from seefar.serving.ports import listening
from seefar.serving.service import Playground, Service
from seefar.serving.settings import Settings, check_exposure
from seefar.serving.sources import sources


def serve(
    words: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 8000,
    settings: Settings | None = None,
    *,
    log: Path | None = None,
    threads: int | None = None,
    playground: Playground | None = None,
    tell: Callable[[str, list[str]], None] = lambda address, names: None,
) -> None:
    """Serve models until SIGTERM or SIGINT.

    Args:
        words: PATH or NAME=PATH of each model: an ONNX file, a run, or a folder of versions.
        host: the address to listen on; others than the machine's own need a token.
        port: 0: any free one.
        settings: the bounds; None: the usual ones.
        log: a file that the log is added to; None: stderr.
        threads: how many compute for one model at the same time; None: as many as there are cores.
        playground: makes a page on which the first model can be tried, for browsers that open the address; None: there is none.
        tell: is told where the service listens, and the names of its models, once it is ready.

    Raises:
        UsageError: the words or the host cannot be served.
        ModelFileError: a model is missing, damaged, or fails its self-test.
        DiskError: the port is taken, or a file cannot be used.
    """
    bounds = settings or Settings()
    check_exposure(host, bounds.token)
    found = sources(words)
    metrics = Metrics()
    lines = Log(log, metrics.lost.inc)
    try:
        models = Models(found, bounds, metrics, lines, threads)
        models.load()
        service = Service(models, bounds, metrics, lines, playground)
        with listening(host, port) as taken, libraries_log_to(lines), asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(answer(Server(service), service, taken, tell))
    finally:
        lines.close()


class Server(BoundedServer):
    """One that reads its models again on SIGHUP."""

    def __init__(self, service: Service) -> None:
        super().__init__(application(service), service)
        self._models = service.models
        self._tasks: set[asyncio.Task[None]] = set()

    def hang_up(self) -> None:
        """SIGHUP: read the models again."""
        task = asyncio.create_task(self._models.reload_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def answer(server: Server, service: Service, taken: socket.socket, tell: Callable[[str, list[str]], None]) -> None:
    """Start the models that were loaded, and answer on a socket until the server is stopped."""
    service.models.start()
    connections = server.server_state.connections
    service.metrics.watch(lambda: [("seefar_connections", "open connections", {}, len(connections))])
    gc.collect()
    gc.freeze()  # what is there now stays until the end, and need not be looked through again and again

    def announce() -> None:
        service.log("ready", models=service.models.names())
        tell(address_of(taken), service.models.names())

    server.announce = announce
    try:
        await server.serve([taken])
    finally:
        await service.models.close()
        service.log("stopped")
