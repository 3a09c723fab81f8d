"""A connection of uvicorn, bounded: in the size of a head, in time at every stage, in number; and what is to happen when a client leaves.

uvicorn itself waits for ever for a head, a body or a reader (its issue 157), and reads heads of any length.
"""

import asyncio
import json
from typing import Any, Protocol

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.settings import Settings

SENTENCES = {
    400: ("bad_request", "this is no HTTP request that can be read"),
    408: ("too_slow", "the request did not arrive in time"),
    431: ("long_head", "the head of the request is too long"),
    503: ("connections", "too many connections are open; ask again in a second"),
}


class Bounded(Protocol):
    """What is served, as far as connections and signals are concerned.

    Attributes:
        settings: the bounds.
        metrics: the counters.
        log: the log.
        stopping: whether it was told to stop.
    """

    settings: Settings
    metrics: Metrics
    log: Log
    stopping: bool


class Connection(HttpToolsProtocol):
    """One connection. `service` is set by the subclass that `connections_of` makes."""

    service: Bounded

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._alarm: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._in_head, self._bytes, self._lines, self._status = True, 0, 0, 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._joined = _Joined(transport)
        if len(self.connections) > self.service.settings.connections:
            self._refuse(503)
        else:
            self._arm(self.service.settings.patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`. A request that is under way is given up."""
        self._disarm()
        super().connection_lost(exc)
        cycle, self._running = self._running, None
        if cycle is not None and not cycle.response_complete:
            state: dict[str, Any] = cycle.scope["state"]
            if task := state.get("task"):
                state["gone"] = True
                task.cancel()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._in_head:
            self._bytes += len(data)
        super().data_received(data)
        if self._in_head and self._bytes > self.service.settings.header and not self.transport.is_closing():
            self._refuse(431)

    def on_message_begin(self) -> None:
        """See httptools."""
        self._in_head, self._lines = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools. Raises ValueError for a head that is too long; then `send_400_response` is called."""
        self._lines += 1
        if self._lines > self.service.settings.headers:
            self._status = 431
            raise ValueError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See httptools."""
        if sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > self.service.settings.header:
            self._status = 431
            raise ValueError
        self._in_head, self._bytes = False, 0
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cycle.transport = self._joined  # type: ignore[assignment]
        bounds = self.service.settings
        self._arm(2 * bounds.patience + bounds.timeout)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """See uvicorn."""
        self._joined.flush()
        self._arm(self.service.settings.patience)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no request of HTTP, or one that is too long."""
        self._refuse(self._status)

    def _arm(self, seconds: float) -> None:
        """Close the connection in so many seconds, unless something happens before."""
        self._disarm()
        self._alarm = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _late(self) -> None:
        if self._in_head and self._bytes and (self._running is None or self._running.response_complete):
            self._refuse(408)
        elif self._in_head:
            self.transport.close()  # nobody has said anything
        else:
            self.transport.abort()  # a reader that does not read

    def _refuse(self, status: int) -> None:
        """Answer before there is a request, and close."""
        code, message = SENTENCES[status]
        metrics = self.service.metrics
        metrics.refused.labels(code).inc()
        metrics.requests.labels("none", str(status)).inc()
        self.service.log("connection", status=status, reason=code)
        body = json.dumps({"error": {"code": code, "message": message, "request_id": None}}).encode()
        head = [b"content-type: application/json", b"connection: close", b"content-length: %d" % len(body)]
        if status == 503:
            head.append(b"retry-after: 1")
        self.transport.write(STATUS_LINE[status] + b"\r\n".join(head) + b"\r\n\r\n" + body)
        self.transport.close()


class _Joined:
    """A transport that sends the head of an answer together with its body: one call of the system, one packet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._head = transport, b""

    def write(self, data: bytes) -> None:
        """Keep the head of an answer until its body comes."""
        if not self._head and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what is kept, and close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """See `asyncio.Transport`."""
        return self._transport.is_closing()


def connections_of(service: Bounded) -> type[Connection]:
    """The class of the connections of a service, as uvicorn takes it."""
    return type("ServiceConnection", (Connection,), {"service": service})
