"""The Open Inference Protocol as bytes: what is asked is understood or refused, and what is answered can be read back."""

import json
from typing import Any

import numpy as np
import pytest
from tests.serving.running import SIZE, Running

from seefar.serving.problem import Problem
from seefar.serving.protocol_v2 import read_request, write_answer

PIXELS = np.random.default_rng(0).integers(0, 255, (2, SIZE, SIZE, 3), np.uint8)
SHAPE = [2, SIZE, SIZE, 3]
URL = "/v2/models/rule/infer"


def request(**changes: Any) -> dict[str, Any]:
    tensor = {"name": "pixels", "shape": SHAPE, "datatype": "UINT8", "data": PIXELS.ravel().tolist()} | changes
    return {"inputs": [{name: value for name, value in tensor.items() if value is not None}]}


def read(asked: Any, tail: bytes = b"", length: bytes | None = None) -> Any:
    head = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return read_request(head + tail, str(len(head)).encode() if tail and length is None else length, SIZE, 4, has_maps=False)


def test_numbers_flat_and_nested_and_bytes_are_the_same_pixels() -> None:
    for asked in (request(), request(data=PIXELS.tolist())):
        assert np.array_equal(read(asked).pixels, PIXELS)
    binary = request(data=None, parameters={"binary_data_size": PIXELS.size})
    assert np.array_equal(read(binary, PIXELS.tobytes()).pixels, PIXELS)
    assert read(request()).outputs == {"probabilities": False, "logits": False}


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"no json",
        b"[]",
        b"[" * 50_000,
        b'{"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 8, 8, 3], "data": [' + b"9" * 5000 + b"]}]}",
        {},
        {"inputs": {}},
        {"inputs": []},
        {"inputs": [1]},
        {"inputs": request()["inputs"] * 2},
        request(name="other"),
        request(datatype="FP32"),
        request(shape=None),
        request(shape=[2, 8, 8]),
        request(shape=[2, 3, 8, 8]),
        request(shape=[-1, 8, 8, 3]),
        request(shape=[0, 8, 8, 3]),
        request(shape=[True, 8, 8, 3]),
        request(shape=[2.0, 8, 8, 3]),
        request(shape=[10**30, 8, 8, 3]),
        request(data=None),
        request(data="AAAA"),
        request(data=[1, 2]),
        request(data=[[1], [1, 2]]),
        request(data=[256] * PIXELS.size),
        request(data=[-1] * PIXELS.size),
        request(data=[0.5] * PIXELS.size),
        request(data=["1"] * PIXELS.size),
        request(data=[None] * PIXELS.size),
        request(data=[True] * PIXELS.size),
        request(data=[10**30] * PIXELS.size),
        request(parameters=[]),
        request(data=None, parameters={"binary_data_size": 5}),
        request(data=None, parameters={"binary_data_size": PIXELS.size}),
        request(data=None, parameters={"binary_data_size": True}),
        request() | {"id": 5},
        request() | {"id": "x" * 1000},
        request() | {"outputs": {}},
        request() | {"outputs": [{"name": "nothing"}]},
        request() | {"outputs": [{"name": "maps"}]},
        request() | {"outputs": [{"name": []}]},
        request() | {"outputs": [{"name": "logits", "parameters": {"classification": 3}}]},
        request() | {"outputs": [{"name": "logits", "parameters": {"binary_data": 1}}]},
        request() | {"parameters": {"binary_data_output": "yes"}},
        request() | {"parameters": None},
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(asked: Any) -> None:
    with pytest.raises(Problem) as refused:
        read(asked)
    assert refused.value.status in (400, 413)


@pytest.mark.parametrize("length", [b"-1", b"x", b"99999", b"9" * 30, b""])
def test_a_length_of_the_json_that_lies_is_refused(length: bytes) -> None:
    with pytest.raises(Problem, match="is not the length of the JSON"):
        read(request(), length=length)


def test_bytes_that_nobody_names_are_refused() -> None:
    with pytest.raises(Problem, match="that no input names"):
        read(request(), b"more")


def test_too_many_images_are_refused_before_their_numbers_are_read() -> None:
    with pytest.raises(Problem, match="more than 4 images"):
        read(request(shape=[5, 8, 8, 3]))
    with pytest.raises(Problem, match="longer than any request"):
        read(b" " * 80_000)


def test_an_answer_can_be_read_back() -> None:
    arrays = {"logits": np.arange(6, dtype=np.float32).reshape(2, 3), "features": np.ones((2, 2), np.float32)}
    body, length = write_answer({"model_name": "m"}, arrays, {"logits": True, "features": False})
    assert length is not None
    head = json.loads(body[:length])
    first, second = head["outputs"]
    assert np.array_equal(np.frombuffer(body[length:], "<f4").reshape(first["shape"]), arrays["logits"])
    assert first["parameters"] == {"binary_data_size": 24}
    assert second == {"name": "features", "datatype": "FP32", "shape": [2, 2], "data": [1.0] * 4}
    assert write_answer({}, arrays, {"logits": False})[1] is None


def test_the_routes_answer_as_the_protocol_says(shared: Running) -> None:
    ask = shared.client
    assert ask.get("/v2").json() == {
        "name": "seefar",
        "version": ask.get("/v2").json()["version"],
        "extensions": ["binary_tensor_data"],
    }
    assert ask.get("/v2/health/live").json() == {"live": True}
    assert ask.get("/v2/health/ready").json() == {"ready": True}
    for path in ("/v2/models/rule", "/v2/models/rule/versions/1"):
        found = ask.get(path).json()
        assert (found["name"], found["versions"]) == ("rule", ["1"])
        assert found["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, SIZE, SIZE, 3]}]
        assert {one["name"]: one["shape"] for one in found["outputs"]} == {
            "probabilities": [-1, 3],
            "logits": [-1, 3],
            "features": [-1, 3],
            "maps": [-1, 3, 2, 2],
        }
        assert ask.get(path + "/ready").json() == {"name": "rule", "ready": True}
    for path in ("/v2/models/other", "/v2/models/rule/versions/2", "/v2/models/rule/versions/2/ready"):
        assert ask.get(path).status_code == 404
        assert isinstance(ask.get(path).json()["error"], str)


def test_inference_gives_the_numbers_of_the_model(shared: Running) -> None:
    wanted = shared.service.models.get("rule").model.answers(PIXELS, maps=True)
    everything = [{"name": name} for name in ("probabilities", "logits", "features", "maps")]
    asked = request() | {"id": "mine", "outputs": everything}
    answer = shared.client.post(URL, json=asked).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("rule", "1", "mine")
    for output in answer["outputs"]:
        found = np.array(output["data"], np.float32).reshape(output["shape"])
        assert np.allclose(found, getattr(wanted, output["name"]), atol=1e-6)


def test_inference_in_bytes(shared: Running) -> None:
    asked = request(data=None, parameters={"binary_data_size": PIXELS.size}) | {"parameters": {"binary_data_output": True}}
    head = json.dumps(asked).encode()
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    answer = shared.client.post(URL, content=head + PIXELS.tobytes(), headers=headers)
    length = int(answer.headers["inference-header-content-length"])
    described = json.loads(answer.content[:length])["outputs"][0]
    size = described["parameters"]["binary_data_size"]
    found = np.frombuffer(answer.content[length : length + size], "<f4").reshape(described["shape"])
    assert np.allclose(found, shared.service.models.get("rule").model.predict_proba(PIXELS), atol=1e-6)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 1000, json.dumps(request(datatype="BYTES")).encode()])
def test_errors_are_texts(shared: Running, content: bytes) -> None:
    answer = shared.client.post(URL, content=content)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)
