"""The strict reader against the onnx package, on what a graph can hold, and on everything that a byte can break."""

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from seefar.errors import ModelFileError
from seefar.model.protobuf import MOST_DEPTH, read_message


def model() -> onnx.ModelProto:
    """A graph with every kind of field."""
    weights = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "w")
    listed = helper.make_tensor("l", TensorProto.INT64, [3], [-1, 2**40, 3])
    node = helper.make_node("Op", ["x", "w"], ["y"], a=3, b=-2.5, c="text", d=[1, -2], e=[0.5, 1.5], f=weights, name="n")
    value = helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", 3])
    graph = helper.make_graph([node], "g", [value], [value], [weights, listed], doc_string="d")
    made = helper.make_model(graph, producer_name="p", opset_imports=[helper.make_opsetid("", 18)])
    entry = made.metadata_props.add()
    entry.key, entry.value = "k", "väl"
    return made


def test_it_reads_what_the_onnx_package_wrote() -> None:
    found = read_message(memoryview(model().SerializeToString()))
    assert (found["producer_name"], found["opset_import"]) == ("p", [{"domain": "", "version": 18}])
    assert found["metadata_props"] == [{"key": "k", "value": "väl"}]
    (node,) = found["graph"]["node"]
    assert (node["input"], node["output"], node["op_type"]) == (["x", "w"], ["y"], "Op")
    facts = {attribute["name"]: attribute for attribute in node["attribute"]}
    assert (facts["a"]["i"], facts["b"]["f"], bytes(facts["c"]["s"])) == (3, -2.5, b"text")
    assert (facts["d"]["ints"], facts["e"]["floats"]) == ([1, -2], [0.5, 1.5])
    assert np.frombuffer(facts["f"]["t"]["raw_data"], np.float32).tolist() == [0, 1, 2, 3, 4, 5]
    weights, listed = found["graph"]["initializer"]
    assert (weights["dims"], weights["data_type"], listed["int64_data"]) == ([2, 3], 1, [-1, 2**40, 3])
    assert found["graph"]["input"][0]["type"]["tensor_type"]["shape"]["dim"] == [{"dim_param": "n"}, {"dim_value": 3}]


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(ModelFileError):
        read_message(memoryview(content))


@given(st.integers(0, 10**6), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_is_read_or_refused(place: int, value: int) -> None:
    content = bytearray(model().SerializeToString())
    content[place % len(content)] = value
    with contextlib.suppress(ModelFileError):
        read_message(memoryview(bytes(content)))


def test_depth_is_bounded() -> None:
    with pytest.raises(ModelFileError, match="nested too deeply"):
        read_message(memoryview(b""), "tensor", MOST_DEPTH + 1)


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"\x08\x01\x08\x02", "model", "says twice what ir_version"),
        (b"\x0a\x01\x00", "model", "ir_version has wire type 2"),
        (b"\x12\x02\xff\xfe", "model", "producer_name is not text"),
        (b"\x12\x05abc", "model", "truncated"),
        (b"\x22\x03abc", "tensor", "float_data ends within a number"),
        (b"\x6a\x00", "tensor", "external data, which could be any file"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, kind: str, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        read_message(memoryview(content), kind)
