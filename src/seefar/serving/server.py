"""From words to a service that listens, until a signal ends it: models first, then the port, then requests; and back in good order."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvicorn

from seefar.serving.application import application
from seefar.serving.connections import connections_of
from seefar.serving.log import Forwarded, Log
from seefar.serving.metrics import Metrics
from seefar.serving.models import Models
from seefar.serving.ports import listening, take_no_more
from seefar.serving.service import Playground, Service
from seefar.serving.settings import Settings, check_exposure
from seefar.serving.sources import sources

MOMENT = 0.3  # seconds between the last new connection and the end of those that are idle (chosen by hand)
LIBRARIES = ("uvicorn", "asyncio")  # what they log becomes lines of ours


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
        with listening(host, port) as taken, _libraries_log_to(lines), asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(answer(server_of(service), service, taken, tell))
    finally:
        lines.close()


class Server(uvicorn.Server):
    """uvicorn's, which leaves the signals to us."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()
        self.announce: Callable[[], None] = lambda: None  # called once it listens and obeys signals

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn. In another thread than the main one there are no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop, self._service.settings.drain)
        loop.add_signal_handler(signal.SIGINT, self.stop, 0.0)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn. Whoever reads that it is ready may send a signal at once."""
        await super().startup(sockets)
        self.announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, which would break off connections whose first request is on its way: they get a moment."""
        if not self.force_exit:
            for listener in sockets or []:
                take_no_more(listener)
            await asyncio.sleep(MOMENT)
        await super().shutdown(sockets)

    def stop(self, drain: float) -> None:
        """Not ready any more; after `drain` seconds take no new connections, and end with the requests that are there."""
        if self._service.stopping:
            self.should_exit = self.force_exit = True
            return
        self._service.stopping = True
        self._service.log("stopping", drain=drain)
        asyncio.get_running_loop().call_later(drain, setattr, self, "should_exit", True)

    def _reload(self) -> None:
        task = asyncio.create_task(self._service.models.reload_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def server_of(service: Service) -> Server:
    """The server of a service; it begins to answer with `answer`."""
    bounds = service.settings
    config = uvicorn.Config(
        application(service),
        http=connections_of(service),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=bounds.keep_alive,  # type: ignore[arg-type]
        timeout_graceful_shutdown=bounds.grace,  # type: ignore[arg-type]
    )
    return Server(config, service)


async def answer(server: Server, service: Service, taken: socket.socket, tell: Callable[[str, list[str]], None]) -> None:
    """Start the models that were loaded, and answer on a socket until the server is stopped."""
    service.models.start()
    connections = server.server_state.connections
    service.metrics.watch(lambda: [("seefar_connections", "open connections", {}, len(connections))])
    gc.collect()
    gc.freeze()  # what is there now stays until the end, and need not be looked through again and again
    address = taken.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]

    def announce() -> None:
        service.log("ready", models=service.models.names())
        tell(f"http://{shown}:{address[1]}", service.models.names())

    server.announce = announce
    try:
        await server.serve([taken])
    finally:
        await service.models.close()
        service.log("stopped")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not on every system
        return asyncio.new_event_loop
    return uvloop.new_event_loop


@contextlib.contextmanager
def _libraries_log_to(log: Log) -> Iterator[None]:
    handler = Forwarded(log)
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(logger.propagate, logger.level) for logger in loggers]
    try:
        for logger in loggers:
            logger.addHandler(handler)
            logger.propagate = False
        yield
    finally:
        for logger, (propagate, level) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
            logger.setLevel(level)
