"""A study: a recipe, changes with their reasons, and seeds; from these the variants that are trained and compared."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

from seefar import recipes
from seefar.errors import UsageError, did_you_mean
from seefar.recipes import Recipe
from seefar.studies.grid import fraction

Design = Literal["each", "cumulative", "removed", "grid"]

MOST_VARIANTS = 200  # chosen by hand: with three seeds and a minute a run, ten hours
MOST_COMBINATIONS = 2000  # of a grid, before a fraction of it is taken; chosen by hand: choosing takes seconds
LONGEST_NAME = 120  # characters; chosen by hand: folders and tables are labelled with it
LONGEST_SENTENCE = 1000  # characters; chosen by hand


@dataclass(frozen=True)
class Change:
    """A change of a recipe that may help.

    Attributes:
        name: short, unique in its study ("batch norm").
        reason: why it might help, in a sentence.
        fields: the recipe fields that it sets.
    """

    name: str
    reason: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """What is to be found out.

    Attributes:
        name: of the study; its folder is named after it.
        about: what it asks, in a sentence.
        base: the name of the recipe that it starts from.
        fields: fields of that recipe that all variants change alike (fewer epochs, say).
        changes: in the order in which they are tried.
        design: "each": the base with one change at a time; "cumulative": each change on top of those before it; "removed": the
            base with all changes, and that with one of them undone at a time; "grid": all combinations of the named levels.
        levels: for a grid, the changes of each factor, of which a combination takes one: {"dropout": ("dropout=0", "dropout=0.4")}.
        fraction: of a grid, the share of the combinations that is tried, above 0 to 1; a balanced, seeded choice.
        data: a name or path of images, for whoever carries the study out without naming others.
        seeds: how many trainings of each variant, unless another number is given.
        budget: seconds after which no further seed is begun, unless another number is given; 0: any.
    """

    name: str
    about: str
    base: str
    changes: tuple[Change, ...]
    design: Design = "each"
    fields: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fraction: float = 1.0
    data: str = ""
    seeds: int = 3
    budget: float = 0.0


@dataclass(frozen=True)
class Variant:
    """One thing that is trained, with every seed.

    Attributes:
        name: unique in its study; the first variant is "base" ("everything" in design "removed").
        reason: of the change that makes it; empty for the base.
        fields: all recipe fields that differ from the study's base recipe, the study's own among them.
        against: the variant it is compared with; None for the base.
    """

    name: str
    reason: str
    fields: Mapping[str, Any]
    against: str | None


def variants(study: Study) -> list[Variant]:
    """What is trained, the base first. Raises UsageError if the study makes no sense; `check` says when."""
    base = recipes.find(study.base)
    _check_shape(study)
    _recipe(base, study.fields, "the fields of the study")
    made = [
        dataclasses.replace(variant, fields=_differing(base, variant.fields, f"variant {variant.name!r}"))
        for variant in _DESIGNS[study.design](study)
    ]
    _check_different(base, made)
    return made


def check(study: Study) -> None:
    """Raise UsageError if the study makes no sense, before anything is trained.

    That is: no such recipe, field or level, a value of the wrong type or out of its range, in any variant; two changes of one
    name; variants that are the same; no changes; a fraction that leaves levels out. Whether networks can be built depends on
    the images: `seefar.training.prepare.check` says it, for each variant.
    """
    variants(study)


def _each(study: Study) -> list[Variant]:
    """The base, and it with one change at a time."""
    return [
        Variant("base", "", study.fields, None),
        *(Variant(change.name, change.reason, {**study.fields, **change.fields}, "base") for change in study.changes),
    ]


def _cumulative(study: Study) -> list[Variant]:
    """The base, and each change on top of those before it."""
    made = [Variant("base", "", study.fields, None)]
    for change in study.changes:
        made.append(Variant(change.name, change.reason, {**made[-1].fields, **change.fields}, made[-1].name))
    return made


def _removed(study: Study) -> list[Variant]:
    """The base with all changes, and that with one of them undone at a time."""
    return [
        Variant("everything", "", _merged(study, study.changes), None),
        *(
            Variant(
                f"without {change.name}",
                change.reason,
                _merged(study, [other for other in study.changes if other is not change]),
                "everything",
            )
            for change in study.changes
        ),
    ]


def _grid(study: Study) -> list[Variant]:
    """One level of each factor, in all combinations or a fraction of them; the base has the first levels."""
    named = {change.name: change for change in study.changes}
    factors = [[named[level] for level in levels] for levels in study.levels.values()]
    made = []
    for row in fraction([len(levels) for levels in factors], _rows(study)):
        chosen = [levels[number] for levels, number in zip(factors, row, strict=True)]
        new = [change for change, number in zip(chosen, row, strict=True) if number]
        made.append(
            Variant(
                ", ".join(change.name for change in new) or "base",
                " ".join(dict.fromkeys(change.reason for change in new if change.reason)),
                _merged(study, chosen),
                "base" if new else None,
            )
        )
    return made


_DESIGNS = {"each": _each, "cumulative": _cumulative, "removed": _removed, "grid": _grid}


def _merged(study: Study, changes: Iterable[Change]) -> dict[str, Any]:
    """The study's own fields and those of the changes; of two that set the same field, the later one counts."""
    merged = dict(study.fields)
    for change in changes:
        merged |= change.fields
    return merged


