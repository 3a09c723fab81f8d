"""What an ONNX file may ask for: its operators, tensors and sizes are checked from its bytes before anything runs it. No torch here."""

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from seefar.errors import ModelFileError
from seefar.model.onnx_shapes import RULES, Shape
from seefar.model.protobuf import read_message

MOST_BYTES = 2**30  # of a file: one of ours for 224 pixels is below 200 MB, and beyond 2 GB protobuf itself gives up
MOST_NODES = 5000  # our largest network has about 150
MOST_VALUES = 2**27  # numbers in one value for one image: 512 MB; the widest network at 224 pixels has 2**24
MOST_PRODUCTS = 10**12  # for one image: half a minute of one core; the widest network at 224 pixels takes 2 * 10**11
MOST_SIDES = 8  # of a tensor or value; ours have 5 at most
NUMBER = 32  # products that take about as long as reading a number and writing another (chosen by hand)
ITEM = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8}  # bytes of a number by data_type: float32, uint8, int8, int32, int64
UINT8, FLOAT, INT64 = 2, 1, 7
MARKER = b"MEM_ADDR_"  # of ONNX Runtime, for tensors that lie in the memory of the process (its issues 28709 and 29011)
OPSETS = range(13, 25)  # what ONNX Runtime 1.28.1 and later know, and the rules of onnx_shapes describe


class Checked(NamedTuple):
    """What a file says of itself, checked.

    Attributes:
        size: height and width of the images in pixels.
        outputs: the shape of every output for one image, without the images' own side.
        metadata: its entries.
    """

    size: int
    outputs: dict[str, Shape]
    metadata: dict[str, str]


def check_graph(content: bytes) -> Checked:
    """Everything that is known of an ONNX file before it is run.

    Raises:
        ModelFileError: it asks for something that seefar does not run; the message ends the sentence "FILE is not used: ...".
    """
    if len(content) > MOST_BYTES:
        raise ModelFileError(f"it has {len(content):,} bytes, more than {MOST_BYTES:,}")
    if MARKER in content:
        raise ModelFileError("it holds a marker for addresses in memory")
    model = read_message(memoryview(content))
    if "graph" not in model:
        raise ModelFileError("it is not an ONNX file: it holds no graph")
    graph = model["graph"]
    versions = [(opset.get("domain", ""), opset.get("version", 0)) for opset in model.get("opset_import", [])]
    if len(versions) != 1 or versions[0][0] not in ("", "ai.onnx") or versions[0][1] not in OPSETS:
        raise ModelFileError(
            f"it asks for the operator sets {versions}; allowed is one, ONNX's own, of version {OPSETS[0]} to {OPSETS[-1]}"
        )
    if len(graph.get("node", [])) > MOST_NODES:
        raise ModelFileError(f"it has {len(graph['node']):,} operators, more than {MOST_NODES:,}")
    tensors: dict[str, tuple[Shape, list[int] | None]] = {}
    for tensor in graph.get("initializer", []):
        if tensor.get("name", "") in ("", *tensors):
            raise ModelFileError(f"it has two tensors of the name {tensor.get('name', '')!r}")
        tensors[tensor["name"]] = _tensor(tensor)
    size = _input(graph, tensors)
    outputs = _outputs(graph, tensors, size)
    return Checked(size, outputs, _metadata(model))


def _tensor(tensor: Mapping[str, Any]) -> tuple[Shape, list[int] | None]:
    """The shape of a tensor, and its numbers if it is a list that can say a shape. Its data must be there, and all of it."""
    name, dims, kind = tensor.get("name", ""), tensor.get("dims", []), tensor.get("data_type", 0)
    if tensor.get("data_location", 0):
        raise ModelFileError(f"its tensor {name!r} lies in external data")
    if kind not in ITEM:
        raise ModelFileError(f"its tensor {name!r} has the data type {kind}; allowed are float32, int8, uint8, int32 and int64")
    wanted = math.prod(dims)
    if any(side < 0 for side in dims) or len(dims) > MOST_SIDES or wanted > MOST_BYTES:
        raise ModelFileError(f"its tensor {name!r} claims the shape {tuple(dims)}")
    stored = {
        "raw_data": len(tensor.get("raw_data", b"")) / ITEM[kind],
        "float_data": len(tensor.get("float_data", [])) if kind == FLOAT else -1,
        "int32_data": len(tensor.get("int32_data", [])) if kind in (2, 3, 6) else -1,
        "int64_data": len(tensor.get("int64_data", [])) if kind == INT64 else -1,
    }
    places = [place for place in stored if tensor.get(place)]
    if len(places) > 1 or (stored[places[0]] if places else 0) != wanted:
        raise ModelFileError(f"its tensor {name!r} claims {wanted:,} numbers and does not hold them")
    numbers = None
    if kind == INT64 and len(dims) <= 1:
        numbers = list(tensor.get("int64_data", [])) or list(struct.unpack(f"<{wanted}q", tensor.get("raw_data", b"")))
    return tuple(dims), numbers


def _input(graph: Mapping[str, Any], tensors: Mapping[str, Any]) -> int:
    """The size of the images that the graph takes."""
    inputs = [value for value in graph.get("input", []) if value.get("name") not in tensors]
    if len(inputs) != 1:
        raise ModelFileError(f"it has {len(inputs)} inputs; expected one, pixels")
    name, kind, sides = _declared(inputs[0])
    if name != "pixels" or kind != UINT8 or len(sides) != 4 or sides[0] is not None or sides[3] != 3:
        raise ModelFileError(f"its input is {name} {sides} of type {kind}; expected pixels, uint8 (n, h, w, 3), any n")
    if sides[1] != sides[2] or not sides[1] or not 1 <= sides[1] <= 4096:
        raise ModelFileError(f"its input has {sides[1]} times {sides[2]} pixels; expected a square of a fixed size")
    return sides[1]


