"""The shapes that the rules give, against ONNX Runtime's own results."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from seefar.errors import ModelFileError
from seefar.model import onnx_graph
from seefar.model.onnx_shapes import RULES

CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("Conv", [(2, 4, 9, 8), (6, 2, 3, 2)], {"group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]}),
    ("Conv", [(1, 3, 8, 8), (5, 3, 2, 2)], {}),
    ("MaxPool", [(2, 4, 9, 8)], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}),
    ("AveragePool", [(2, 4, 9, 8)], {"kernel_shape": [2, 2]}),
    ("GlobalMaxPool", [(2, 4, 9, 8)], {}),
    ("MatMul", [(9, 2, 4), (9, 4, 5)], {}),
    ("MatMul", [(9, 2, 4), (4, 5)], {}),
    ("Gemm", [(2, 4), (5, 4), (5,)], {"transB": 1}),
    ("Gemm", [(4, 2), (4, 5)], {"transA": 1}),
    ("Transpose", [(2, 4, 9)], {"perm": [2, 0, 1]}),
    ("Transpose", [(2, 4, 9)], {}),
    ("Flatten", [(2, 4, 9)], {"axis": 1}),
    ("Add", [(2, 4, 9), (4, 1)], {}),
    ("Mul", [(1,), (2, 4)], {}),
    ("Relu", [(2, 4)], {}),
    ("ReduceMax", [(2, 4, 9, 8), [-2, -1]], {"keepdims": 1}),
    ("ReduceMax", [(2, 4, 9, 8), [1]], {"keepdims": 0}),
    ("Reshape", [(2, 4, 9), [-1, 12, 3]], {}),
    ("Reshape", [(2, 4, 9), [0, -1]], {}),
    ("BatchNormalization", [(2, 4, 9), (4,), (4,), (4,), (4,)], {}),
    ("Concat", [(2, 4, 9), (2, 5, 9)], {"axis": 1}),
    ("Concat", [(2, 4), (2, 5), (2, 1)], {"axis": -1}),
    ("Unsqueeze", [(2, 4), [0, -1]], {}),
    ("Squeeze", [(2, 1, 4, 1), [1, -1]], {}),
    ("Clip", [(2, 4), (), ()], {}),
    ("Sigmoid", [(2, 4)], {}),
    ("PRelu", [(2, 4, 9), (4, 1)], {}),
    ("Max", [(2, 4, 9), (4, 1), (1,)], {}),
]


@pytest.mark.parametrize(("operator", "inputs", "facts"), CASES, ids=[f"{case[0]}-{place}" for place, case in enumerate(CASES)])
def test_the_shape_is_the_runtimes(operator: str, inputs: list[Any], facts: dict[str, Any]) -> None:
    arrays = [np.array(one, np.int64) if isinstance(one, list) else np.ones(one, np.float32) for one in inputs]
    names = [f"x{place}" for place in range(len(arrays))]
    kinds = [TensorProto.INT64 if isinstance(one, list) else TensorProto.FLOAT for one in inputs]
    node = helper.make_node(operator, names, ["y"], **facts)
    values = [
        helper.make_tensor_value_info(name, kind, array.shape) for name, kind, array in zip(names, kinds, arrays, strict=True)
    ]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    (expected,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, dict(zip(names, arrays, strict=True)))

    shapes = [array.shape for array in arrays]
    numbers = [one if isinstance(one, list) else None for one in inputs]
    assert RULES[operator](shapes, facts, numbers)[0] == expected.shape


def test_products_are_counted_where_there_are_many() -> None:
    assert RULES["Conv"]([(1, 3, 8, 8), (5, 3, 3, 3)], {"pads": [1, 1, 1, 1]}, [None, None])[1] == 8 * 8 * 5 * 27
    assert RULES["Gemm"]([(7, 4), (4, 5)], {}, [None, None])[1] == 7 * 4 * 5
    assert RULES["MatMul"]([(2, 7, 4), (4, 5)], {}, [None, None])[1] == 2 * 7 * 4 * 5


@pytest.mark.parametrize(
    ("operator", "shapes", "facts", "numbers"),
    [
        ("Add", [(2, 3), (2, 4)], {}, [None, None]),
        ("Conv", [(1, 3, 8, 8), (5, 4, 3, 3)], {}, [None, None]),
        ("Conv", [(1, 3, 2, 2), (5, 3, 3, 3)], {}, [None, None]),
        ("Conv", [(1, 3, 8, 8), (5, 3, 3, 3)], {"auto_pad": b"SAME_UPPER"}, [None, None]),
        ("Conv", [(1, 3, 8, 8), (5, 3, 3, 3)], {"strides": [0, 1]}, [None, None]),
        ("MaxPool", [(1, 3, 8, 8)], {"kernel_shape": [2, 2], "pads": [9, 9, 9, 9]}, [None]),
        ("MatMul", [(2, 3), (4, 5)], {}, [None, None]),
        ("Gemm", [(2, 3), (4, 5)], {}, [None, None]),
        ("Reshape", [(2, 3), (1,)], {}, [None, None]),
        ("Reshape", [(2, 3), (2,)], {}, [None, [-1, -1]]),
        ("Reshape", [(2, 3), (2,)], {}, [None, [5, -1]]),
        ("Transpose", [(2, 3)], {"perm": [0, 0]}, [None]),
        ("BatchNormalization", [(2, 4, 9), (3,), (4,), (4,), (4,)], {}, [None] * 5),
        ("Concat", [(2, 4, 9), (2, 5, 8)], {"axis": 1}, [None, None]),
        ("Concat", [(2, 4), (2, 4, 1)], {"axis": 0}, [None, None]),
        ("Unsqueeze", [(2, 4), (2,)], {}, [None, [1, 1]]),
        ("Squeeze", [(2, 4), (1,)], {}, [None, [1]]),
        ("Clip", [(2, 4), (2,)], {}, [None, None]),
    ],
)
def test_inputs_that_do_not_fit_are_an_error(
    operator: str, shapes: list[Any], facts: dict[str, Any], numbers: list[Any]
) -> None:
    with pytest.raises((ValueError, IndexError, KeyError, TypeError, ZeroDivisionError)):
        RULES[operator](shapes, facts, numbers)


def sizes(nodes: list[dict[str, Any]], pixels: tuple[int, ...], **numbers: list[int]) -> dict[str, Any]:
    tensors = {name: ((len(listed),), listed) for name, listed in numbers.items()}
    return onnx_graph._sizes({"node": nodes}, tensors, pixels)


@pytest.mark.parametrize("operator", ["Relu", "Concat", "ReduceMax", "Identity"])
def test_many_operators_on_large_values_are_too_much_work(operator: str) -> None:
    """None of them multiplies anything; all read or write every number."""
    facts = [{"name": "axis", "i": 0}] if operator == "Concat" else []
    nodes = [
        {"op_type": operator, "input": ["pixels"], "output": [f"y{place}"], "attribute": facts}
        for place in range(onnx_graph.MOST_NODES)
    ]
    assert len(sizes(nodes[:100], (1, 4096, 4096, 3))) == 101
    with pytest.raises(ModelFileError, match=rf"its operator {operator} would need .* products an image"):
        sizes(nodes, (1, 4096, 4096, 3))


def test_a_value_has_a_few_sides() -> None:
    pixels = (1, 8, 8, 3)
    node: dict[str, Any] = {"op_type": "Unsqueeze", "input": ["pixels", "axes"], "output": ["y"]}
    assert len(sizes([node], pixels, axes=[4, 5, 6, 7])["y"]) == 8
    with pytest.raises(ModelFileError, match="would give a value of 9 sides, more than 8"):
        sizes([node], pixels, axes=[4, 5, 6, 7, 8])
    for operator, listed in {"Unsqueeze": list(range(2_000_002)), "Reshape": [2**62] * 2_000_002}.items():
        with pytest.raises(ModelFileError, match=f"its operator {operator} takes a list of more than 8 whole numbers"):
            sizes([node | {"op_type": operator}], pixels, axes=listed)
