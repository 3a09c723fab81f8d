"""The description of the service says what the service does."""

import re
from typing import Any

import jsonschema
from tests.serving.running import SIZE, Running

from seefar.serving.application import application
from seefar.serving.openapi import document
from seefar.serving.v1 import PARAMETERS


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": document(False)["components"]}


def test_every_route_is_described_and_every_description_has_a_route(shared: Running) -> None:
    described = document(False)["paths"]
    for path, verbs in described.items():
        address = path.replace("{name}", "rule").replace("{version}", "1")
        for verb in ("get", "post", "put", "delete"):
            status = shared.client.request(verb, address).status_code
            assert (status == 405) == (verb not in verbs), (verb, address, status)
            assert status != 404
    pages = {"/", "/docs", "/openapi.json"}
    router: Any = application(shared.service)
    assert {route.path for route in router._routes.routes} == {*described, *pages}


def test_references_lead_somewhere() -> None:
    text = str(document(True))
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names == set(document(True)["components"]["schemas"])


def test_answers_are_as_described(shared: Running) -> None:
    jsonschema.validate(shared.predict(40, params={"explain": "1"}).json(), schema("Answers"))
    jsonschema.validate(shared.client.post("/v1/predict").json(), schema("Error"))
    jsonschema.validate(shared.client.get("/v1/models/rule").json(), schema("Model"))
    asked = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, SIZE, SIZE, 3], "data": [7] * SIZE * SIZE * 3}]}
    jsonschema.validate(asked, schema("InferRequest"))
    jsonschema.validate(shared.client.post("/v2/models/rule/infer", json=asked).json(), schema("InferAnswer"))
    jsonschema.validate(shared.client.post("/v2/models/rule/infer").json(), schema("ProtocolError"))


def test_parameters_are_those_that_are_read() -> None:
    described = document(False)["paths"]["/v1/predict"]["post"]["parameters"]
    assert {parameter["name"] for parameter in described} == set(PARAMETERS)


def test_the_pages_load_nothing(shared: Running) -> None:
    for path in ("/", "/docs"):
        text = shared.client.get(path).text
        assert "http://" not in text.replace(f"{shared.url}/v1/predict", "")
        assert not re.search(r"<(script|img|link|iframe)", text)
    assert "rule" in shared.client.get("/").text
    assert "/v2/models/{name}/infer" in shared.client.get("/docs").text