def _outputs(graph: Mapping[str, Any], tensors: Mapping[str, tuple[Shape, list[int] | None]], size: int) -> dict[str, Shape]:
    one, two = (_sizes(graph, tensors, (n, size, size, 3)) for n in (1, 2))
    found: dict[str, Shape] = {}
    for value in graph.get("output", []):
        name, kind, declared = _declared(value)
        if name in found or name not in one or kind != FLOAT:
            raise ModelFileError(f"its output {name!r} stands twice, is not computed, or is not float32")
        if two[name] != (2, *one[name][1:]) or one[name][0] != 1 or list(one[name][1:]) != declared[1:]:
            raise ModelFileError(f"its output {name!r} is declared as {declared} and computed as {one[name]} for one image")
        found[name] = one[name][1:]
    classes = found.get("logits")
    wrong = not classes or len(classes) != 1 or classes[0] < 2 or found.get("probabilities") != classes
    if wrong or len(found.get("features", ())) != 1 or not set(found) <= {"probabilities", "logits", "features", "maps"}:
        raise ModelFileError(
            f"its outputs are {', '.join(f'{name} {shape}' for name, shape in found.items())}; expected probabilities and logits "
            "(n, classes), features (n, d), and maps (n, classes, h, w) or none"
        )
    if "maps" in found and (len(found["maps"]) != 3 or found["maps"][:1] != classes):
        raise ModelFileError(f"its maps have the shape {found['maps']}; expected (classes, h, w)")
    return found


def _sizes(graph: Mapping[str, Any], tensors: Mapping[str, tuple[Shape, list[int] | None]], pixels: Shape) -> dict[str, Shape]:
    """The shape of every value for so many images, computed operator by operator."""
    known = {"pixels": pixels} | {name: shape for name, (shape, _) in tensors.items()}
    numbers = {name: listed for name, (_, listed) in tensors.items()}
    products = 0
    for node in graph.get("node", []):
        operator, inputs, outputs = node.get("op_type", ""), node.get("input", []), node.get("output", [])
        if node.get("domain", "") not in ("", "ai.onnx") or operator not in (*RULES, "Constant"):
            domain = f" of {node['domain']}" if node.get("domain") else ""
            raise ModelFileError(f"it uses the operator {operator}{domain}, which seefar does not run")
        if unknown := [name for name in inputs if name not in known]:
            raise ModelFileError(f"its operator {operator} takes {unknown[0]!r}, which nothing before it computes")
        if len(outputs) != 1 or outputs[0] in ("", *known):
            raise ModelFileError(f"its operator {operator} gives {outputs}; expected one new value")
        facts = _attributes(node)
        try:
            if operator == "Constant":
                known[outputs[0]], numbers[outputs[0]] = _tensor(facts["value"])
                continue
            shapes = [known[name] for name in inputs]
            constants = [numbers.get(name) for name in inputs]
            if any(len(listed or ()) > MOST_SIDES for listed in constants):
                raise ModelFileError(f"its operator {operator} takes a list of more than {MOST_SIDES} whole numbers")
            shape, cost = RULES[operator](shapes, facts, constants)
        except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
            raise ModelFileError(f"its operator {operator} cannot work on {[known[name] for name in inputs]}") from None
        if len(shape) > MOST_SIDES:
            raise ModelFileError(f"its operator {operator} would give a value of {len(shape):,} sides, more than {MOST_SIDES}")
        products += max(cost, NUMBER * max(map(math.prod, (shape, *shapes))))  # whatever it does, it reads and writes
        if math.prod(shape) > pixels[0] * MOST_VALUES or products > pixels[0] * MOST_PRODUCTS:
            raise ModelFileError(
                f"its operator {operator} would need {math.prod(shape):,} numbers and {products:,} products an image"
            )
        known[outputs[0]] = shape
    return known


def _attributes(node: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an operator by name."""
    found: dict[str, Any] = {}
    for attribute in node.get("attribute", []):
        values = [attribute[kind] for kind in ("f", "i", "t", "floats", "ints") if kind in attribute]
        values += [bytes(attribute["s"])] if "s" in attribute else []
        if len(values) > 1 or attribute.get("name", "") in ("", *found):
            raise ModelFileError(f"its operator {node.get('op_type')} says twice what {attribute.get('name', '')!r} is")
        found[attribute["name"]] = values[0] if values else 0 if attribute.get("type") == 2 else []
    return found


def _declared(value: Mapping[str, Any]) -> tuple[str, int, list[int | None]]:
    """Name, data type and sides of an input or output; None is a side that may be anything."""
    kind = value.get("type", {}).get("tensor_type", {})
    sides = [side.get("dim_value") for side in kind.get("shape", {}).get("dim", [])]
    return value.get("name", ""), kind.get("elem_type", 0), sides


def _metadata(model: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in model.get("metadata_props", []):
        if entry.get("key", "") in found:
            raise ModelFileError(f"it says twice what {entry.get('key', '')!r} is")
        found[entry.get("key", "")] = entry.get("value", "")
    if "ort_config" in found:
        raise ModelFileError("it holds settings for ONNX Runtime")
    return found
