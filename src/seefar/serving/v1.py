"""The plain way to ask: POST /v1/predict with an image or with many; and what there is: /v1/models."""

import base64
import io
import ipaddress
import json
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seefar.answering.overlays import overlay
from seefar.serving.batching import Part
from seefar.serving.models import Served
from seefar.serving.problem import Problem, bad_request
from seefar.serving.service import Service, json_answer
from seefar.serving.uploads import body_of, files_of, header

MOST_TOP = 10_000
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
PARAMETERS = ("model", "version", "top", "explain", "abstain")
SURE = "0.99"  # the share of right answers for which an evaluation stores the confidence
PROXIES = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


class Plain:
    """The routes below /v1."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def predict(self, request: Request) -> Response:
        """POST /v1/predict: an image as the body, or a form with many."""
        service, scope = self._service, request.scope
        asked = _asked(request)
        served = service.models.get(asked.get("model"), asked.get("version"))
        top, explain, abstain = _top(asked), _flag(asked, "explain"), _abstain(asked, served)
        if explain and "maps" not in served.outputs:
            raise bad_request("the model has no maps, so that it cannot show where it looked")
        served.batcher.check_room()
        async with body_of(scope, request.receive, service.settings, service.memory) as content:
            kind = header(scope, b"content-type")
            files = await service.aside(len(content), lambda: files_of(content, kind, service.settings.images))
            part = await service.ask(scope, served, files, None, explain)
        bad = sum(place is None for place in part.places)
        if bad:
            service.metrics.undecodable.inc(bad)
            scope["seefar.facts"]["undecodable"] = bad
        if bad == len(part.places):
            large = all("more than" in reason for reason in part.reasons)
            what = "the image" if bad == 1 else "none of the images"
            verb = "cannot" if bad == 1 else "can"
            raise Problem(413 if large else 422, "undecodable", f"{what} {verb} be read: {part.reasons[0]}")
        rows = [_row(part, place, top, abstain) for place in range(len(part.places))]
        if explain:
            await service.aside(2**30, lambda: _explain(part, rows))
        answer = {"model": served.name, "version": served.version, "request_id": scope["seefar.id"], "answers": rows}
        return json_answer(ENCODER.encode(answer).encode())

    async def models(self, request: Request) -> Response:
        """GET /v1/models: all of them."""
        models = self._service.models
        found = [_described(models.get(name, version)) for name in models.names() for version in models.versions(name)]
        return json_answer(json.dumps({"models": found}, ensure_ascii=False).encode())

    async def model(self, request: Request) -> Response:
        """GET /v1/models/NAME: one of them. PUT: read its file again."""
        models, name = self._service.models, request.path_params["name"]
        if request.method != "PUT":
            return json_answer(json.dumps(_described(models.get(name)), ensure_ascii=False).encode())
        _insist_on_here(request)
        changed = await models.reload(name)
        return json_answer(json.dumps({"model": name, "versions": models.versions(name), "changed": changed}).encode())


def _asked(request: Request) -> dict[str, str]:
    """The parameters of the address. Raises Problem for an unknown one, or one that is given twice."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS or name in found:
            raise bad_request(f"allowed in the address, once each, are {', '.join(PARAMETERS)}")
        found[name] = value
    return found


def _top(asked: dict[str, str]) -> int | None:
    text = asked.get("top")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MOST_TOP):
        raise bad_request(f"top is a whole number from 1 to {MOST_TOP}")
    return int(text)


def _flag(asked: dict[str, str], name: str) -> bool:
    text = asked.get(name, "0")
    if text not in ("0", "1"):
        raise bad_request(f"{name} is 0 or 1")
    return text == "1"


def _abstain(asked: dict[str, str], served: Served) -> bool:
    """Whether no class is to be named where the model is not sure."""
    text = asked.get("abstain")
    if text is None:
        return False
    if text != SURE:
        raise bad_request(f"abstain is {SURE}: the share of right answers for which an evaluation stores the confidence")
    if served.model.sure is None:
        raise bad_request("the model cannot abstain: it was not evaluated, or no confidence gave so many right answers")
    return True


def _row(part: Part, place: int, top: int | None, abstain: bool) -> dict[str, Any]:
    where = part.places[place]
    if where is None or part.scored is None:
        return {"error": part.reasons[place]}
    return {**part.scored.row(where, top, abstain), "original_size": part.sizes[place], "error": None}


def _explain(part: Part, rows: list[dict[str, Any]]) -> None:
    """Add to each row where the evidence for its most probable class was found: a PNG, as a data address."""
    if part.scored is None or part.scored.answers.maps is None:
        return
    pixels = iter(part.pixels)
    for row, place in zip(rows, part.places, strict=True):
        if place is not None:
            file = io.BytesIO()
            overlay(next(pixels), part.scored.answers.maps[place, part.scored.named(place)]).save(file, "PNG")
            row["map"] = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _described(served: Served) -> dict[str, Any]:
    model = served.model
    return {
        "name": served.name,
        "version": served.version,
        "sha256": served.digest,
        "classes": list(model.classes),
        "size": model.size,
        "background": model.background,
        "temperature": model.temperature,
        "sure": model.sure,
        "familiar": asdict(model.familiar.threshold) if model.familiar else None,
        "outputs": list(served.outputs),
        "origin": model.origin,
    }


def _insist_on_here(request: Request) -> None:
    """Raise Problem unless a program on this machine asks, and not through a proxy."""
    host = request.client.host if request.client else ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here or any(name in PROXIES for name, _ in request.scope["headers"]):
        raise Problem(403, "not_here", "models are changed from the machine itself only")
