"""Around every request: who may ask, what a refusal looks like, which headers every answer has, and what is counted and logged."""

import asyncio
import hmac
import ipaddress
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

from starlette.exceptions import HTTPException

from seefar.serving.log import Log, place_of
from seefar.serving.metrics import Metrics
from seefar.serving.problem import CLOSE, Problem, queue_full
from seefar.serving.settings import Settings
from seefar.serving.uploads import GoneError, Receive, Scope, header

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = (
    "/healthz",
    "/readyz",
    "/v2/health/live",
    "/v2/health/ready",
)  # asked by what starts and stops containers: without a token
ASKING = ("/predict", "/infer")  # how the addresses end at which a network answers
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "PATCH")
SAFE = ("GET", "HEAD", "OPTIONS")
ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?")
SENTENCES = {
    404: "there is nothing at this address; GET / tells what there is",
    405: "this address does not answer to this method",
}


class Guard:
    """An ASGI application around the routes.

    Args:
        routes: the ASGI application within; it sets `scope["endpoint"]`, whose name is what is counted.
        settings: the bounds.
        metrics: the counters.
        log: gets a line a request.
        is_stopping: whether connections are to be given up after their next answer.
        is_full: whether no model has room for one image more: then who asks for an answer is refused before anything else is done.
    """

    def __init__(
        self,
        routes: App,
        settings: Settings,
        metrics: Metrics,
        log: Log,
        is_stopping: Callable[[], bool],
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_stopping, self.is_full = is_stopping, is_full
        self._routes, self._settings, self._metrics, self._log = routes, settings, metrics, log
        self._first, self._numbers = secrets.token_hex(4), itertools.count(1)
        self._token = settings.token.encode() if settings.token is not None else None
        self._origins = {origin.encode() for origin in settings.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._routes(scope, receive, send)
        elif scope["type"] == "http":
            await _Request(self, scope, send).answer(receive)

    def check(self, scope: Scope) -> None:
        """Raise Problem unless the request may be answered."""
        self._check_host(scope)
        if header(scope, b"transfer-encoding") not in (None, b"chunked"):
            raise Problem(400, "bad_request", "expected the body as it is, or in chunks", [CLOSE])
        if len(scope.get("raw_path") or scope["path"]) > 2048:
            raise Problem(414, "long_address", "the address is too long", [CLOSE])
        self._check_origin(scope)
        if self._token is not None and scope["path"] not in OPEN:
            given = header(scope, b"authorization") or b""
            kind, _, token = given.partition(b" ")
            if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
                raise Problem(401, "no_token", "this service needs its token", [(b"www-authenticate", b"Bearer")])

    def allowed(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """The headers for a page elsewhere that was named; none for others."""
        origin = header(scope, b"origin")
        if origin is None or origin not in self._origins:
            return []
        return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]

    def _check_host(self, scope: Scope) -> None:
        """A page elsewhere can make its own name lead to 127.0.0.1, but not change the name: addresses and known names are safe."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            raise Problem(400, "bad_request", "expected one Host header", [CLOSE])
        found = HOST.fullmatch(hosts[0].decode("latin-1").lower())
        name = (found[1] or found[2]) if found else ""
        if name != "localhost" and name not in self._settings.hosts and not _is_address(name):
            raise Problem(
                403, "foreign_host", "this service is not called by that name; --allow-host names further ones", [CLOSE]
            )

    def _check_origin(self, scope: Scope) -> None:
        origin, site = header(scope, b"origin"), header(scope, b"sec-fetch-site")
        own = header(scope, b"host") or b""
        if origin is None:
            foreign = site in (b"cross-site", b"same-site") and scope["method"] not in SAFE
        else:
            foreign = origin not in self._origins and origin not in (b"http://" + own, b"https://" + own)
        if foreign:
            raise Problem(
                403, "foreign_origin", "other web pages may not use this service; --allow-origin names those that may"
            )


class _Request:
    """One request on its way through."""

    def __init__(self, guard: Guard, scope: Scope, send: Send) -> None:
        self._guard, self._scope, self._send = guard, scope, send
        self._id = f"{guard._first}-{next(guard._numbers):06d}"
        self._status = 0
        self._cause: BaseException | None = None
        self._facts: dict[str, Any] = {}

    async def answer(self, receive: Receive) -> None:
        guard, scope = self._guard, self._scope
        began = time.perf_counter()
        reason = None
        scope["seefar.id"], scope["seefar.facts"] = self._id, self._facts
        scope["app"] = self  # so that starlette raises its 404 and 405, and they become ours
        if "state" in scope:
            scope["state"]["task"] = asyncio.current_task()  # for connections.py, which cancels it when the client leaves
        try:
            try:
                guard.check(scope)
                if scope["method"] == "POST" and scope["path"].endswith(ASKING) and guard.is_full():
                    raise queue_full()
                if scope["method"] == "OPTIONS":
                    await self._options()
                else:
                    await guard._routes(scope, receive, self._out)
            except Problem as problem:
                reason, self._cause = problem.code, problem.__cause__
                await self._refuse(problem)
            except HTTPException as error:
                found = tuple((name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items())
                said = SENTENCES.get(error.status_code, "the request cannot be answered")
                reason = "no_route"
                await self._refuse(Problem(error.status_code, reason, said, found))
            except GoneError:
                reason = "gone"
            except Exception as error:  # noqa: BLE001  the client gets a sentence, the log the place
                reason, self._cause = "error", error
                await self._refuse(Problem(500, reason, "something went wrong here, and the log says what"))
        except asyncio.CancelledError:
            if "state" not in scope or not scope["state"].get("gone"):
                raise
            reason = "gone"
        finally:
            self._note(reason, time.perf_counter() - began)

    async def _options(self) -> None:
        """What a browser asks before it sends something for a page elsewhere."""
        if not (named := self._guard.allowed(self._scope)):
            raise Problem(405, "no_route", SENTENCES[405], [(b"allow", b"GET, POST")])
        headers = [
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", b"authorization, content-type"),
            (b"access-control-max-age", b"600"),
            (b"content-length", b"0"),
        ]
        self._status = 204
        await self._send({"type": "http.response.start", "status": 204, "headers": [*headers, *named, *ALWAYS, POLICY]})
        await self._send({"type": "http.response.body"})

    async def _out(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message["headers"])
            own_policy = any(name == b"content-security-policy" for name, _ in headers)
            headers += ALWAYS if own_policy else [*ALWAYS, POLICY]
            headers.append((b"x-request-id", self._id.encode()))
            headers += self._guard.allowed(self._scope)
            if self._guard._is_stopping() and CLOSE not in headers:
                headers.append(CLOSE)
            message["headers"] = headers
        await self._send(message)

    async def _refuse(self, problem: Problem) -> None:
        if self._status:  # the answer has begun: it can only be broken off
            return
        body = problem.body(self._scope["path"], self._id)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *problem.headers]
        await self._out({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})

    def _note(self, reason: str | None, seconds: float) -> None:
        guard, scope = self._guard, self._scope
        endpoint = scope.get("endpoint")
        route = getattr(endpoint, "__name__", "none") if reason != "no_route" else "none"
        guard._metrics.requests.labels(route, str(self._status)).inc()
        guard._metrics.seconds.labels(route).observe(seconds)
        if reason == "gone":
            guard._metrics.gone.inc()
        elif reason:
            guard._metrics.refused.labels(reason).inc()
        facts = {
            "id": self._id,
            "route": route,
            "method": scope["method"] if scope["method"] in METHODS else "other",
            "status": self._status,
            "ms": round(1000 * seconds, 2),
        }
        if reason:
            facts["reason"] = reason
        if self._cause is not None:
            facts |= {"error": type(self._cause).__name__, "at": place_of(self._cause)}
        guard._log("request", **facts, **self._facts)


@lru_cache(64)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
