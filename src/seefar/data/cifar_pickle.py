"""The files of CIFAR's python version, which are pickles, read without running anything that they ask for.

A pickle is a program for a small stack machine. `read_pickle` is such a machine with the dangerous half left out: it builds
dictionaries, lists, tuples, integers and byte strings, and where the program calls a function it writes down the call. Only the
names with which numpy pickles an array may be called; what was written down is then compared with what an array of the right
type and shape looks like. So neither numpy nor anything else ever runs on values that the file chose.
"""

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

from seefar.errors import DataError

PIXELS = 3072  # in an image: 3 planes of 32 x 32

# What may be called, and the short name that stands for it here. Second spelling: numpy 2.
_CALLABLE = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
}
# The originals take about 3 an image (CIFAR-10) or 4 (CIFAR-100). An operation may cost one byte of file and 64 of memory, so a
# file that holds nothing but operations must be stopped; chosen by hand.
_OPERATIONS_PER_IMAGE = 12
_OPERATIONS = 2_000


@dataclass
class Call:
    """A call that the file asked for: written down, never made."""

    function: str
    arguments: object
    state: object = None


def read_images(content: bytes, file: str, labels: bytes, images: int) -> tuple[np.ndarray, list[Any]]:
    """The pixels, uint8 `(images, 3072)`, and the labels, not yet checked, of one pickled batch.

    Args:
        content: the whole file.
        file: its name, for messages.
        labels: the key of the labels in the pickled dictionary.
        images: how many the file must hold.

    Raises:
        DataError: the file asks for anything but an array, or holds something else.
    """
    batch = _dictionary(content, file, _OPERATIONS + _OPERATIONS_PER_IMAGE * images)
    return _array(batch.get(b"data"), file, (images, PIXELS)), _list(batch, labels, file, images)


def read_class_names(content: bytes, file: str, key: bytes, classes: int) -> list[Any]:
    """The names of the classes, not yet checked, from the pickled description of the data set. Raises DataError as above."""
    return _list(_dictionary(content, file, _OPERATIONS), key, file, classes)


def _dictionary(content: bytes, file: str, operations: int) -> dict[bytes, object]:
    value = read_pickle(content, file, operations)
    if type(value) is not dict:
        raise DataError(f"{file} must hold a dictionary, found {_kind(value)}")
    return value


def _list(values: dict[bytes, object], key: bytes, file: str, length: int) -> list[Any]:
    value = values.get(key)
    if type(value) is not list or len(value) != length:
        raise DataError(f"{file}: {key.decode()!r} must be a list of {length:,}, found {_kind(value)}")
    return value


def _array(value: object, file: str, shape: tuple[int, int]) -> np.ndarray:
    """The array whose construction was written down; uint8 of this shape or nothing."""
    match value:
        case Call("array", _, (_, tuple(found), Call("dtype", (bytes(dtype), *_)), bool(column_major), bytes(pixels))):
            pass
        case _:
            raise DataError(f"{file}: 'data' must be a numpy array, found {_kind(value)}")
    if dtype != b"u1":
        raise DataError(f"{file}: 'data' must be of type u1 (uint8), found {ascii(dtype[:20])[2:-1]}")
    if found != shape:
        dimensions = " x ".join(str(n)[:20] if type(n) is int else _kind(n) for n in found[:4])
        raise DataError(f"{file}: 'data' must be {shape[0]:,} x {shape[1]:,}, found {dimensions}")
    if len(pixels) != shape[0] * shape[1]:
        raise DataError(f"{file}: 'data' must be {shape[0] * shape[1]:,} bytes, found {len(pixels):,}")
    return np.frombuffer(pixels, np.uint8).reshape(shape, order="F" if column_major else "C")


def _kind(value: object) -> str:
    """What a value from a pickle is, in words; never the value itself, which may be endless."""
    if value is None:
        return "nothing"
    if isinstance(value, Call):
        return f"another call of {value.function}"
    return f"a {type(value).__name__} of {len(value):,}" if isinstance(value, list | dict) else f"a {type(value).__name__}"


def read_pickle(content: bytes, file: str, operations: int) -> object:
    """The value that a pickle describes; strings of every kind come out as bytes, calls as `Call`.

    Args:
        content: the whole file.
        file: its name, for messages.
        operations: how many steps the pickle may take.

    Raises:
        DataError: the pickle is cut, damaged or too long, or asks for what it may not have.
    """
    try:
        return _run(content, file, operations)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:  # an operation that does not fit the stack
        raise DataError(f"{file} is not a readable pickle: {str(error)[:100]!a}") from error


def _run(content: bytes, file: str, operations: int) -> object:
    """Protocols 2 to 4, as far as dictionaries, lists, tuples, integers, strings and numpy arrays need them."""
    stack: list[Any] = []
    marks: list[int] = []  # heights of the stack
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        values = stack[start:]
        del stack[start:]
        return values

    operation: pickletools.OpcodeInfo
    argument: Any
    for step, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if step == operations:
            raise DataError(f"refused: {file} takes more than {operations:,} pickle operations")
        match operation.name:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[operation.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINBYTES" | "SHORT_BINBYTES":
                stack.append(argument)
            case "BINSTRING" | "SHORT_BINSTRING":  # Python 2's strings: pickletools shows their bytes as Latin-1
                stack.append(argument.encode("latin-1"))
            case "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(argument.encode("utf-8", "surrogatepass"))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "MARK":
                marks.append(len(stack))
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                length = int(operation.name[-1])
                stack[-length:] = [tuple(stack[-length:])]
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "APPEND":
                value = stack.pop()
                stack[-1].append(value)
            case "APPENDS":
                values = since_mark()
                stack[-1].extend(values)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _set_items(stack[-1], [key, value])
            case "SETITEMS":
                values = since_mark()
                _set_items(stack[-1], values)
            case "GLOBAL" | "INST":
                stack.append(_function(argument, file))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_function(f"{module.decode()} {name.decode()}", file))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                if type(function) is not str:  # strings from the file are bytes: only `_function` gives a str
                    raise TypeError("a call of something that is no function")
                stack.append(Call(function, arguments))
            case "BUILD":
                state = stack.pop()
                stack[-1].state = state  # nothing but a Call lets itself be given one
            case "STOP":
                return stack.pop()
            case other:
                raise DataError(f"refused: {file} uses the pickle operation {other}, which no CIFAR file needs")
    raise AssertionError("pickletools.genops ends with STOP or raises")


def _set_items(dictionary: Any, items: list[Any]) -> None:
    keys = items[::2]
    # Python salts the hashes of bytes; with integers a file could choose keys that all collide, and take hours.
    if type(dictionary) is not dict or any(type(key) is not bytes for key in keys):
        raise TypeError("a dictionary whose keys are not strings")
    dictionary.update(zip(keys, items[1::2], strict=True))


def _function(name: str, file: str) -> str:
    if name not in _CALLABLE:
        raise DataError(f"refused: {file} asks for {ascii(name.replace(' ', '.'))[1:-1][:80]}")
    return _CALLABLE[name]
