"""A study: a recipe, changes with their reasons, and seeds; from these the variants that are trained and compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Design = Literal["each", "cumulative", "removed", "grid"]


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
    """

    name: str
    about: str
    base: str
    changes: tuple[Change, ...]
    design: Design = "each"
    fields: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fraction: float = 1.0


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
