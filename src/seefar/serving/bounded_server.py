"""uvicorn as every server of ours needs it: bounded connections, signals that end it in good order, and its log as lines of ours."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from seefar.serving.connections import Bounded, connections_of
from seefar.serving.guard import App
from seefar.serving.log import Forwarded, Log
from seefar.serving.ports import take_no_more

MOMENT = 0.3  # seconds between the last new connection and the end of those that are idle (chosen by hand)
LIBRARIES = ("uvicorn", "asyncio")  # what they log becomes lines of ours


class BoundedServer(uvicorn.Server):
    """uvicorn's, which leaves the signals to us.

    Args:
        application: what answers.
        served: its bounds, counters and log.
    """

    def __init__(self, application: App, served: Bounded) -> None:
        bounds = served.settings
        config = uvicorn.Config(
            application,
            http=connections_of(served),
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
        super().__init__(config)
        self._served = served
        self.announce: Callable[[], None] = lambda: None  # called once it listens and obeys signals

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn. In another thread than the main one there are no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop, self._served.settings.drain)
        loop.add_signal_handler(signal.SIGINT, self.stop, 0.0)
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)
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
        if self._served.stopping:
            self.should_exit = self.force_exit = True
            return
        self._served.stopping = True
        self._served.log("stopping", drain=drain)
        asyncio.get_running_loop().call_later(drain, setattr, self, "should_exit", True)

    def hang_up(self) -> None:
        """SIGHUP: the terminal was closed."""
        self.stop(0.0)


def address_of(taken: socket.socket) -> str:
    """Where a socket listens, as an address for a browser."""
    address = taken.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{shown}:{address[1]}"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The fastest event loop that is there."""
    try:
        import uvloop
    except ImportError:  # not on every system
        return asyncio.new_event_loop
    return uvloop.new_event_loop


@contextlib.contextmanager
def libraries_log_to(log: Log) -> Iterator[None]:
    """What uvicorn and asyncio log becomes lines of ours, for the length of the block."""
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
