"""The fields of a recipe by their plain names: find a recipe, read and change its fields, check their ranges, say what they mean.

No name occurs in two parts, so `dropout` is enough without naming the part. `model` is the name of the network's class.
"""

import dataclasses
import inspect
import json
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from seefar import network_source, recipes
from seefar.errors import UsageError, did_you_mean
from seefar.network_source import is_outside
from seefar.recipes import NETWORKS, RECIPES, AnyNetwork, Outside, Recipe

PARTS = tuple(field.name for field in dataclasses.fields(Recipe) if field.name not in ("name", "about"))
MODEL = (
    "a key of recipes.NETWORKS, vgg or fast, or a network from outside: my_net.py:Net, package.module:function, timm:resnet18"
)
ALWAYS = ("pixels", "frozen_stages", "stages", "sha256")  # fields of every network from outside


def find(name: str) -> Recipe:
    """The named recipe. Raises UsageError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise UsageError(f"no recipe is called {name!r}{did_you_mean(name, RECIPES)}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def model_of(network: AnyNetwork) -> str:
    """The name of a network's class in NETWORKS, or where it comes from."""
    if isinstance(network, Outside):
        return network.source
    return next(name for name, kind in NETWORKS.items() if type(network) is kind)


def flat(recipe: Recipe) -> dict[str, Any]:
    """All fields of a recipe by name, in the order of its parts; `model` stands before those of the network."""
    values: dict[str, Any] = {"model": model_of(recipe.network)}
    for part in PARTS:
        values |= {
            field.name: getattr(getattr(recipe, part), field.name) for field in dataclasses.fields(getattr(recipe, part))
        }
    if isinstance(recipe.network, Outside):
        del values["source"]
        values = {name: value for name, value in values.items() if value is not None and (name != "widths" or value)}
    return values


def as_json(recipe: Recipe) -> dict[str, Any]:
    """What `from_json` reads: name, purpose and all fields."""
    return {"name": recipe.name, "about": recipe.about, **flat(recipe)}


def change(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A copy with some fields changed, checked, and named after what changed: `baseline+epochs=3`.

    A change of `model` keeps those fields of the network that both have.

    Args:
        recipe: where to start from.
        changes: values by field; a text is read as the field's type ("3", "0.5", "[[16], [32]]").

    Raises:
        UsageError: an unknown field, a value of the wrong type or out of range.
    """
    for field in changes:
        if field not in kinds():
            known = list(kinds())
            raise UsageError(f"a recipe has no field {field!r}{did_you_mean(field, known)}; the fields are {', '.join(known)}")
    read = {field: _read(field, value) for field, value in changes.items()}
    before = flat(recipe)
    model = read.get("model", before["model"])
    if is_outside(model):
        own = _own_values(model, before) if "model" in read else {name: before[name] for name in _network_fields(before)}
    else:
        own = _neutral_values(NETWORKS[model])
    owners = _owners(model, own)
    if foreign := [field for field in read if field not in owners and field != "model"]:
        raise UsageError(_foreign(model, foreign[0], own))
    if is_outside(model) and read.get("sha256", own["sha256"]) != own["sha256"]:
        raise UsageError(f"the file of {model} has the SHA-256 {own['sha256']}, and {read['sha256']} was asked for")
    common = {field: value for field, value in (before | own if is_outside(model) else own | before).items() if field in owners}
    if missing := owners.keys() - common.keys() - read.keys():
        raise UsageError(f"the network {model!r} needs {min(missing)}; give it too, with --set {min(missing)}=...")
    values = {field: value for field, value in read.items() if field not in common or value != common[field]}
    values = {field: value for field, value in values.items() if field != "model" or model != before["model"]}
    base, *earlier = recipe.name.split("+")
    lasting = owners.keys() | {"model"}
    named = [word for word in earlier if word.partition("=")[0] in lasting - values.keys()]
    named += [f"{field}={said(field, value)}" for field, value in values.items()]
    changed = _assembled("+".join([base, *named]), recipe.about, common | values | {"model": model})
    check(changed)
    return changed


def from_json(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `as_json` wrote. Raises UsageError if it is not one."""
    fields = {name: value for name, value in values.items() if name not in ("name", "about")}
    try:
        read = {name: _read(name, value) for name, value in fields.items()}
        recipe = _assembled(str(values["name"]), str(values["about"]), read)
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"this is no recipe of this version of seefar ({error}); use the version that wrote it, or write it anew"
        ) from None
    check(recipe)
    return recipe