def _combinations(study: Study) -> int:
    """How many combinations the whole grid has."""
    return math.prod(len(levels) for levels in study.levels.values())


def _rows(study: Study) -> int:
    """How many combinations of the grid are tried."""
    return round(_combinations(study) * study.fraction)


def _recipe(base: Recipe, fields: Mapping[str, Any], where: str) -> Recipe:
    """The recipe with those fields; an error says where they stand."""
    try:
        return recipes.change(base, fields)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", error.details) from None


def _differing(base: Recipe, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields, as values of their types, without those that the base has already."""
    changed = _recipe(base, fields, where)
    return {name: getattr(changed, name) for name in fields if getattr(changed, name) != getattr(base, name)}


def _check_shape(study: Study) -> None:
    """Raise UsageError for what is wrong with names, numbers and levels, before any value is looked at."""
    if not re.fullmatch(rf"\w[\w .+=-]{{0,{LONGEST_NAME - 1}}}", study.name) or study.name[-1] in " .":
        raise UsageError(
            f"the study's name is {study.name[:LONGEST_NAME]!r}, and a folder is named after it; use letters, digits, - and _, "
            f"{LONGEST_NAME} at most"
        )
    if study.design not in _DESIGNS:
        raise UsageError(f"design is {study.design!r}{did_you_mean(study.design, _DESIGNS)}; allowed is {', '.join(_DESIGNS)}")
    if not study.changes:
        raise UsageError(f"the study {study.name!r} has no changes, so there is nothing to compare; give it at least one")
    names = [change.name for change in study.changes]
    for change in study.changes:
        if not change.name.strip() or not change.name.isprintable() or len(change.name) > LONGEST_NAME:
            raise UsageError(
                f"a change is called {change.name[:LONGEST_NAME]!r}; a name is one line of 1 to {LONGEST_NAME} characters"
            )
        if change.name in ("base", "everything"):
            raise UsageError(f"a change is called {change.name!r}, which is what it is compared with; give it another name")
        if names.count(change.name) > 1:
            raise UsageError(f"two changes are called {change.name!r}; give each a name of its own")
        if not change.fields:
            raise UsageError(f"the change {change.name!r} sets no field of the recipe; name at least one")
    if study.design == "grid":
        _check_grid(study, names)
        return
    if study.levels:
        raise UsageError(f"levels are for the design 'grid', but the design is {study.design!r}; leave levels out")
    if study.fraction != 1:
        raise UsageError(f"a fraction is for the design 'grid', but the design is {study.design!r}; leave fraction out")
    if len(names) >= MOST_VARIANTS:
        raise UsageError(f"the study has {len(names)} changes; allowed is at most {MOST_VARIANTS - 1}, so split it")


def _check_grid(study: Study, names: Sequence[str]) -> None:
    """Raise UsageError for levels that do not make a grid, or a fraction that makes no sense."""
    if not study.levels:
        raise UsageError("the design is 'grid', but no levels are given; name the changes of each factor")
    used = [level for levels in study.levels.values() for level in levels]
    for factor, levels in study.levels.items():
        for level in levels:
            if level not in names:
                raise UsageError(
                    f"the factor {factor!r} has a level {level!r}, but no change is called that{did_you_mean(level, names)}; "
                    f"there are {', '.join(names)}"
                )
            if used.count(level) > 1:
                raise UsageError(f"{level!r} is named twice as a level; each change belongs to one factor, once")
        if len(levels) < 2:
            raise UsageError(f"the factor {factor!r} has {len(levels)} level, and at least two are needed to compare")
    if idle := [name for name in names if name not in used]:
        raise UsageError(f"the change {idle[0]!r} is no level of any factor; name it in levels, or leave it out")
    owners: dict[str, str] = {}
    fields = {change.name: change.fields for change in study.changes}
    for factor, levels in study.levels.items():
        for name in (name for level in levels for name in fields[level]):
            if owners.setdefault(name, factor) != factor:
                raise UsageError(
                    f"the factors {owners[name]!r} and {factor!r} both set {name}, so that one would undo the other; "
                    "each field belongs to one factor"
                )
    whole, most = _combinations(study), max(len(levels) for levels in study.levels.values())
    if not 0 < study.fraction <= 1:
        raise UsageError(f"fraction is {_short(study.fraction)}; allowed is above 0, at most 1")
    if whole > MOST_COMBINATIONS:
        raise UsageError(f"the grid has {whole} combinations; allowed is at most {MOST_COMBINATIONS}, so take some levels out")
    if not most <= _rows(study) <= MOST_VARIANTS:
        least = math.ceil(1000 * most / whole) / 1000
        limit = math.floor(1000 * min(1, MOST_VARIANTS / whole)) / 1000
        raise UsageError(
            f"fraction is {study.fraction}, which is {_rows(study)} of the {whole} combinations of the grid; each level should "
            f"occur, and at most {MOST_VARIANTS} are tried, so use {least:g} to {limit:g}"
        )


def _check_different(base: Recipe, made: Sequence[Variant]) -> None:
    """Raise UsageError if two variants have the same name, or come to the same recipe."""
    seen: dict[str, str] = {}
    for variant in made:
        key = json.dumps(_values(_recipe(base, variant.fields, variant.name)))
        if variant.name in seen.values():
            raise UsageError(f"two variants are called {variant.name!r}; give the changes other names")
        if key not in seen:
            seen[key] = variant.name
            continue
        if seen[key] == made[0].name:
            raise UsageError(
                f"{variant.name!r} is the same recipe as {made[0].name!r}, with which it is compared: the change changes "
                "nothing; leave it out, or set other values"
            )
        raise UsageError(f"{variant.name!r} is the same recipe as {seen[key]!r}; leave one out, or set other values")


def _values(recipe: Recipe) -> dict[str, Any]:
    """All that a recipe decides."""
    return {name: value for name, value in dataclasses.asdict(recipe).items() if name not in ("name", "about")}


def digest(study: Study) -> str:
    """The SHA-256 of all that decides results: each variant's name, whole recipe, and what it is compared with.

    Reasons, and how the study is written down, are no part of it. A recipe of another content under the same name is.
    """
    base = recipes.find(study.base)
    whole = [
        [variant.name, variant.against, _values(_recipe(base, variant.fields, variant.name))] for variant in variants(study)
    ]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


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
    recipe = recipes.find(base)
    shared = _recipe(recipe, fields, "the fields of the study")
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
    own = {name: getattr(shared, name) for name in fields}
    label = "-".join([base, *factors])
    about = f"What {' and '.join(factors)} {'are' if len(factors) > 1 else 'is'} worth in recipe {base}."
    if len(factors) == 1:
        [[first, *changes]] = factors.values()
        study = Study(label, about, base, tuple(changes), "each", {**own, **first.fields})
    else:
        every = tuple(change for levels in factors.values() for change in levels)
        study = Study(
            label,
            about,
            base,
            every,
            "grid",
            own,
            {name: tuple(change.name for change in levels) for name, levels in factors.items()},
        )
    check(study)
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
    changes: list[Change] = []
    for text in texts:
        where = f"{option} {name}={text}"
        _recipe(recipe, {name: getattr(recipe, name, "")}, where)  # for the nearest name, if there is no such field
        value = getattr(_recipe(recipe, {name: _meant(recipe, name, text, option)}, where), name)
        for earlier in changes:
            if earlier.fields[name] == value:
                raise UsageError(f"{where} is the same value as {earlier.name}; give each value once")
        changes.append(Change(f"{name}={text}", f"{name}: {recipes.meanings()[name]}.", {name: value}))
    return changes


def _meant(recipe: Recipe, name: str, text: str, option: str) -> Any:
    """What a text of the command line stands for: on and off, and one number for two; any other text is left to the recipe."""
    kind = get_type_hints(Recipe)[name]
    if kind == tuple[float, float] and text not in ("on", "off") and "[" not in text:
        return f"[{text},{text}]"
    if kind is bool or text not in ("on", "off"):
        return text
    off: Any
    if get_origin(kind) is Literal:
        off, others = "none", [choice for choice in get_args(kind) if choice != "none"]
        if "none" not in get_args(kind):
            return text
    elif kind in (int, float, tuple[float, float]):
        off, others = kind() if kind in (int, float) else (0.0, 0.0), []
        try:
            recipes.change(recipe, {name: off})
        except UsageError:
            raise UsageError(
                f"{option} {name}={text} makes no sense, since {name} cannot be off; give values ({recipes.meanings()[name]})"
            ) from None
    else:
        return text
    if text == "off":
        return off
    usual = others[0] if len(others) == 1 else getattr(recipes.find("deep"), name)
    if usual == off:
        allowed = f"one of {', '.join(others)}" if others else f"a value ({recipes.meanings()[name]})"
        raise UsageError(f"{option} {name}=on could mean several things; instead of on, give {allowed}")
    return usual


def to_json(study: Study) -> dict[str, Any]:
    """The study as JSON has it; `from_json` reads it."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(study)))
    return values


def from_json(values: Mapping[str, Any]) -> Study:
    """The study that `to_json` wrote, or that somebody wrote by hand. All but name, base and changes may be missing.

    Raises:
        UsageError: an unknown or a missing key, or a value of the wrong type; the study itself is not checked yet.
    """
    found = _only(values, Study, "a study")
    changes = found.get("changes", [])
    if not isinstance(changes, list) or not all(isinstance(change, Mapping) for change in changes):
        raise UsageError("the changes of a study are a list of tables, each with name, reason and fields")
    levels = _table(found, "levels", "a study")
    for factor, names in levels.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError(f"the levels of {factor!r} are {_short(names)}; expected a list of names of changes")
    share = found.get("fraction", 1.0)
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise UsageError(f"the fraction of a study is {_short(share)}; expected a number above 0, at most 1")
    seeds, budget = found.get("seeds", 3), found.get("budget", 0.0)
    if isinstance(seeds, bool) or not isinstance(seeds, int):
        raise UsageError(f"the seeds of a study are {_short(seeds)}; expected how many, a whole number of 1 or more")
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0 <= budget < math.inf:
        raise UsageError(f"the budget of a study is {_short(budget)}; expected a number of seconds, or 0 for none")
    design: Any = _sentence(found, "design", "a study", "each")
    return Study(
        name=_sentence(found, "name", "a study"),
        about=_sentence(found, "about", "a study", ""),
        base=_sentence(found, "base", "a study"),
        changes=tuple(_change(change, f"change {number}") for number, change in enumerate(changes, start=1)),
        design=design,
        fields=_table(found, "fields", "a study"),
        levels={factor: tuple(names) for factor, names in levels.items()},
        fraction=share,
        data=_sentence(found, "data", "a study", ""),
        seeds=seeds,
        budget=float(budget),
    )


def _change(values: Mapping[str, Any], where: str) -> Change:
    """One change of a study."""
    found = _only(values, Change, where)
    return Change(_sentence(found, "name", where), _sentence(found, "reason", where, ""), _table(found, "fields", where))


def _only(values: Mapping[str, Any], kind: type[Study | Change], where: str) -> Mapping[str, Any]:
    """The values, if every key is a field of the dataclass. Raises UsageError otherwise, with the nearest name."""
    known = [entry.name for entry in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise UsageError(
                f"{where} has no key {_short(key)}{did_you_mean(str(key), known)}; the keys are {', '.join(known)}"
            )
    return values


def _sentence(values: Mapping[str, Any], key: str, where: str, otherwise: str | None = None) -> str:
    """A text of one line. Raises UsageError if it is none, too long, or missing where there is nothing else to take."""
    value = values.get(key, otherwise)
    if value is None:
        raise UsageError(f"the {key} of {where} is missing; give it as a text")
    if not isinstance(value, str):
        raise UsageError(f"the {key} of {where} is {_short(value)}; expected a text")
    value = " ".join(value.split())
    if not value.isprintable() or len(value) > LONGEST_SENTENCE:
        raise UsageError(f"the {key} of {where} is {_short(value)}; expected at most {LONGEST_SENTENCE} printable characters")
    return value


def _table(values: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """A table of fields or levels; lists among its values become tuples, as in recipes, but for the levels of a grid."""
    value = values.get(key, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"the {key} of {where} are {_short(value)}; expected a table")
    return {str(name): _tuples(entry) if key == "fields" else entry for name, entry in value.items()}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _short(value: Any) -> str:
    """A value in an error, cut off where it becomes long."""
    try:
        shown = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a very large number"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."  # chosen by hand: a line of a terminal
