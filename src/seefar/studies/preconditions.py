"""What a study and a search refuse before anything is trained: recipes that do not fit the images, a folder begun with other ones."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from seefar import files
from seefar.cores import cores
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.recipe_fields import change
from seefar.recipes import Recipe
from seefar.training.check import check


def check_number(name: str, value: int, low: int, high: int) -> None:
    """Raise UsageError for a setting outside of its range."""
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}; allowed is {low} to {high}")


def check_fit(base: Recipe, variants: Iterable[tuple[str, Mapping[str, Any]]], images: Dataset) -> None:
    """Raise UsageError if a variant cannot be trained on these images.

    Args:
        base: the recipe that the variants change.
        variants: what each is called at the head of an error, and the fields that it changes.
        images: the data set.
    """

    @cache
    def left(validation: float) -> int:
        return len(images.held_out(validation)[0])

    for name, fields in variants:
        try:
            recipe = change(base, fields)
            check(recipe, len(images.classes), images.train.size, left(recipe.kept.validation))
        except UsageError as error:
            raise UsageError(f"{name}{error}", error.details) from None


def claim_folder(
    path: Path,
    kind: str,
    facts: Mapping[str, Any],
    images: Dataset,
    threads: int | None,
    jobs: int,
    check_same: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Write down what a folder is for when it is first used; later, refuse whatever would not continue that.

    Args:
        path: the file in the folder that says it.
        kind: "study" or "search", for errors.
        facts: what the file says, beside the images and the number of threads.
        images: the data set, whose training and test images must stay the same.
        threads: of each training; None for the number of the first call, by default the cores of this process divided by `jobs`.
        jobs: trainings at the same time.
        check_same: raises an error if the facts in the file are those of something else.

    Returns:
        What the file says.

    Raises:
        UsageError: the folder began with other images, something else, or another number of threads.
    """
    here = {"train": images.train.digest, "test": images.test.digest}
    if not path.exists():
        settled = max(1, cores() // jobs) if threads is None else threads
        files.write_json(path, {**facts, "data": images.name, **here, "threads": settled})
    there: dict[str, Any] = json.loads(path.read_bytes())
    if any(there[part] != digest for part, digest in here.items()):
        raise UsageError(
            f"the images have changed since the {kind} in {path.parent} began; give the same ones, or another --out"
        )
    check_same(there)
    if threads not in (None, there["threads"]):
        raise UsageError(
            f"threads is {threads}, but the {kind} in {path.parent} began with {there['threads']}, and results depend on it; leave it out"
        )
    return there
