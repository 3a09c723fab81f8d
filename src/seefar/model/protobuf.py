"""The bytes of an ONNX file as plain values, read strictly: what is not expected there is refused, and nothing is run. No torch here.

ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding, fields: onnx/onnx.proto of ONNX 1.23). A general reader
merges what stands twice and skips what it does not know, so that two readers may see two different networks in one file. Here a field
that is not in the tables below, or stands twice where one is meant, ends the reading.
"""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from seefar.errors import ModelFileError

MOST_DEPTH = 8  # of messages in messages; a tensor in an attribute of a node is at depth 5
VARINT, LENGTH, FIXED32 = 0, 2, 5  # wire types


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        name: as in onnx.proto.
        kind: "int", "float", "bytes", "text", or the message in TABLES that it holds.
        many: whether it may stand more than once.
    """

    name: str
    kind: str
    many: bool = False


TABLES: Mapping[str, Mapping[int, Field]] = {
    "model": {
        1: Field("ir_version", "int"),
        2: Field("producer_name", "text"),
        3: Field("producer_version", "text"),
        4: Field("domain", "text"),
        5: Field("model_version", "int"),
        6: Field("doc_string", "text"),
        7: Field("graph", "graph"),
        8: Field("opset_import", "opset", many=True),
        14: Field("metadata_props", "entry", many=True),
    },
    "opset": {1: Field("domain", "text"), 2: Field("version", "int")},
    "entry": {1: Field("key", "text"), 2: Field("value", "text")},
    "graph": {
        1: Field("node", "node", many=True),
        2: Field("name", "text"),
        5: Field("initializer", "tensor", many=True),
        10: Field("doc_string", "text"),
        11: Field("input", "value", many=True),
        12: Field("output", "value", many=True),
        13: Field("value_info", "value", many=True),
        16: Field("metadata_props", "entry", many=True),
    },
    "node": {
        1: Field("input", "text", many=True),
        2: Field("output", "text", many=True),
        3: Field("name", "text"),
        4: Field("op_type", "text"),
        5: Field("attribute", "attribute", many=True),
        6: Field("doc_string", "text"),
        7: Field("domain", "text"),
        9: Field("metadata_props", "entry", many=True),
    },
    "attribute": {
        1: Field("name", "text"),
        2: Field("f", "float"),
        3: Field("i", "int"),
        4: Field("s", "bytes"),
        5: Field("t", "tensor"),
        7: Field("floats", "float", many=True),
        8: Field("ints", "int", many=True),
        13: Field("doc_string", "text"),
        20: Field("type", "int"),
    },
    "tensor": {
        1: Field("dims", "int", many=True),
        2: Field("data_type", "int"),
        4: Field("float_data", "float", many=True),
        5: Field("int32_data", "int", many=True),
        7: Field("int64_data", "int", many=True),
        8: Field("name", "text"),
        9: Field("raw_data", "bytes"),
        12: Field("doc_string", "text"),
        14: Field("data_location", "int"),
    },
    "value": {1: Field("name", "text"), 2: Field("type", "type"), 3: Field("doc_string", "text")},
    "type": {1: Field("tensor_type", "tensor_type"), 6: Field("denotation", "text")},
    "tensor_type": {1: Field("elem_type", "int"), 2: Field("shape", "shape")},
    "shape": {1: Field("dim", "dim", many=True)},
    "dim": {1: Field("dim_value", "int"), 2: Field("dim_param", "text"), 3: Field("denotation", "text")},
}

REFUSED = {  # what these fields would hold, so that the error can name it
    ("model", 20): "training instructions",
    ("model", 25): "functions of its own",
    ("model", 26): "a device configuration",
    ("graph", 14): "quantisation annotations",
    ("graph", 15): "sparse tensors",
    ("node", 8): "functions of its own",
    ("node", 10): "a device configuration",
    ("attribute", 6): "a graph within its graph",
    ("attribute", 10): "lists of tensors",
    ("attribute", 11): "graphs within its graph",
    ("attribute", 21): "functions of its own",
    ("attribute", 22): "sparse tensors",
    ("attribute", 23): "sparse tensors",
    ("tensor", 3): "tensors in segments",
    ("tensor", 6): "tensors of text",
    ("tensor", 13): "external data, which could be any file of this machine or any place in its memory",
}


def read_message(content: memoryview, kind: str = "model", depth: int = 0) -> dict[str, Any]:
    """The fields of a message by name: a list where there may be many, else the value; those that are not there are missing.

    Args:
        content: its bytes, and nothing else.
        kind: a key of TABLES.
        depth: of this message within others.

    Raises:
        ModelFileError: it is no such message, or holds something that is not expected there.
    """
    if depth > MOST_DEPTH:
        raise ModelFileError("it is nested too deeply to be an ONNX file")
    found: dict[str, Any] = {}
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, wire = tag >> 3, tag & 7
        if what := REFUSED.get((kind, number)):
            raise ModelFileError(f"it holds {what}")
        if number not in TABLES[kind]:
            raise ModelFileError(f"it is not an ONNX file, or of a kind that is not read: field {number} of a {kind}")
        field = TABLES[kind][number]
        values, place = _values(content, place, wire, field, depth)
        if field.many:
            found.setdefault(field.name, []).extend(values)
        elif field.name in found:
            raise ModelFileError(f"it says twice what {field.name} of a {kind} is")
        else:
            found[field.name] = values[0]
    return found


def _values(content: memoryview, place: int, wire: int, field: Field, depth: int) -> tuple[list[Any], int]:
    """The value of one field, or those of a packed list, and where the next field begins."""
    if field.kind == "int" and wire == VARINT:
        number, place = _varint(content, place)
        return [_signed(number)], place
    if field.kind == "float" and wire == FIXED32:
        return [struct.unpack("<f", _part(content, place, 4))[0]], place + 4
    if wire != LENGTH or (field.kind in ("int", "float") and not field.many):
        raise ModelFileError(f"it is not an ONNX file: {field.name} has wire type {wire}")
    length, place = _varint(content, place)
    part, end = _part(content, place, length), place + length
    if field.kind == "int":
        numbers, at = [], 0
        while at < length:
            number, at = _varint(part, at)
            numbers.append(_signed(number))
        return numbers, end
    if field.kind == "float":
        if length % 4:
            raise ModelFileError(f"it is damaged: {field.name} ends within a number")
        return list(struct.unpack(f"<{length // 4}f", part)), end
    if field.kind == "bytes":
        return [part], end
    if field.kind == "text":
        try:
            return [str(part, "utf-8")], end
        except UnicodeDecodeError:
            raise ModelFileError(f"it is damaged: {field.name} is not text") from None
    return [read_message(part, field.kind, depth + 1)], end


def _part(content: memoryview, place: int, length: int) -> memoryview:
    if place + length > len(content):
        raise ModelFileError("it is truncated, or not an ONNX file")
    return content[place : place + length]


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 64:
        if place >= len(content):
            raise ModelFileError("it is truncated, or not an ONNX file")
        byte = content[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
    raise ModelFileError("it is damaged, or not an ONNX file: a number of more than 64 bits")


def _signed(number: int) -> int:
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
