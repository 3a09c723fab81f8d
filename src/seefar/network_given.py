"""A callable that was handed over: by which text it is told from others, which says what it was made with, too.

Two functions of the same text are different networks if they captured different things. What can be said in words (numbers, texts,
classes, functions) is part of the text, so that another process knows the callable again; any other object is named by a number that
this process alone knows.
"""

import dataclasses
import functools
import inspect
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
# Several processes of torchrun train one network, and have to name it alike
_PROCESS = "torchrun" if "TORCHELASTIC_RUN_ID" in os.environ else os.urandom(4).hex()
_objects: list[Any] = []  # those that have a number; kept, so that no other gets their place in memory

Seen = tuple[int, ...]


def plain(network: Callable[..., Any]) -> Callable[..., Any]:
    """What a partial of functools calls in the end."""
    while isinstance(network, functools.partial):
        network = network.func
    return network


def name_of(network: Callable[..., Any]) -> str:
    """How a callable calls itself; what a partial fixes is part of it."""
    inner = plain(network)
    name = str(getattr(inner, "__qualname__", type(inner).__qualname__))
    if isinstance(network, functools.partial):
        fixed = [*map(_short, network.args), *(f"{word}={_short(value)}" for word, value in network.keywords.items())]
        return f"{name}({' '.join(fixed)})"
    return name


def text_of(network: Callable[..., Any]) -> str:
    """The text that defines a callable, where Python still has it, and under it what the callable was made with."""
    lines = [f"# {name} = {said}" for name, said in _made_with(network, ())]
    source = _source(plain(network)) or f"# no text, but {_code(plain(network))}\n"
    return "\n".join([source, "# It was made with:", *lines, ""]) if lines else source


def _short(value: Any) -> str:
    """A value as a name can hold it, the same in every process."""
    said = getattr(value, "__qualname__", None) or re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    return " ".join(said.split())


def _source(inner: Any) -> str:
    """The text of a function or class, or of the class of anything else; empty where Python has none."""
    kind = inner if inspect.isroutine(inner) or inspect.isclass(inner) else type(inner)
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""


def _code(value: Any) -> str:
    """What Python made of a text that it no longer has."""
    if isinstance(value, types.CodeType):
        made = [_code(one) if isinstance(one, types.CodeType) else repr(one) for one in value.co_consts]
        return repr((value.co_code, value.co_names, value.co_varnames, value.co_freevars, made))
    if isinstance(value, types.FunctionType):
        return _code(value.__code__)
    if inspect.isclass(value):
        return repr([(name, _code(one)) for name, one in vars(value).items() if isinstance(one, types.FunctionType)])
    return str(type(value).__qualname__) if inspect.isroutine(value) else _code(type(value))


def _made_with(value: Any, seen: Seen) -> Iterator[tuple[str, str]]:
    """What a callable captured, by name: what a partial fixes, variables around it, defaults, attributes."""
    seen = (*seen, id(value))
    if isinstance(value, functools.partial):
        yield from ((f"argument {place}", _said(one, seen)) for place, one in enumerate(value.args))
        yield from ((name, _said(one, seen)) for name, one in sorted(value.keywords.items()))
        yield from _made_with(value.func, seen)
    elif isinstance(value, types.MethodType):
        yield "self", _said(value.__self__, seen)
        yield from _made_with(value.__func__, seen)
    elif isinstance(value, types.FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            said = (
                _said(cell.cell_contents, seen) if cell != types.CellType() else "nothing yet"
            )  # of an empty one there is none
            if said != ITSELF:  # as `super()` takes the class
                yield name, said
        defaults = dict(enumerate(value.__defaults__ or ())) | (value.__kwdefaults__ or {})
        yield from ((f"default {name}", _said(one, seen)) for name, one in defaults.items())
    elif inspect.isclass(value):
        for base in value.__bases__:
            if not _importable(base):
                yield f"base {base.__qualname__}", _said(base, seen)
        for name, one in vars(value).items():
            inner = getattr(one, "__func__", getattr(one, "fget", getattr(one, "func", one)))
            if isinstance(inner, types.FunctionType):
                yield from ((f"{name}: {of}", said) for of, said in _made_with(inner, seen))
            elif not name.startswith(("__", "_abc_")) and not inspect.ismemberdescriptor(one):
                yield name, _said(inner, seen)
    elif not inspect.isroutine(value):
        yield from _made_with(type(value), seen)
        yield from ((name, _said(one, seen)) for name, one in sorted(getattr(value, "__dict__", {}).items()))


ITSELF = "itself"


def _said(value: Any, seen: Seen) -> str:
    """A value in words that tell it from all others."""
    if id(value) in seen:
        return ITSELF
    seen = (*seen, id(value))
    kind = type(value)
    if (
        kind in _PLAIN
        or isinstance(value, PurePath)
        or (kind.__module__, kind.__name__) in (("torch", "dtype"), ("torch", "device"))
    ):
        return repr(value)
    if kind in (list, tuple, set, frozenset):
        found = [_said(one, seen) for one in value]
        return f"{kind.__name__}({', '.join(sorted(found) if kind in (set, frozenset) else found)})"
    if kind is dict:
        return f"dict({', '.join(f'{_said(name, seen)}: {_said(one, seen)}' for name, one in value.items())})"
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if _importable(value):
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, functools.partial | types.MethodType | types.FunctionType) or inspect.isclass(value):
        with_ = ", ".join(f"{name} = {said}" for name, said in _made_with(value, seen))
        return f"{name_of(value)}, {_source(plain(value)) or _code(plain(value))!r} with ({with_})"
    if dataclasses.is_dataclass(value):
        return f"{_said(kind, seen)}({', '.join(f'{name}={_said(one, seen)}' for name, one in vars(value).items())})"
    place = next((place for place, one in enumerate(_objects) if one is value), len(_objects))
    if place == len(_objects):
        _objects.append(value)
    return f"{kind.__qualname__} number {place} of process {_PROCESS}"


def _importable(value: Any) -> bool:
    """Whether a class or function is what its module has under its name, which no notebook can change."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value and found is not None