def _own_values(model: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The network fields of a callable, with their values: its own default where that is a value of the field, else the recipe's.

    Raises:
        UsageError: it cannot be found or imported, or it needs what no recipe has.
    """
    found = network_source.find(model)
    own = {name: before[name] for name in ("pixels", "frozen_stages")} | {"stages": (), "sha256": found.sha256}
    if model.startswith(f"{network_source.TIMM}:"):
        return own
    for name, default in network_source.parameters(network_source.load(model, found.sha256), model).items():
        needed, is_field = default is inspect.Parameter.empty, name in _names(Outside) and name not in ALWAYS
        if is_field and needed and name in before:
            own[name] = before[name]
        elif is_field and not needed:
            try:
                own[name] = _typed(default, kind_of(name))
            except ValueError:  # of another kind than the recipe's: a parameter that is the callable's own business
                continue
        elif needed and name not in ("classes", "size", "pixels"):
            raise UsageError(f"{model} needs {name}, which recipe fields do not give it; give that parameter a default")
    return own


def _foreign(model: str, field: str, own: Mapping[str, Any]) -> str:
    """What to say of a field that a network does not have."""
    if is_outside(model):
        return f"{model} has no field {field!r}; its own are {', '.join(own)}: make {field} a parameter of it, or leave it out"
    owners = [name for name, kind in NETWORKS.items() if field in _names(kind)]
    if not owners:
        return f"the network {model!r} has no field {field!r}, which is for networks from outside; leave {field} out"
    return f"the network {model!r} has no field {field!r}; use --set model={owners[0]}, or leave {field} out"


def _assembled(name: str, about: str, values: Mapping[str, Any]) -> Recipe:
    """A recipe from its fields. Raises TypeError if one is missing that has no neutral value, KeyError if one is unknown."""
    model = values["model"]
    owners = _owners(model, values)
    parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for field, value in values.items():
        if field != "model":
            parts[owners[field]][field] = value
    if is_outside(model):
        parts["network"]["source"] = model
    hints = _parts()
    made: dict[str, Any] = {
        part: (_class_of(model) if part == "network" else hints[part])(**own) for part, own in parts.items()
    }
    return Recipe(name=name, about=about, **made)


def _names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _class_of(model: str) -> type[AnyNetwork]:
    """The class that holds the fields of a network."""
    return Outside if is_outside(model) else NETWORKS[model]


def _network_fields(values: Iterable[str]) -> list[str]:
    """Of fields those of a network from outside."""
    return [field for field in values if field in _names(Outside)]


@cache
def _parts() -> dict[str, Any]:
    """The class of each part of a recipe, by its name."""
    return get_type_hints(Recipe)


def _owners(model: str, fields: Iterable[str]) -> dict[str, str]:
    """In which part each field stands, of a recipe with this network; one from outside has those of `fields` that networks have."""
    hints = _parts() | {"network": _class_of(model)}
    owned = {field: part for part in PARTS for field in _names(hints[part])}
    if not is_outside(model):
        return owned
    named = _network_fields(fields)
    return {field: part for field, part in owned.items() if field != "source" and (part != "network" or field in named)}


@cache
def kinds() -> dict[str, Any]:
    """The type of each field of any recipe by name, with its range where it has one; those of the networks first."""
    hints = _parts()
    classes = [*NETWORKS.values(), Outside, *(hints[part] for part in PARTS if part != "network")]
    found: dict[str, Any] = {"model": Literal[tuple(NETWORKS)]}
    for kind in classes:
        found |= {name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if name not in found}
    del found["source"]
    return found


def kind_of(field: str) -> Any:
    """The plain type of a field, without its range."""
    kind = kinds()[field]
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def neutral(field: str) -> Any:
    """The value of a field that is off. Raises UsageError if it has none."""
    hints = _parts()
    for kind in (*NETWORKS.values(), Outside, *(hints[part] for part in PARTS if part != "network")):
        if field in (values := _neutral_values(kind)):
            return values[field]
    raise UsageError(f"{field} cannot be off; give a value ({meanings()[field]})")


def _neutral_values(kind: type) -> dict[str, Any]:
    """The neutral values of a part, of the fields that have one."""
    return {field.name: field.default for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}


@cache
def meanings() -> dict[str, str]:
    """What each field means, by name: the comments in `seefar.recipes`, so that they are written once."""
    found = dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(recipes), re.MULTILINE))
    return {field: MODEL if field == "model" else found[field] for field in kinds()}


def text(value: Any) -> str:
    """A field's value as `--set` takes it, without spaces and quotes."""
    if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def said(field: str, value: Any) -> str:
    """A field's value as a person reads it and `--set` takes it: a budget with its unit, "60s"."""
    return f"{text(value).removesuffix('.0')}s" if field == "budget" and value else text(value)


def short_name(name: str, most: int = 40) -> str:
    """A recipe's name as a headline can take it: of many changes only the number is said; the budget of an earlier run gets its unit."""
    name = re.sub(r"\bbudget=([\d.]+)(?=\+|$)", lambda found: f"budget={said('budget', float(found[1]))}", name)
    base, *changes = name.split("+")
    return name if len(name) <= most else f"{base} with {len(changes)} field{'s' * (len(changes) != 1)} changed"


def seconds(duration: str) -> float:
    """Of a duration as people write it: 90, 90s, 1.5m, 2h. Raises UsageError if it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", duration.strip())
    if not found or not float(found[1]):
        raise UsageError(f"the budget is {duration!r}; expected seconds, minutes or hours, such as 60s, 5m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def check(recipe: Recipe) -> None:
    """Raise UsageError if a number is out of its range, a word is none of those allowed, or two fields contradict each other."""
    for field, value in flat(recipe).items():
        kind = kinds()[field]
        if get_origin(kind) is Literal:
            _read(field, value)
        if get_origin(kind) is Annotated and not _holds(field, kind.__metadata__[0], value):
            raise UsageError(f"{field} is {text(value)}; allowed is {kind.__metadata__[0]}")
    stages, frozen = len(recipe.network.widths), recipe.network.frozen_stages
    if frozen > stages and not isinstance(recipe.network, Outside):
        raise UsageError(f"frozen_stages is {frozen}, but widths has {stages} stages; allowed is 0 to {stages}")
    if recipe.optimisation.schedule in ("step", "plateau") and recipe.optimisation.drop_factor == 1:
        raise UsageError(
            f"with schedule={recipe.optimisation.schedule} and drop_factor=1 the rate would never fall; use --set drop_factor=0.3"
        )


# What is more than a range of one number. All bounds are chosen by hand: beyond them lies no useful run.
_HOLDS: dict[str, Callable[[Any], bool]] = {
    "widths": lambda v: 1 <= len(v) <= 5 and all(1 <= len(s) <= 8 and all(1 <= w <= 4096 for w in s) for s in v),
    "dropout": lambda v: all(0 <= share <= 0.9 for share in v),
    "resolution": lambda v: (
        bool(v) and v[0][0] == 0 and all(a[0] < b[0] for a, b in pairwise((*v, (1, 1)))) and all(0.25 <= s <= 1 for _, s in v)
    ),
}


def _holds(field: str, words: str, value: Any) -> bool:
    """Whether a value lies in the range that the words describe: "0 to 0.9", "0 to below 1", "above 0, at most 100"."""
    if field in _HOLDS:
        return _HOLDS[field](value)
    found = re.fullmatch(r"(above )?([\d.]+)(?: to|, at most) (below )?([\d.]+)", words)
    assert found, f"the range of {field} cannot be read: {words}"  # noqa: S101 (a mistake in recipes.py)
    low, high = float(found[2]), float(found[4])
    return bool((low < value if found[1] else low <= value) and (value < high if found[3] else value <= high))


def _read(field: str, value: Any) -> Any:
    """`value` as the field's type; a text is parsed, a number is not silently turned into another kind of number."""
    kind = kind_of(field)
    if field == "model" and callable(value):
        return network_source.give(value)
    if field == "model" and isinstance(value, str) and is_outside(value):
        return value
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
    if field == "budget" and isinstance(value, str) and value.strip()[-1:] in ("s", "m", "h"):
        return seconds(value)
    try:
        if kind == tuple[str, ...] and isinstance(value, str) and not value.startswith("["):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, str):
            value = json.loads({"on": "true", "off": "false"}.get(value, value))
        return _typed(value, kind)
    except (ValueError, OverflowError, RecursionError):  # a number of hundreds of digits, thousands of brackets
        huge = isinstance(value, int) and abs(value) > HUGE
        raise UsageError(f"{field} is {'far too large' if huge else reprlib.repr(value)}; expected {_EXPECTED[kind]}") from None


HUGE = 10**18  # no field takes a larger number, and Python turns no number of thousands of digits into text
_EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple[float, float]: "two numbers, such as [0.25, 0.5]",
    tuple[str, ...]: "names of layers, such as layer1,layer2",
    tuple[tuple[int, ...], ...]: "lists of whole numbers, such as [[32], [64, 64]]",
    tuple[tuple[float, float], ...]: "pairs of numbers, such as [[0, 0.5], [0.6, 1]]",
}


def _typed(value: Any, kind: Any) -> Any:
    """A JSON value as the type of a field. Raises ValueError if it is not one."""
    if get_origin(kind) is tuple:
        members = get_args(kind)
        if not isinstance(value, list | tuple) or (Ellipsis not in members and len(value) != len(members)):
            raise ValueError
        return tuple(_typed(member, members[0]) for member in value)
    if type(value) is int and abs(value) > HUGE:
        raise ValueError
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError
    return value
