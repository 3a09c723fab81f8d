"""The study of a command line: fields of a recipe, each with the values that are tried."""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, Literal, get_args, get_origin

from seefar.errors import UsageError
from seefar.recipe_fields import change, find, flat, kind_of, kinds, meanings, neutral
from seefar.recipes import Recipe
from seefar.studies.study import Change, Study, variants, with_fields


def vary(base: str, settings: Sequence[str], fields: Mapping[str, Any]) -> Study:
    """The study of a command line: `--vary dropout=0,0.2,0.4 --vary flip=off,on`.

    One setting compares each value with the first; several make a grid. Of two numbers, one stands for both (`dropout=0.2`).
    `off` is false, none or 0; `on` is true, the only other value, or that of the recipe `deep`.

    Args:
        base: name of the recipe.
        settings: of the form field=value,value,...; commas within brackets do not separate.
        fields: further fields of the recipe to set, for all alike.

    Raises:
        UsageError: anything wrong with these, as a sentence that names the setting.
    """
    recipe = find(base)
    shared = with_fields(recipe, fields, "the fields of the study")
    if not settings:
        raise UsageError("nothing is varied; give at least one --vary field=value,value, such as --vary dropout=0,0.2")
    factors: dict[str, list[Change]] = {}
    for setting in settings:
        name, equals, values = setting.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"--vary {setting} is not of the form field=value,value, such as --vary dropout=0,0.2,0.4")
        if name in factors:
            raise UsageError(f"--vary {name} is given twice; give all its values at once, separated by commas")
        if name in fields:
            raise UsageError(f"--vary {name} and --set {name} contradict each other; give one of them")
        factors[name] = changes_of_field(shared, name, split_values(setting, values))
    own = {name: flat(shared)[name] for name in fields}
    label = "-".join([base, *factors])
    about = f"What {' and '.join(factors)} {'are' if len(factors) > 1 else 'is'} worth in recipe {base}."
    if len(factors) == 1:
        [[first, *changes]] = factors.values()
        study = Study(label, about, base, tuple(changes), "each", {**own, **first.fields})
    else:
        levels = {name: tuple(change.name for change in changes) for name, changes in factors.items()}
        study = Study(label, about, base, tuple(chain(*factors.values())), "grid", own, levels)
    variants(study)  # raises an error if the study makes no sense
    return study


def split_values(setting: str, values: str, option: str = "--vary") -> list[str]:
    """Values between commas that are not within brackets. Raises UsageError if brackets do not match or a value is missing."""
    depth, cuts = 0, [-1]
    for place, letter in enumerate(values):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth < 0:
            break
        if letter == "," and not depth:
            cuts.append(place)
    if depth:
        raise UsageError(f"{option} {setting} has brackets that do not match; write lists such as [[32],[64,64]]")
    found = [values[start + 1 : end].strip() for start, end in pairwise([*cuts, len(values)])]
    if "" in found:
        raise UsageError(
            f"{option} {setting} lacks a value; write values separated by single commas, such as dropout=0,0.2,0.4"
        )
    if len(found) < 2:
        raise UsageError(
            f"{option} {setting} has one value, and at least two are needed to compare; use --set for a single one"
        )
    return found


def changes_of_field(recipe: Recipe, name: str, texts: Sequence[str], option: str = "--vary") -> list[Change]:
    """A change for each value of a field; the same value twice, in whatever spelling, is refused."""
    if name not in flat(recipe):  # raises an error: there is no such field, or only in another network
        with_fields(recipe, {name: neutral(name) if name in kinds() else texts[0]}, f"{option} {name}={texts[0]}")
    changes: list[Change] = []
    for text in texts:
        where = f"{option} {name}={text}"
        value = flat(with_fields(recipe, {name: _meant(recipe, name, text, option)}, where))[name]
        for earlier in changes:
            if earlier.fields[name] == value:
                raise UsageError(f"{where} is the same value as {earlier.name}; give each value once")
        changes.append(Change(f"{name}={text}", f"{name}: {meanings()[name]}.", {name: value}))
    return changes


def _meant(recipe: Recipe, name: str, text: str, option: str) -> Any:
    """What a text of the command line stands for: on and off, and one number for two; any other text is left to the recipe."""
    kind = kind_of(name)
    if kind == tuple[float, float] and text not in ("on", "off") and "[" not in text:
        return f"[{text},{text}]"
    if kind is bool or text not in ("on", "off"):
        return text
    others: list[Any] = []
    if get_origin(kind) is Literal:
        if "none" not in get_args(kind):
            return text
        off: Any = "none"
        others = [choice for choice in get_args(kind) if choice != off]
    elif kind in (int, float, tuple[float, float]):
        off = kind() if kind in (int, float) else (0.0, 0.0)
        try:
            change(recipe, {name: off})
        except UsageError:
            raise UsageError(
                f"{option} {name}={text} makes no sense, since {name} cannot be off; give values ({meanings()[name]})"
            ) from None
    else:
        return text
    if text == "off":
        return off
    usual = others[0] if len(others) == 1 else flat(find("deep"))[name]
    if usual == off:
        allowed = f"one of {', '.join(others)}" if others else f"a value ({meanings()[name]})"
        raise UsageError(f"{option} {name}=on could mean several things; instead of on, give {allowed}")
    return usual
