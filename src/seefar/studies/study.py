"""A study: a recipe, changes with their reasons, and seeds; from these the variants that are trained and compared."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from seefar import recipe_fields
from seefar.errors import UsageError, did_you_mean
from seefar.recipe_fields import find, flat
from seefar.recipes import Recipe

Design = Literal["each", "cumulative", "removed", "grid"]

MOST_VARIANTS = 200  # chosen by hand: with three seeds and a minute a run, ten hours
LONGEST_NAME = 120  # characters; chosen by hand: folders and tables are labelled with it


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
    """A question, and the trainings that answer it.

    Attributes:
        name: of the study; its folder is named after it.
        about: what it asks, in a sentence.
        base: the name of the recipe that it starts from.
        fields: fields of that recipe that all variants change alike (fewer epochs, say).
        changes: in the order in which they are tried.
        design: "each": the base with one change at a time; "cumulative": each change on top of those before it; "removed": the
            base with all changes, and that with one of them undone at a time; "grid": all combinations of the named levels.
        levels: for a grid, the changes of each factor, of which a combination takes one: {"dropout": ("dropout=0", "dropout=0.4")}.
        data: a name or path of images, used unless other data is given.
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
    """What is trained, the base first.

    Whether the networks can be built depends on the images: `seefar.studies.preconditions` checks that.

    Raises:
        UsageError: no such recipe, field or level; in any variant a value of the wrong type or out of its range; two changes of
            one name, variants that are the same, no changes, or too many.
    """
    base = find(study.base)
    _check_shape(study)
    with_fields(base, study.fields, "the fields of the study")
    made = [
        dataclasses.replace(variant, fields=_differing(base, variant.fields, f"variant {variant.name!r}"))
        for variant in _DESIGNS[study.design](study)
    ]
    _check_different(base, made)
    return made


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
    """One level of each factor, in all combinations; the base has the first levels."""
    named = {change.name: change for change in study.changes}
    firsts = {levels[0] for levels in study.levels.values()}
    made = []
    for names in product(*study.levels.values()):
        chosen = [named[name] for name in names]
        new = [change for change in chosen if change.name not in firsts]
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


def with_fields(base: Recipe, fields: Mapping[str, Any], where: str) -> Recipe:
    """The recipe with those fields; an error says where they stand."""
    try:
        return recipe_fields.change(base, fields)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", error.details) from None


def _differing(base: Recipe, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields, as values of their types, without those that the base has already."""
    before, after = flat(base), flat(with_fields(base, fields, where))
    return {name: after[name] for name in fields if after[name] != before.get(name)}


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
    if len(names) >= MOST_VARIANTS:
        raise UsageError(f"the study has {len(names)} changes; allowed is at most {MOST_VARIANTS - 1}, so split it")


def _check_grid(study: Study, names: Sequence[str]) -> None:
    """Raise UsageError for levels that do not make a grid."""
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
    count = math.prod(len(levels) for levels in study.levels.values())
    if count > MOST_VARIANTS:
        raise UsageError(f"the grid has {count} combinations; allowed is at most {MOST_VARIANTS}, so take some levels out")


def _check_different(base: Recipe, made: Sequence[Variant]) -> None:
    """Raise UsageError if two variants have the same name or the same recipe."""
    seen: dict[str, str] = {}
    for variant in made:
        key = json.dumps(flat(with_fields(base, variant.fields, variant.name)))
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


def digest(study: Study) -> str:
    """The SHA-256 of all that decides results: each variant's name, whole recipe, and what it is compared with.

    Reasons, and how the study is written down, are no part of it. A recipe of another content under the same name is.
    """
    base = find(study.base)
    whole = [
        [variant.name, variant.against, flat(with_fields(base, variant.fields, variant.name))] for variant in variants(study)
    ]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
