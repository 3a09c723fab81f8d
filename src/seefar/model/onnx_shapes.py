"""How large every value of an ONNX graph is, for the operators that are run, and how many products it takes. No torch here.

A file may be small and still ask for terabytes: convolutions that pad by a million pixels, or vectors whose product is a huge matrix.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Shape = tuple[int, ...]
Facts = Mapping[str, Any]
Rule = Callable[[Sequence[Shape], Facts, Sequence[Sequence[int] | None]], tuple[Shape, int]]
"""(shapes of the inputs, attributes by name, the numbers of inputs that are constant lists) to the output's shape and the products.

ValueError, IndexError, KeyError or TypeError mean that the inputs do not fit the operator."""


def same(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """The output has the shape of the first input."""
    return shapes[0], 0


def norm(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """The output has the shape of the first input; the others have a number for each channel."""
    if any(shape != (shapes[0][1],) for shape in shapes[1:]):
        raise ValueError("statistics")
    return shapes[0], 0


def broadcast(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Sides of 1 are stretched."""
    return _stretched(*shapes), 0


def _stretched(*shapes: Shape) -> Shape:
    longest = max(map(len, shapes))
    padded = [(1,) * (longest - len(shape)) + shape for shape in shapes]
    sides = []
    for column in zip(*padded, strict=True):
        large = {side for side in column if side != 1}
        if len(large) > 1:
            raise ValueError("sides")
        sides.append(large.pop() if large else 1)
    return tuple(sides)


def transpose(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Sides in another order."""
    order = facts.get("perm", range(len(shapes[0]))[::-1])
    if sorted(order) != list(range(len(shapes[0]))):
        raise ValueError("perm")
    return tuple(shapes[0][place] for place in order), 0


def reshape(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """The sides that the second input, a constant, lists; one may be -1, whatever is left."""
    wanted = list(constants[1] or ())
    for place, side in enumerate(wanted):
        if side == 0:
            wanted[place] = shapes[0][place]
    if wanted.count(-1) > 1 or any(side < -1 for side in wanted):
        raise ValueError("sides")
    total, known = math.prod(shapes[0]), math.prod(side for side in wanted if side != -1)
    result = tuple(total // known if side == -1 else side for side in wanted)
    if math.prod(result) != total:
        raise ValueError("sides")
    return result, 0


def concat(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Values side by side along one axis."""
    axis = facts["axis"] % len(shapes[0])
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(others) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ValueError("sides")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :]), 0


def unsqueeze(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Sides of 1 more, at the places that the second input, a constant, lists."""
    total = len(shapes[0]) + len(constants[1] or ())
    places = {axis % total for axis in constants[1] or ()}
    if len(places) != total - len(shapes[0]):
        raise ValueError("axes")
    rest = iter(shapes[0])
    return tuple(1 if place in places else next(rest) for place in range(total)), 0


def squeeze(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Sides of 1 fewer, those that the second input, a constant, lists."""
    places = {axis % len(shapes[0]) for axis in constants[1] or ()}
    if not places or any(shapes[0][place] != 1 for place in places):
        raise ValueError("axes")
    return tuple(side for place, side in enumerate(shapes[0]) if place not in places), 0


def clip(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """The output has the shape of the first input; the others are single numbers."""
    if any(math.prod(shape) != 1 for shape in shapes[1:]):
        raise ValueError("bounds")
    return shapes[0], 0


def flatten(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Two sides: those before `axis`, and the rest."""
    axis = facts.get("axis", 1)
    return (math.prod(shapes[0][:axis]), math.prod(shapes[0][axis:])), 0


def reduce(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Some sides become 1, or go: those that an attribute or the second input lists."""
    listed = facts.get("axes") or (constants[1] if len(shapes) > 1 else None) or ()
    axes = {axis % len(shapes[0]) for axis in listed} or set(range(len(shapes[0])))
    kept = facts.get("keepdims", 1)
    return tuple(1 if place in axes else side for place, side in enumerate(shapes[0]) if kept or place not in axes), 0


def global_pool(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Maps become one place."""
    return (*shapes[0][:2], 1, 1), 0


def conv(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """A convolution of maps."""
    (n, channels, *_), (filters, depth, *kernel) = shapes[0], shapes[1]
    if depth * facts.get("group", 1) != channels or list(facts.get("kernel_shape", kernel)) != list(kernel):
        raise ValueError("kernel")
    result = (n, filters, *_slid(shapes[0], kernel, facts))
    return result, math.prod(result) * depth * math.prod(kernel)


def pool(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """A window that slides over maps."""
    kernel = list(facts["kernel_shape"])
    if any(pad >= side for pad, side in zip(facts.get("pads", [0] * 4), kernel * 2, strict=True)) or facts.get("ceil_mode", 0):
        raise ValueError("pads")
    result = (*shapes[0][:2], *_slid(shapes[0], kernel, facts))
    return result, math.prod(result) * math.prod(kernel)


def _slid(image: Shape, kernel: Sequence[int], facts: Facts) -> list[int]:
    """Height and width that a window leaves."""
    height, width = image[2:]
    pads, strides, dilations = (facts.get(name, [one] * 4)[:4] for name, one in (("pads", 0), ("strides", 1), ("dilations", 1)))
    if facts.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or any(pad < 0 for pad in pads):
        raise ValueError("pads")
    if any(number < 1 for number in (*kernel, *strides, *dilations)):
        raise ValueError("window")
    sides = []
    for place, side in enumerate((height, width)):
        room = side + pads[place] + pads[place + 2] - dilations[place] * (kernel[place] - 1) - 1
        if room < 0:
            raise ValueError("window")
        sides.append(room // strides[place] + 1)
    return sides


def matmul(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """Products of matrices, as many as the sides before the last two say."""
    first, second = shapes
    if first[-1] != second[-2]:
        raise ValueError("sides")
    result = (*_stretched(first[:-2], second[:-2]), first[-2], second[-1])
    return result, math.prod(result) * first[-1]


def gemm(shapes: Sequence[Shape], facts: Facts, constants: Sequence[Sequence[int] | None]) -> tuple[Shape, int]:
    """A product of two matrices, either of them turned, plus what can be stretched to it."""
    (a, b), (c, d) = (
        shape[::-1] if facts.get(turned, 0) else shape for shape, turned in zip(shapes[:2], ("transA", "transB"), strict=True)
    )
    if b != c or (len(shapes) > 2 and _stretched((a, d), shapes[2]) != (a, d)):
        raise ValueError("sides")
    return (a, d), a * b * d


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Cast", "Identity", "Softmax", "QuantizeLinear", "DequantizeLinear"), same),
    **dict.fromkeys(
        ("Relu", "Erf", "Gelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Selu", "Mish"), same
    ),
    **dict.fromkeys(("Softplus", "Celu", "Exp", "Log", "Sqrt", "Neg", "Abs", "Reciprocal"), same),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Greater", "Max", "Min", "PRelu"), broadcast),
    "Clip": clip,
    "Concat": concat,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), global_pool),
    **dict.fromkeys(("MaxPool", "AveragePool"), pool),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceSum"), reduce),
    "BatchNormalization": norm,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Conv": conv,
    "MatMul": matmul,
    "Gemm": gemm,
}
