"""What people and machines look at: the first page, the description, health and counters. All of it comes from memory."""

import asyncio
import html
import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from seefar.errors import SeefarError
from seefar.serving.log import place_of
from seefar.serving.metrics import TEXT
from seefar.serving.models import Served
from seefar.serving.openapi import document
from seefar.serving.problem import Problem
from seefar.serving.service import Playground, Service, json_answer

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PLAYGROUND = {
    "index.html": "text/html",
    "data.js": "text/javascript",
    "playground.js": "text/javascript",
    "playground.css": "text/css",
}
PLAYGROUND_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}"
    "pre{overflow-x:auto;padding:.75rem;border:1px solid #8888}"
)


class Pages:
    """The routes that are no predictions."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._openapi = json.dumps(document(service.settings.token is not None)).encode()
        self._operations = _operations(document(False)["paths"])
        self._made: tuple[str, asyncio.Future[Mapping[str, bytes]]] | None = (
            None  # the page of the first model, by its file's digest
        )

    async def front(self, request: Request) -> Response:
        """GET /: a page on which the first model can be tried, if there is one; else, and at /docs, how to ask."""
        if self._service.playground is not None and (page := await self._playground("index.html")) is not None:
            return page
        return _html(_page("a classifier of images", self._welcome(request)))

    async def playground(self, request: Request) -> Response:
        """GET of the files of that page."""
        page = await self._playground(request.url.path.removeprefix("/"))
        if page is None:
            raise Problem(404, "no_page", "the file of this model cannot be shown as a page; GET /docs tells what can be asked")
        return page

    async def _playground(self, name: str) -> Response | None:
        """One of its files; None where the file was replaced since it was read, or is of a kind that a page cannot compute."""
        make, models = self._service.playground, self._service.models
        if make is None:
            return None
        served = models.get(None)
        if self._made is None or self._made[0] != served.digest:  # whoever asks meanwhile waits for the same one
            self._made = served.digest, asyncio.get_running_loop().run_in_executor(None, self._make, make, served)
        content = (await asyncio.shield(self._made[1])).get(name)  # shielded from clients that leave
        if content is None:
            return None
        return Response(content, 200, {"content-security-policy": PLAYGROUND_POLICY}, PLAYGROUND[name])

    def _make(self, make: Playground, served: Served) -> Mapping[str, bytes]:
        try:
            content = self._service.models.content(served)
            files = dict(make(content, served.name)) if content is not None else {}
            return files | {"data.js": files["data.js"] + b'window.seefarDocs = "docs";\n'} if files else {}
        except SeefarError as error:
            self._service.log("playground", model=served.name, error=str(error))
        except Exception as error:  # noqa: BLE001  it is kept, so that nobody waits for the same fault again
            self._service.log("playground", model=served.name, error=type(error).__name__, at=place_of(error))
        return {}

    def _welcome(self, request: Request) -> str:
        models = self._service.models
        names = [models.get(name).name for name in models.names()]
        has_token = self._service.settings.token is not None
        return _welcome(names, request.headers["host"], has_token)

    async def docs(self, request: Request) -> Response:
        """GET /docs: the OpenAPI description for people."""
        above = self._welcome(request) if self._service.playground else ""
        return _html(_page("what can be asked", above + self._operations))

    async def openapi(self, request: Request) -> Response:
        """GET /openapi.json."""
        return json_answer(self._openapi)

    async def healthz(self, request: Request) -> Response:
        """GET /healthz: the process lives."""
        return json_answer(b'{"status": "alive"}')

    async def readyz(self, request: Request) -> Response:
        """GET /readyz: every model passed its self-test and could answer now."""
        if self._service.is_ready():
            return json_answer(b'{"status": "ready"}')
        return json_answer(b'{"status": "not ready"}', 503)

    async def metrics(self, request: Request) -> Response:
        """GET /metrics."""
        text = await asyncio.get_running_loop().run_in_executor(None, self._service.metrics.text)
        return Response(text, 200, {"content-type": TEXT})


def _html(text: bytes) -> Response:
    return Response(text, 200, {"content-security-policy": POLICY}, "text/html")


def _page(title: str, content: str) -> bytes:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>seefar: {title}</title>'
    sized = '<meta name="viewport" content="width=device-width,initial-scale=1">'
    return f"{head}{sized}<style>{STYLE}</style><h1>seefar: {title}</h1>{content}</html>\n".encode()


def _welcome(names: list[str], host: str, has_token: bool) -> str:
    """`host` is by what the page was asked for; the guard has let it pass."""
    listed = "".join(f"<li><code>{html.escape(name)}</code></li>" for name in names)
    token = '-H "Authorization: Bearer $(cat token.txt)" ' if has_token else ""
    return (
        f"<p>This service classifies small images with:</p><ul>{listed}</ul><p>Ask it:</p>"
        f"<pre>curl {html.escape(token)}-F image=@photo.png http://{html.escape(host)}/v1/predict</pre>"
        '<p><a href="/docs">Everything that can be asked</a> · <a href="/v1/models">the models</a> · '
        '<a href="/readyz">whether it is ready</a> · <a href="/metrics">counters</a></p>'
    )


def _operations(paths: dict[str, dict[str, dict[str, object]]]) -> str:
    rows = "".join(
        f"<tr><td><code>{verb.upper()}</code><td><code>{html.escape(path)}</code><td>{html.escape(str(said['summary']))}</tr>"
        for path, verbs in paths.items()
        for verb, said in verbs.items()
    )
    return f'<table>{rows}</table><p>For programs: <a href="/openapi.json">openapi.json</a>, OpenAPI 3.1.</p>'
