"""The front door: every decision of a run, written out. Read one block below and you know everything that the run did.

No field has a default and no recipe is derived from another. A changed copy gets another name (`baseline+epochs=3`), so that it
cannot pass for the recipe. Random streams are not part of a recipe: the seed is given for each run.
"""

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from seefar.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """One training run in full. Texts are looked up in the plain dict that the comment names."""

    name: str  # how the run calls itself
    about: str  # one sentence: what it is for
    # The network
    model: str  # a key of models.MODELS
    widths: tuple[tuple[int, ...], ...]  # channels of each 3x3 convolution, stage by stage; every stage ends in 2x2 max-pooling
    dense: int  # units of the hidden dense layer
    dropout: tuple[float, float]  # share of values dropped before and after the hidden dense layer, 0 to 0.9
    pixels: Literal["unit", "standard"]  # unit: scaled to [0, 1]; standard: then less the mean, by the deviation
    # The way to learn
    optimiser: str  # a key of optimisers.OPTIMISERS
    learning_rate: float  # the highest of the run
    schedule: str  # a key of schedules.SCHEDULES: how the rate changes over the run
    batch_size: int  # images a step
    epochs: int  # passes over the training images
    precision: Literal["auto", "bf16", "fp32"]  # number format of the arithmetic; auto: bf16 where the hardware multiplies it
    # What is kept
    validation: float  # share of the training images held back for choices, above 0 to 0.5
    monitor: Literal["validation_loss", "validation_accuracy"]  # the figure by which an epoch is better than another
    keep: Literal["best", "last"]  # the weights that are evaluated: of the best epoch by monitor, or of the last


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            name="tiny",
            about="A very small network for a first look and for tests: the built-in shapes in less than a minute on two cores.",
            model="plain",
            widths=((16,), (32,), (64,)),
            dense=64,
            dropout=(0.0, 0.3),
            pixels="standard",
            optimiser="adam",
            learning_rate=2e-3,
            schedule="constant",
            batch_size=64,
            epochs=10,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            keep="best",
        ),
        Recipe(
            name="baseline",
            about="The plain network that every course teaches: convolutions and max-pooling, a dense layer with dropout, Adam.",
            model="plain",
            widths=((32,), (64,), (128,)),
            dense=256,
            dropout=(0.25, 0.5),
            pixels="standard",
            optimiser="adam",
            learning_rate=1.5e-3,
            schedule="linear",
            batch_size=64,
            epochs=12,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            keep="best",
        ),
    ]
}


def find(name: str) -> Recipe:
    """The named recipe. Raises UsageError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise UsageError(f"no recipe is called {name!r}{did_you_mean(name, RECIPES)}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def change(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A copy with some fields changed, checked, and named after what changed: `baseline+epochs=3`.

    Args:
        recipe: where to start from.
        changes: values by field; a text is read as the field's type ("3", "0.5", "[[16], [32]]").

    Raises:
        UsageError: an unknown field, a value of the wrong type or out of range.
    """
    kinds = get_type_hints(Recipe)
    values: dict[str, Any] = {}
    for field, value in changes.items():
        if field not in kinds or field in ("name", "about"):
            known = [name for name in kinds if name not in ("name", "about")]
            raise UsageError(f"a recipe has no field {field!r}{did_you_mean(field, known)}; the fields are {', '.join(known)}")
        values[field] = _read(field, value, kinds[field])
    values = {field: value for field, value in values.items() if value != getattr(recipe, field)}
    suffix = "".join(f"+{field}={text(value)}" for field, value in values.items())
    changed = dataclasses.replace(recipe, **values, name=recipe.name + suffix)
    check(changed)
    return changed


def from_json(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `dataclasses.asdict` wrote as JSON. Raises UsageError if it is not one."""
    kinds = get_type_hints(Recipe)
    if values.keys() != kinds.keys():
        odd = sorted(values.keys() ^ kinds.keys())
        raise UsageError(f"this is no recipe of this version of seefar: it differs in {', '.join(odd)}")
    recipe = Recipe(**{field: _read(field, value, kinds[field]) for field, value in values.items()})
    check(recipe)
    return recipe


def meanings() -> dict[str, str]:
    """What each field means, by name: the comments of `Recipe`, so that they are written once."""
    return dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(Recipe), re.MULTILINE))


def text(value: Any) -> str:
    """A field's value as `--set` takes it, without spaces and quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


# The allowed values of every number, in words and as a test. The bounds are chosen by hand: beyond them lies no useful run.
_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "widths": (
        "1 to 5 stages of 1 to 8 convolutions of 1 to 4096 channels",
        lambda v: 1 <= len(v) <= 5 and all(1 <= len(s) <= 8 and all(1 <= w <= 4096 for w in s) for s in v),
    ),
    "dense": ("1 to 16384", lambda v: 1 <= v <= 16384),
    "dropout": ("two numbers from 0 to 0.9", lambda v: all(0 <= share <= 0.9 for share in v)),
    "learning_rate": ("above 0, at most 100", lambda v: math.isfinite(v) and 0 < v <= 100),
    "batch_size": ("1 to 65536", lambda v: 1 <= v <= 65536),
    "epochs": ("1 to 10000", lambda v: 1 <= v <= 10000),
    "validation": ("above 0, at most 0.5", lambda v: 0 < v <= 0.5),
}


def check(recipe: Recipe) -> None:
    """Raise UsageError if a number is out of its range."""
    for field, (allowed, holds) in _RANGES.items():
        if not holds(value := getattr(recipe, field)):
            raise UsageError(f"{field} is {text(value)}; allowed is {allowed}")


def _read(field: str, value: Any, kind: Any) -> Any:
    """`value` as the field's type; a text is parsed, a number is not silently turned into another kind of number."""
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        if field == "monitor" and "test" in str(value):
            raise UsageError(
                f"monitor is {value!r}, but the test set cannot be used to choose; use {' or '.join(get_args(kind))}"
            )
        raise UsageError(
            f"{field} is {value!r}{did_you_mean(str(value), get_args(kind))}; allowed is {', '.join(get_args(kind))}"
        )
    if kind is str:
        return str(value)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise UsageError(f"{field} is {value!r}; expected {_KINDS[field]}") from None
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is int and type(value) is int:
        return value
    if field == "dropout" and _is_list(value) and len(value) == 2 and all(type(share) in (int, float) for share in value):
        return tuple(float(share) for share in value)
    if field == "widths" and _is_list(value) and all(_is_list(s) and all(type(w) is int for w in s) for s in value):
        return tuple(tuple(stage) for stage in value)
    raise UsageError(f"{field} is {value!r}; expected {_KINDS[field]}")


_KINDS = {
    "widths": "lists of whole numbers, such as [[32], [64, 64]]",
    "dense": "a whole number",
    "dropout": "two numbers, such as [0.25, 0.5]",
    "learning_rate": "a number",
    "batch_size": "a whole number",
    "epochs": "a whole number",
    "validation": "a number",
}


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
