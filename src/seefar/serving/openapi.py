"""The description of the service for programs, OpenAPI 3.1: what can be asked, and what comes back."""

from typing import Any

from seefar.version import __version__

TEXT, NUMBER, TRUTH = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
MAYBE_TEXT, MAYBE_NUMBER = {"type": ["string", "null"]}, {"type": ["number", "null"]}
MAYBE_TRUTH = {"type": ["boolean", "null"]}


def document(needs_token: bool) -> dict[str, Any]:
    """The whole description. `needs_token`: whether requests have to present one."""
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "seefar", "version": __version__, "summary": "Classifies small images."},
        "paths": PATHS,
        "components": {"schemas": SCHEMAS},
    }
    if needs_token:
        found["components"] = {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        found["security"] = [{"token": []}]
    return found


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _get(summary: str, schema: dict[str, Any], *parameters: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": {"description": "as asked", "content": _json(schema)}, **more}
    return {"summary": summary, "parameters": list(parameters), "responses": answers}


def _query(name: str, meaning: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


SCHEMAS: dict[str, Any] = {
    "Error": _object(error=_object(code=TEXT, message=TEXT, request_id=TEXT)),
    "ProtocolError": _object(error=TEXT),
    "Answer": {
        "type": "object",
        "description": "of one image; one that could not be read has nothing but `error`",
        "properties": {
            "label": {**MAYBE_TEXT, "description": "the most probable class; null if the model abstained"},
            "probability": {**NUMBER, "description": "of the most probable class, calibrated"},
            "probabilities": {"type": "object", "additionalProperties": NUMBER, "description": "most probable first"},
            "sure": {**MAYBE_TRUTH, "description": "whether answers with this probability were right in 99 % of validation"},
            "abstained": TRUTH,
            "familiarity": {**MAYBE_NUMBER, "description": "how much the image is like the training images; larger is more"},
            "unlike": {**MAYBE_TRUTH, "description": "whether it is less so than 95 % of the validation images"},
            "original_size": {**TEXT, "description": "WIDTHxHEIGHT in pixels, as sent"},
            "map": {**TEXT, "description": "with explain=1: where the evidence was found, a PNG as a data address"},
            "error": {**MAYBE_TEXT, "description": "why the image could not be read"},
        },
        "required": ["error"],
    },
    "Answers": _object(model=TEXT, version=TEXT, request_id=TEXT, answers={"type": "array", "items": _named("Answer")}),
    "Model": _object(
        name=TEXT,
        version=TEXT,
        sha256=TEXT,
        classes={"type": "array", "items": TEXT},
        size={"type": "integer"},
        background=TEXT,
        temperature=MAYBE_NUMBER,
        sure=MAYBE_NUMBER,
        familiar={"type": ["object", "null"]},
        outputs={"type": "array", "items": TEXT},
        origin={"type": "object"},
    ),
    "Tensor": {
        "type": "object",
        "properties": {
            "name": TEXT,
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": TEXT,
            "parameters": {"type": "object"},
            "data": {"type": "array"},
        },
        "required": ["name", "shape", "datatype"],
    },
    "InferRequest": {
        "type": "object",
        "properties": {
            "id": TEXT,
            "parameters": {"type": "object"},
            "inputs": {"type": "array", "items": _named("Tensor")},
            "outputs": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT, "parameters": {}}}},
        },
        "required": ["inputs"],
    },
    "InferAnswer": {
        "type": "object",
        "properties": {
            "model_name": TEXT,
            "model_version": TEXT,
            "id": TEXT,
            "outputs": {"type": "array", "items": _named("Tensor")},
        },
        "required": ["model_name", "outputs"],
    },
}

REFUSALS: dict[str, Any] = {
    status: {"description": meaning, "content": _json(_named("Error"))}
    for status, meaning in {
        "400": "the request cannot be understood",
        "401": "the token is missing or wrong",
        "403": "not from there",
        "404": "no such model",
        "408": "the body did not arrive in time",
        "413": "too large",
        "415": "not an image",
        "422": "no image that can be read",
        "500": "the model failed",
        "503": "not now: too much is waiting; Retry-After says when to ask again",
    }.items()
}
IMAGE = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "properties": {"image": {"type": "array", "items": IMAGE["schema"]}}}}
HEALTH = _object(status=TEXT)
INFER = {
    "summary": "answers for tensors, Open Inference Protocol version 2; also with its binary extension",
    "parameters": [_path("name")],
    "requestBody": {"required": True, "content": _json(_named("InferRequest"))},
    "responses": {
        "200": {"description": "the tensors that were asked for", "content": _json(_named("InferAnswer"))},
        "400": {"description": "the request does not fit", "content": _json(_named("ProtocolError"))},
        "503": {"description": "not now", "content": _json(_named("ProtocolError"))},
    },
}
PATHS: dict[str, Any] = {
    "/v1/predict": {
        "post": {
            "summary": "classify an image, or a form with many",
            "parameters": [
                _query("model", "its name; by default the first one", TEXT),
                _query("version", "by default the newest one", TEXT),
                _query("top", "list so many classes, most probable first; by default all", {"type": "integer", "minimum": 1}),
                _query("explain", "1: also where the evidence was found, as a PNG", {"enum": ["0", "1"]}),
                _query("abstain", "0.99: name no class where the model is not sure", {"enum": ["0.99"]}),
            ],
            "requestBody": {
                "required": True,
                "content": {"image/*": IMAGE, "application/octet-stream": IMAGE, "multipart/form-data": FORM},
            },
            "responses": {
                "200": {"description": "an answer for each image", "content": _json(_named("Answers"))},
                **REFUSALS,
            },
        }
    },
    "/v1/models": {"get": _get("all models", _object(models={"type": "array", "items": _named("Model")}))},
    "/v1/models/{name}": {
        "get": _get("a model", _named("Model"), _path("name"), **{"404": REFUSALS["404"]}),
        "put": _get(
            "read the file of a model again; from this machine only",
            _object(model=TEXT, versions={"type": "array", "items": TEXT}, changed=TRUTH),
            _path("name"),
            **{"403": REFUSALS["403"], "404": REFUSALS["404"], "409": {"description": "the new file is not used"}},
        ),
    },
    "/v2": {"get": _get("the server", _object(name=TEXT, version=TEXT, extensions={"type": "array", "items": TEXT}))},
    "/v2/health/live": {"get": _get("whether the process lives", _object(live=TRUTH))},
    "/v2/health/ready": {"get": _get("whether all models can answer", _object(ready=TRUTH))},
    "/v2/models/{name}": {"get": _get("inputs and outputs of a model", {"type": "object"}, _path("name"))},
    "/v2/models/{name}/ready": {"get": _get("whether a model can answer", _object(name=TEXT, ready=TRUTH), _path("name"))},
    "/v2/models/{name}/infer": {"post": INFER},
    "/v2/models/{name}/versions/{version}": {
        "get": _get("inputs and outputs of a version", {"type": "object"}, _path("name"), _path("version"))
    },
    "/v2/models/{name}/versions/{version}/ready": {
        "get": _get("whether a version can answer", _object(name=TEXT, ready=TRUTH), _path("name"), _path("version"))
    },
    "/v2/models/{name}/versions/{version}/infer": {
        "post": {**INFER, "parameters": [_path("name"), _path("version")]},
    },
    "/healthz": {"get": _get("whether the process lives", HEALTH)},
    "/readyz": {"get": _get("whether all models can answer", HEALTH, **{"503": {"description": "not now"}})},
    "/metrics": {"get": {"summary": "counters for Prometheus", "responses": {"200": {"description": "text"}}}},
}
