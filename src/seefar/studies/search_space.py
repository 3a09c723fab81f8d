"""A search space: for each recipe field that is searched, the range or the choices that are tried."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from seefar.errors import UsageError
from seefar.recipe_fields import flat, kind_of, kinds, meanings
from seefar.recipe_fields import text as as_text
from seefar.recipes import Recipe
from seefar.studies.vary import changes_of_field, split_values

DIGITS = 4  # of a number that is tried (chosen by hand: finer differences than seeds make, and short enough to be typed)

# Fields that no search may change, and why.
SETTLED = {
    "validation": "it decides which images trials are judged on, so that their figures would not compare",
    "interim": "it changes neither the weights nor what the last validation measures",
    "frozen_stages": "a search starts from random weights, and those must learn",
    "remember": "it changes neither the weights nor what validation measures",
    "tta": "it changes neither the weights nor what validation measures",
}


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether equal factors are equally likely, as suits rates, instead of equal differences.
        whole: whether only whole numbers are tried.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choices:
    """Some values, none nearer to one than to another."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | Choices]
Point = Mapping[str, float | str]  # what a sampler draws: a number from a range, a choice as a text


def settings(texts: Sequence[str]) -> dict[str, str]:
    """What stands behind each `--search`, by field. Raises UsageError where that is not `field=what is tried`, or given twice."""
    found: dict[str, str] = {}
    for text in texts:
        field, equals, tried = text.partition("=")
        if not equals:
            raise UsageError(
                f"--search {text} is not of the form field=low..high or field=value,value, such as --search dropout=0..0.5"
            )
        if field.strip() in found:
            raise UsageError(f"--search {field.strip()} is given twice; give all that is to be tried at once")
        found[field.strip()] = tried.strip()
    return found


def read(base: Recipe, wanted: Mapping[str, str | Range | Choices], fields: Mapping[str, Any]) -> dict[str, Range | Choices]:
    """The space that was asked for, with every value of its field's type and in its range.

    Of two numbers, as `dropout` takes them, one stands for both: `dropout=0..0.5` tries two equal ones.

    Args:
        base: the recipe that is searched around, with the fields below.
        wanted: by field "low..high", "low..high:log", "value,value,..." as `--search` takes them, a Range or Choices.
        fields: fields that all trials set alike.

    Raises:
        UsageError: anything wrong with these, as a sentence that names the setting.
    """
    if not wanted:
        raise UsageError("nothing is searched; give at least one --search, such as --search learning_rate=0.001..0.1:log")
    return {field: _read(base, field, tried, fields) for field, tried in wanted.items()}


def _read(base: Recipe, field: str, wanted: str | Range | Choices, fields: Mapping[str, Any]) -> Range | Choices:
    if not isinstance(wanted, str | Range | Choices):
        raise UsageError(f"the space of {field} is {wanted!r}; expected a text as --search takes it, a Range, or Choices")
    setting = wanted if isinstance(wanted, str) else text(wanted)
    where = f"--search {field}={setting}"
    if field in fields:
        raise UsageError(f"--search {field} and --set {field} contradict each other; give one of them")
    if field in SETTLED:
        raise UsageError(f"--search {field} cannot be: {SETTLED[field]}; use --set {field}=... for all trials alike")
    if ".." not in setting:
        texts = split_values(f"{field}={setting}", setting, "--search")
        return Choices(tuple(change.fields[field] for change in changes_of_field(base, field, texts, "--search")))
    low, high = _ends(base, field, setting, where)
    log = setting.endswith(":log")
    if low >= high:
        raise UsageError(f"{where} is empty, since {low:g} is not below {high:g}; write low..high")
    if log and low <= 0:
        raise UsageError(
            f"{where} begins at {low:g}, and no factor leads from there to {high:g}; begin above 0, or leave out :log"
        )
    return Range(low, high, log, kind_of(field) is int)


def _ends(base: Recipe, field: str, setting: str, where: str) -> tuple[float, float]:
    """The first and last number of a range, as numbers that the field may have."""
    form = re.fullmatch(r"(.+?)\.\.(.+?)(:.*)?", setting)
    if not form or form[3] not in (None, ":log"):
        raise UsageError(f"{where} is no range; write low..high, or low..high:log where factors count rather than differences")
    kind = kind_of(field) if field in kinds() else None
    if kind not in (None, int, float, tuple[float, float]):  # of no such field the next line tells
        raise UsageError(f"{where} is a range, but {field} is no number ({meanings()[field]}); give values between commas")
    values = [changes_of_field(base, field, [end.strip()], "--search")[0].fields[field] for end in form.group(1, 2)]
    if any(isinstance(value, tuple) and value[0] != value[1] for value in values):
        raise UsageError(f"{where} has an end of two different numbers; give one number that stands for both, or choices")
    low, high = (value[0] if isinstance(value, tuple) else value for value in values)
    return low, high


def text(tried: Range | Choices) -> str:
    """What `--search` takes for it."""
    if isinstance(tried, Range):
        return f"{as_text(tried.low)}..{as_text(tried.high)}{':log' * tried.log}"
    return ",".join(map(as_text, tried.values))


def size(space: Space) -> int | None:
    """How many points there are; None if they cannot be counted."""
    if any(isinstance(tried, Range) and not tried.whole for tried in space.values()):
        return None
    return math.prod(
        int(tried.high - tried.low) + 1 if isinstance(tried, Range) else len(tried.values) for tried in space.values()
    )


def points(space: Space) -> list[dict[str, float | str]]:
    """All points of a space that can be counted."""
    axes: list[Iterable[int | str]] = [
        range(int(tried.low), int(tried.high) + 1) if isinstance(tried, Range) else map(as_text, tried.values)
        for tried in space.values()
    ]
    return [dict(zip(space, values, strict=True)) for values in product(*axes)]


def fields(space: Space, point: Point) -> dict[str, Any]:
    """The recipe fields that a point stands for."""
    found: dict[str, Any] = {}
    for field, tried in space.items():
        value = point[field]
        if isinstance(tried, Choices):
            found[field] = next(choice for choice in tried.values if as_text(choice) == value)
            continue
        number = int(value) if tried.whole else min(max(float(f"{value:.{DIGITS}g}"), tried.low), tried.high)
        found[field] = (number, number) if kind_of(field) == tuple[float, float] else number
    return found


def point_of(space: Space, recipe: Recipe) -> dict[str, float | str] | None:
    """Where a recipe lies in the space; None if no point stands for exactly that recipe."""
    own = {field: flat(recipe).get(field) for field in space}
    point = {field: as_text(own[field]) if isinstance(tried, Choices) else _one(own[field]) for field, tried in space.items()}
    inside = all(
        own[field] in tried.values if isinstance(tried, Choices) else tried.low <= _one(own[field]) <= tried.high
        for field, tried in space.items()
    )
    return point if inside and fields(space, point) == own else None


def _one(value: Any) -> Any:
    """The first of two numbers."""
    return value[0] if isinstance(value, tuple) else value
