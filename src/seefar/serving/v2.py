"""The routes of the Open Inference Protocol, version 2, below /v2; serving/protocol_v2.py knows the bytes."""

import json

from starlette.requests import Request
from starlette.responses import Response

from seefar.serving.models import Served
from seefar.serving.problem import Problem
from seefar.serving.protocol_v2 import EXTENSIONS, LENGTH, metadata, read_request, write_answer
from seefar.serving.service import Service, json_answer
from seefar.serving.uploads import body_of, header
from seefar.version import __version__


class OpenInference:
    """The routes below /v2."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def server(self, request: Request) -> Response:
        """GET /v2."""
        return json_answer(json.dumps({"name": "seefar", "version": __version__, "extensions": EXTENSIONS}).encode())

    async def live(self, request: Request) -> Response:
        """GET /v2/health/live."""
        return json_answer(b'{"live": true}')

    async def ready(self, request: Request) -> Response:
        """GET /v2/health/ready."""
        ready = self._service.is_ready()
        return json_answer(json.dumps({"ready": ready}).encode(), 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        """GET /v2/models/NAME[/versions/V]."""
        served = self._served(request)
        versions = self._service.models.versions(served.name)
        return json_answer(json.dumps(metadata(served.name, versions, served.model.size, served.outputs)).encode())

    async def model_ready(self, request: Request) -> Response:
        """GET /v2/models/NAME[/versions/V]/ready."""
        served = self._served(request)
        ready = served.batcher.is_well() and not self._service.stopping
        return json_answer(json.dumps({"name": served.name, "ready": ready}).encode(), 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        """POST /v2/models/NAME[/versions/V]/infer."""
        service, scope = self._service, request.scope
        served = self._served(request)
        served.batcher.check_room()
        length = header(scope, LENGTH)
        async with body_of(scope, request.receive, service.settings, service.memory) as content:
            read = len(content) if length is None else int(length) if length.isdigit() and len(length) < 12 else 0
            size, most, maps = served.model.size, service.settings.queue, "maps" in served.outputs
            asked = await service.aside(read, lambda: read_request(content, length, size, most, maps))
            part = await service.ask(scope, served, None, asked.pixels, "maps" in asked.outputs)
        if part.scored is None:
            raise Problem(500, "failed", "the model gave no answer")
        answers, first = part.scored.answers, part.places[0] or 0
        images = slice(first, first + len(part.places))
        given = {name: getattr(answers, name)[images] for name in asked.outputs}
        head = {"model_name": served.name, "model_version": served.version}
        if asked.id is not None:
            head["id"] = asked.id
        numbers = sum(array.size for name, array in given.items() if not asked.outputs[name])
        body, split = await service.aside(8 * numbers, lambda: write_answer(head, given, asked.outputs))
        if split is None:
            return json_answer(body)
        headers = {LENGTH.decode(): str(split)}
        return Response(body, 200, headers, "application/octet-stream")

    def _served(self, request: Request) -> Served:
        return self._service.models.get(request.path_params["name"], request.path_params.get("version"))
