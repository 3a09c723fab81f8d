"""What the page of runs asks for: a few addresses that only read, behind the guard of the service."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files as packaged
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from seefar.errors import SeefarError, UsageError
from seefar.home import groups, rows
from seefar.home.details import read_curves, read_details, read_ledger
from seefar.home.index import Entry, Index, open_folder
from seefar.home.playgrounds import WAITING as PLAYGROUNDS
from seefar.home.playgrounds import Playgrounds
from seefar.home.untrusted import Folder, MissingError, inside
from seefar.home.verdicts import WAITING, Verdicts
from seefar.recipe_fields import meanings
from seefar.serving.guard import App, Guard, Send
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem
from seefar.serving.settings import Settings
from seefar.serving.uploads import Receive, Scope, header

OWN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
OTHERS = (  # pages of a run, which nobody vouches for: scripts of theirs run apart from ours and reach nothing
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
ASKED = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>seefar: try a network</title>'
    b'<p>Another page leads here. <a href="index.html">Start the playground of this run</a></html>\n'
)
TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".md": "text/plain; charset=utf-8"}
FRONT = {"runs.js": "text/javascript; charset=utf-8", "runs.css": "text/css; charset=utf-8", "index.html": TYPES[".html"]}
LARGEST = 128 * 2**20  # bytes of a page (chosen by hand: fifty times a report)
PIECE = 256 * 2**10  # bytes
PAGES = {"run": rows.PAGES, "study": groups.PAGES, "search": groups.PAGES}


class Home:
    """The runs below a folder, behind HTTP.

    Attributes:
        index: the rows.
        settings: the bounds of requests.
        metrics: the counters.
        log: the log.
        stopping: whether it was told to stop.
        asked: when somebody last asked for the rows, by the monotonic clock.
    """

    def __init__(self, index: Index, settings: Settings, metrics: Metrics, log: Log) -> None:
        self.index, self.settings, self.metrics, self.log = index, settings, metrics, log
        self.stopping = False
        self.asked = time.monotonic()
        self._verdicts, self._playgrounds = Verdicts(), Playgrounds()
        self._aside = ThreadPoolExecutor(WAITING + PLAYGROUNDS + 1, thread_name_prefix="aside")
        self._front = {name: packaged("seefar").joinpath("web", "runs", name).read_bytes() for name in FRONT}

    def application(self) -> App:
        """The routes, and the guard around them."""
        one = "/api/runs/{id}"
        routes = [
            Route("/", self.page),
            *[Route(f"/{name}", self.page) for name in FRONT if name != "index.html"],
            Route("/api/runs", self.rows),
            Route("/api/fields", self.fields),
            Route("/api/ledger", self.ledger),
            Route("/api/compare", self.compare),
            Route(one, self.details),
            Route(one + "/curves", self.curves),
            Route("/api/groups/{id}", self.results),
            Route("/pages/{id}/playground/index.html", self.playground),  # as a report beside it calls it
            Route("/pages/{id}/{page}", self.page_of),
        ]
        router = Router(routes, redirect_slashes=False)

        async def of_this_page(scope: Scope, receive: Receive, send: Send) -> None:
            """Other pages, reports of runs among them, may lead here by a click, and to nothing else: asking costs them nothing, but us."""
            led = scope["path"].startswith("/pages/") and header(scope, b"sec-fetch-user") == b"?1"
            if scope["path"] != "/" and not led and _is_foreign(scope):
                raise Problem(403, "foreign_page", "other web pages may only lead here by a click")
            await router(scope, receive, send)

        return Guard(of_this_page, self.settings, self.metrics, self.log, lambda: self.stopping, lambda: False)

    async def page(self, request: Request) -> Response:
        """GET /, and what it needs."""
        name = request.url.path[1:] or "index.html"
        return Response(self._front[name], 200, {"content-security-policy": OWN, "content-type": FRONT[name]})

    async def rows(self, request: Request) -> Response:
        """GET /api/runs?since=AT&recipes=N: what has changed."""
        self.asked = time.monotonic()
        recipes = request.query_params.get("recipes", "")
        known = int(recipes) if recipes.isdigit() and len(recipes) < 10 else 0
        return _json(await asyncio.to_thread(self.index.since, request.query_params.get("since", ""), known))

    async def fields(self, request: Request) -> Response:
        """GET /api/fields: what the fields of a recipe mean."""
        return _json(json.dumps(await asyncio.to_thread(meanings)).encode())

    async def ledger(self, request: Request) -> Response:
        """GET /api/ledger: all looks at test images on this machine."""
        return await _answer(lambda: {"sets": read_ledger(self.index.looked())})

    async def details(self, request: Request) -> Response:
        """GET /api/runs/{id}."""
        return await self._read(self._entry(request, "run"), read_details)

    async def curves(self, request: Request) -> Response:
        """GET /api/runs/{id}/curves."""
        return await self._read(self._entry(request, "run"), read_curves)

    async def results(self, request: Request) -> Response:
        """GET /api/groups/{id}: what a study or a search found."""
        entry = self._entry(request, "study", "search")
        return await self._read(entry, partial(groups.read_results, kind=entry.kind))

    async def compare(self, request: Request) -> Response:
        """GET /api/compare?base=ID&other=ID&split=SPLIT: the verdict of `seefar compare`."""
        chosen = [self.index.find(request.query_params.get(name, ""), "run") for name in ("base", "other")]
        split = request.query_params.get("split", "")
        if None in chosen or split not in ("validation", "test"):
            raise Problem(404, "no_run", "there is no such run; load the page again")
        base, other = (entry for entry in chosen if entry)
        paths = [self.index.root.joinpath(*entry.parts) for entry in (base, other)]
        key = (split, base.parts, base.seen[1], other.parts, other.seen[1])

        def computed() -> dict[str, Any]:
            for entry in (base, other):
                open_folder(self.index, entry).close()  # gone, or a link by now
            return self._verdicts.compare(paths[0], paths[1], split, key)

        return await _answer(computed, self._aside)

    async def page_of(self, request: Request) -> Response:
        """GET /pages/{id}/{page}: a report, an audit, a picture. Its scripts run in a world of their own."""
        entry = self._entry(request, "run", "study", "search")
        path = PAGES[entry.kind].get(request.path_params["page"])
        if path is None:
            raise Problem(404, "no_page", "there is no such page; load the list of runs again")
        try:
            descriptor, size = await asyncio.to_thread(_opened, self.index, entry, path)
        except SeefarError:
            raise Problem(404, "no_page", "this page is gone, or cannot be read; load the list of runs again") from None
        headers = {
            "content-security-policy": OTHERS,
            "content-type": TYPES["." + path.rpartition(".")[2]],
            "content-length": str(size),
        }
        return StreamingResponse(_pieces(descriptor, size), 200, headers)

    async def playground(self, request: Request) -> Response:
        """GET /pages/{id}/playground/index.html: leads to where the network of a run can be tried."""
        entry = self._entry(request, "run")
        if _is_foreign(request.scope):  # a report, or anybody: it starts nothing, but may lead to where one is asked
            return Response(ASKED, 200, {"content-security-policy": OWN, "content-type": TYPES[".html"]})

        def address() -> str:
            _insist_on_evaluation(self.index, entry)
            return self._playgrounds.address(self.index.root.joinpath(*entry.parts), entry.seen[1])

        try:
            found = await asyncio.get_running_loop().run_in_executor(self._aside, address)
        except SeefarError as error:
            return Response(f"{error}\n", 409, {"content-type": "text/plain; charset=utf-8"})
        return Response(b"", 303, {"location": found})

    def close(self) -> None:
        """Let no further comparison begin, and end those that are computed, and the playgrounds."""
        self._verdicts.close()
        self._playgrounds.close()
        self._aside.shutdown(wait=False, cancel_futures=True)

    def _entry(self, request: Request, *kinds: str) -> Entry:
        if (found := self.index.find(request.path_params["id"], *kinds)) is None:
            raise Problem(404, "no_run", "there is no such run; load the page again")
        return found

    async def _read(self, entry: Entry, read: Callable[[Folder], dict[str, Any]]) -> Response:
        """What can be read in the folder of a row."""

        def found() -> dict[str, Any]:
            with inside(self.index.root, entry.parts) as folder:
                return read(folder)

        return await _answer(found)


async def _answer(work: Callable[[], dict[str, Any]], executor: ThreadPoolExecutor | None = None) -> Response:
    """What a function finds, as JSON; where a folder is damaged, its reason: {"error": sentence}."""
    try:
        found = await asyncio.get_running_loop().run_in_executor(executor, work)
    except SeefarError as error:
        found = {"error": str(error)}
    return _json(json.dumps(found, allow_nan=False).encode())


def _is_foreign(scope: Scope) -> bool:
    """Whether another page asks, or leads here."""
    return header(scope, b"sec-fetch-site") in (b"cross-site", b"same-site")


def _insist_on_evaluation(index: Index, entry: Entry) -> None:
    """Raise SeefarError if the folder is gone, or a link by now, or if a playground would have to write into it first."""
    with inside(index.root, entry.parts) as folder:
        try:
            os.close(folder.file("evaluation-validation.json")[0])
        except MissingError:
            path = index.root.joinpath(*entry.parts)
            raise UsageError(f"this run was not evaluated yet, and this page only reads: `seefar evaluate {path}`") from None


def _json(content: bytes) -> Response:
    return Response(content, 200, {"content-type": "application/json"})


def _opened(index: Index, entry: Entry, path: str) -> tuple[int, int]:
    """A file of a row's folder, open, and its size. Raises SeefarError if it is none, a link, or too large."""
    *folders, name = path.split("/")
    with inside(index.root, (*entry.parts, *folders)) as folder:
        descriptor, size = folder.file(name)
    if size > LARGEST:
        os.close(descriptor)
        raise UsageError(f"{name} is too large for a page")
    return descriptor, size


async def _pieces(descriptor: int, size: int) -> AsyncIterator[bytes]:
    """So many bytes of a file: one that grows meanwhile is not followed, one that shrinks breaks the answer off."""
    with os.fdopen(descriptor, "rb") as file:
        while size > 0:
            piece = await asyncio.to_thread(file.read, min(PIECE, size))
            if not piece:
                return
            size -= len(piece)
            yield piece
