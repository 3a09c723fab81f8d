"""`seefar recipes`: list recipes, read one, compare two."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from seefar.recipes import Recipe

EXAMPLES = (
    "seefar recipes",
    "seefar recipes tiny baseline",
    "seefar recipes deep --layers",
    "seefar recipes --time",
)
IMAGES = 50_000  # as CIFAR-10 has for training
FEW = 64  # images of a step that is tried: the largest recipe takes seconds for one


def recipes(
    a: str | None = None,
    b: str | None = None,
    /,
    *,
    layers: Annotated[bool, Parameter(negative="")] = False,
    time: Annotated[bool, Parameter(negative="")] = False,
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
    time
        Try each recipe for a moment, and show how long it takes on this machine for the 50,000 images of CIFAR-10.
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
    from seefar.reporting.words import duration

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
    if time:
        seconds = _seconds_here(chosen)
        if json:
            print_json(seconds)
        else:
            rows = [(name, duration(value)) for name, value in seconds.items()]
            print_table(tables.Table(["recipe", f"{IMAGES:,} images of 32x32, on this machine"], rows))
    elif json:
        print_json({recipe.name: as_json(recipe) for recipe in chosen})
    elif a is None:
        print_table(tables.Table(["recipe", "what it is for"], [(recipe.name, recipe.about) for recipe in chosen]))
    elif b is None:
        print(f"{a}: {chosen[0].about}")
        print_table(tables.recipe(chosen[0]))
    else:
        print_table(tables.recipes(*chosen))


def _seconds_here(recipes: "Sequence[Recipe]") -> dict[str, float]:
    """How long each takes on this machine."""
    from seefar.cli.options import settle

    settle()  # before torch is loaded
    from seefar import progress
    from seefar.data.shapes import load_shapes
    from seefar.training.machine import choose_machine
    from seefar.training.step_seconds import run_seconds, step_seconds

    images = load_shapes(train=FEW, test=10).train
    found: dict[str, float] = {}
    with progress.bar("trying") as tell:
        for recipe in recipes:
            tell(len(found), len(recipes), recipe.name)
            here = step_seconds(recipe, images, choose_machine(recipe.optimisation.precision), FEW)
            found[recipe.name] = round(run_seconds(recipe, here, IMAGES), 1)
    return found
