"""`seefar recipes`: list recipes, read one, compare two."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

EXAMPLES = (
    "seefar recipes",
    "seefar recipes tiny baseline",
    "seefar recipes deep --layers",
)


def recipes(
    a: str | None = None,
    b: str | None = None,
    /,
    *,
    layers: Annotated[bool, Parameter(negative="")] = False,
    classes: int = 10,
    size: int = 32,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the recipes; with one name show all of its fields, with two names where they differ.

    Parameters
    ----------
    a
        A recipe.
    b
        Another one to compare it with.
    layers
        Of one recipe, show the layers of its network instead: shapes, parameters, multiply-adds.
    classes
        How many classes the images have, for --layers.
    size
        Height and width of the images in pixels, for --layers.
    json
        Print one JSON document.
    """
    from seefar.cli.output import print_json, print_layers, print_table
    from seefar.errors import UsageError
    from seefar.recipe_fields import as_json, find
    from seefar.recipes import RECIPES
    from seefar.reporting import tables

    if layers:
        import seefar as sf

        if a is None or b is not None:
            raise UsageError("--layers shows the network of one recipe; name it, such as seefar recipes deep --layers")
        found = [asdict(layer) for layer in sf.summary(a, classes, size)]
        if json:
            print_json(found)
        else:
            print(f"{a}, for images of {size}x{size} pixels in {classes} classes")
            print_layers(found)
        return
    chosen = [find(name) for name in (a, b) if name] or list(RECIPES.values())
    if json:
        print_json({recipe.name: as_json(recipe) for recipe in chosen})
    elif a is None:
        print_table(tables.Table(["recipe", "what it is for"], [(recipe.name, recipe.about) for recipe in chosen]))
    elif b is None:
        print(f"{a}: {chosen[0].about}")
        print_table(tables.recipe(chosen[0]))
    else:
        print_table(tables.recipes(*chosen))
