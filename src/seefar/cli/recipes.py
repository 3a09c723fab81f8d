"""`seefar recipes`: list recipes, read one, compare two."""

from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

EXAMPLES = (
    "seefar recipes",
    "seefar recipes tiny baseline",
)


def recipes(a: str | None = None, b: str | None = None, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the recipes; with one name show all of its fields, with two names where they differ.

    Parameters
    ----------
    a
        A recipe.
    b
        Another one to compare it with.
    json
        Print one JSON document.
    """
    from seefar.cli.output import print_json, print_table
    from seefar.recipes import RECIPES, find, meanings, text

    chosen: dict[str, dict[str, Any]] = {
        name: asdict(find(name)) for name in ([a, b] if a and b else [a] if a else RECIPES) if name
    }
    if json:
        print_json(chosen)
    elif a is None:
        print_table(["recipe", "what it is for"], [(name, fields["about"]) for name, fields in chosen.items()])
    elif b is None:
        print_table(
            ["field", a, "meaning"], [(field, text(chosen[a][field]), meaning) for field, meaning in meanings().items()]
        )
    else:
        one, other = chosen[a], chosen[b]
        print_table(
            ["field", a, b], [(field, text(one[field]), text(other[field])) for field in one if one[field] != other[field]]
        )
