"""The Open Inference Protocol, version 2, as bytes: a request taken apart, an answer put together; JSON, and its binary extension.

Sources: https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md), and for tensors as bytes behind
the JSON https://github.com/triton-inference-server/server (docs/protocol/extension_binary_data.md).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from seefar.serving.problem import Problem, bad_request, too_large

INPUT = "pixels"
OUTPUTS = ("probabilities", "logits", "features", "maps")
USUAL = ("probabilities", "logits")  # what is answered where no outputs are named
LENGTH = b"inference-header-content-length"
EXTENSIONS = ["binary_tensor_data"]
LONGEST_ID = 256
ROOM = 2**16  # bytes of JSON for all but the numbers, which take up to 6 each ("255, " and nesting)


class Request(NamedTuple):
    """What is asked.

    Attributes:
        pixels: uint8 `(n, size, size, 3)`.
        outputs: the names of what is wanted, each with whether it is wanted as bytes.
        id: what the client calls it; it gets it back. None if it has no name.
    """

    pixels: np.ndarray
    outputs: dict[str, bool]
    id: str | None


def metadata(name: str, versions: list[str], size: int, outputs: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """What is said of a model that takes images of `size`; `outputs`: the shape of an image's answer by name."""
    shapes = {key: [-1, *shape] for key, shape in outputs.items()}
    return {
        "name": name,
        "versions": versions,
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, size, size, 3]}],
        "outputs": [{"name": key, "datatype": "FP32", "shape": shape} for key, shape in shapes.items()],
    }


def read_request(content: bytes, length: bytes | None, size: int, most: int, has_maps: bool) -> Request:
    """Take a request apart.

    Args:
        content: its body.
        length: the header Inference-Header-Content-Length: how many bytes of JSON come before those of the tensors; None: all.
        size: height and width of the images that the model takes.
        most: images, at most.
        has_maps: whether the model gives maps.

    Raises:
        Problem: it asks for something else than the model has, or cannot be read.
    """
    if length is not None and (not length.isdigit() or len(length) > 12 or int(length) > len(content)):
        raise bad_request("Inference-Header-Content-Length is not the length of the JSON")
    split = len(content) if length is None else int(length)
    if split > ROOM + 6 * most * size * size * 3:
        raise too_large("the JSON is longer than any request needs to be")
    asked = _json(content[:split])
    inputs = asked.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise bad_request(f"expected one input, called {INPUT}")
    pixels = _tensor(inputs[0], content[split:], size, most)
    return Request(pixels, _outputs(asked, has_maps), _id(asked))


def write_answer(
    head: dict[str, Any], arrays: Mapping[str, np.ndarray], binary: Mapping[str, bool]
) -> tuple[bytes, int | None]:
    """The body of an answer, and how many bytes of it are JSON where tensors follow as bytes (else None).

    Args:
        head: `model_name`, `model_version`, and `id` if there is one.
        arrays: what was computed, float32, by name.
        binary: the names that are wanted, and which of them as bytes.
    """
    outputs, tail = [], []
    for name, as_bytes in binary.items():
        array = np.ascontiguousarray(arrays[name], "<f4")
        described: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(array.shape)}
        if as_bytes:
            tail.append(array.tobytes())
            described["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            described["data"] = array.ravel().tolist()
        outputs.append(described)
    start = json.dumps({**head, "outputs": outputs}, allow_nan=False).encode()
    return b"".join([start, *tail]), len(start) if tail else None


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON") from None
    if not isinstance(found, dict):
        raise bad_request("expected a JSON object")
    return found


def _id(asked: dict[str, Any]) -> str | None:
    """Handed back as it came, in JSON, to the one who sent it."""
    found = asked.get("id")
    if found is None or (isinstance(found, str) and len(found) <= LONGEST_ID):
        return found
    raise bad_request(f"id is not a text of at most {LONGEST_ID} characters")


def _tensor(described: dict[str, Any], tail: bytes, size: int, most: int) -> np.ndarray:
    """The pixels, uint8 `(n, size, size, 3)`."""
    if described.get("name") != INPUT or described.get("datatype") != "UINT8":
        raise bad_request(f"expected an input called {INPUT} of datatype UINT8")
    shape = described.get("shape")
    whole = isinstance(shape, list) and all(isinstance(side, int) and not isinstance(side, bool) for side in shape)
    if not whole or not isinstance(shape, list) or len(shape) != 4 or shape[1:] != [size, size, 3] or shape[0] < 1:
        raise bad_request(f"expected the shape [n, {size}, {size}, 3], with n from 1 to {most}")
    if shape[0] > most:
        raise too_large(f"more than {most} images; send several requests")
    parameters = _parameters(described)
    bytes_stated = parameters.get("binary_data_size")
    if bytes_stated is not None:
        if isinstance(bytes_stated, bool) or bytes_stated != math.prod(shape) or len(tail) != bytes_stated:
            raise bad_request("binary_data_size is not what the shape needs, or not what came")
        return np.frombuffer(tail, np.uint8).reshape(shape)
    if tail:
        raise bad_request("there are bytes behind the JSON that no input names")
    return _numbers(described.get("data"), shape)


def _numbers(data: Any, shape: list[int]) -> np.ndarray:
    if not isinstance(data, list):
        raise bad_request("the input has no data")
    try:
        found = np.array(data)
    except (ValueError, RecursionError, OverflowError):
        raise bad_request("the data is nested unevenly") from None
    flat = found.shape == (math.prod(shape),)
    if not (flat or found.shape == tuple(shape)) or found.dtype.kind not in "iu":
        raise bad_request("the data are not the whole numbers that the shape needs")
    if found.min() < 0 or found.max() > 255:
        raise bad_request("the data are not whole numbers from 0 to 255")
    return found.astype(np.uint8).reshape(shape)


def _outputs(asked: dict[str, Any], has_maps: bool) -> dict[str, bool]:
    parameters = _parameters(asked)
    usual = _flag(parameters, "binary_data_output", False)
    wanted = asked.get("outputs")
    if wanted is None or wanted == []:
        return dict.fromkeys(USUAL, usual)
    if not isinstance(wanted, list):
        raise bad_request("outputs is not a list")
    found = {}
    for one in wanted:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or name not in OUTPUTS or (name == "maps" and not has_maps):
            raise bad_request("there is no such output; GET the address of the model lists them")
        own = _parameters(one)
        if "classification" in own:
            raise Problem(400, "bad_request", "classification is not offered; POST /v1/predict gives names of classes")
        found[name] = _flag(own, "binary_data", usual)
    return found


def _parameters(described: dict[str, Any]) -> dict[str, Any]:
    found = described.get("parameters", {})
    if not isinstance(found, dict):
        raise bad_request("parameters is not an object")
    return found


def _flag(parameters: dict[str, Any], name: str, usual: bool) -> bool:
    found = parameters.get(name, usual)
    if not isinstance(found, bool):
        raise bad_request(f"{name} is neither true nor false")
    return found
