"""What a run folder holds before the first step: recipe, data, splits, environment, and a few training pictures."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data.augmentation_preview import views_of
from seefar.data.describe import describe_images, examples, mean_images
from seefar.data.images import Dataset, ImageSet
from seefar.network_source import STORED
from seefar.networks.build import source_text
from seefar.recipe_fields import as_json
from seefar.recipes import Augmentation, Recipe
from seefar.runs import folder
from seefar.runs.folder import Run
from seefar.training.environment import environment
from seefar.training.plan import Plan

EPOCHS = 9  # in which the report shows augmented images (chosen by hand: a row on a screen)
AUGMENTED = 6  # images that it shows augmented (chosen by hand)
MOST_PICTURES = 80  # examples in all, so that a report of 100 classes stays small (chosen by hand)


def folder_name(data: Dataset, recipe: Recipe, seed: int) -> str:
    """The name of a run's folder, without brackets and slashes."""
    name = re.sub(r"[^\w+=.,-]+", "_", recipe.name)
    return f"{data.name}-{name}-seed{seed}"


def make_folder(path: Path, *, numbered: bool) -> Run:
    return folder.create_numbered(path) if numbered else folder.create(path)


def recipe_json(recipe: Recipe, seed: int) -> dict[str, Any]:
    """The content of recipe.json."""
    return {"seed": seed, **as_json(recipe)}


def write_metadata(plan: Plan, data: Dataset, begins: dict[str, str] | None = None) -> None:
    """Write everything that is known before the first step.

    Args:
        plan: the training.
        data: where its images come from; nothing that is written depends on a test image.
        begins: whose weights it starts from, and their SHA-256.
    """
    run = plan.run
    run.write("recipe.json", recipe_json(plan.recipe, plan.seed))
    run.write("data.json", _data(plan, data) | {"start": begins})
    run.write("splits.json", {"seed": data.split_seed, "validation": plan.validation.ids, "train": plan.train.ids})
    run.write("environment.json", environment(plan, data.origin, begins))
    if text := source_text(plan.recipe.network):
        run.write_bytes(STORED, text.encode())
    _keep_pictures(plan, data.train)


def _keep_pictures(plan: Plan, train: ImageSet) -> None:
    """Write what the report shows of the training images: description, examples, class means, augmented images if there are any."""
    plan.run.write("description-train.json", asdict(describe_images(train)))
    shown = examples(train, int(np.clip(MOST_PICTURES // len(train.classes), 1, 8)))
    arrays = {"pixels": shown.pixels, "labels": shown.labels, "means": mean_images(train)}
    if (augmentation := plan.recipe.augmentation) != Augmentation():
        firsts = np.unique(shown.labels, return_index=True)[1][:AUGMENTED]  # one image a class
        views = views_of(shown[firsts], augmentation, EPOCHS, plan.seed)
        arrays |= {"augmented": views, "augmented_labels": shown.labels[firsts]}
    plan.run.write_arrays("pictures-train.npz", **arrays)


def _data(plan: Plan, data: Dataset) -> dict[str, Any]:
    """What training knew of the data."""
    counts = {"train": len(set(plan.train.groups)), "validation": len(set(plan.validation.groups))}
    return {
        "name": data.name,
        "source": data.source,
        "origin": data.origin,
        "classes": data.classes,
        "size": data.train.size,
        "digest": data.train.digest,
        "train": plan.train.counts().tolist(),
        "validation": plan.validation.counts().tolist(),
        "groups": {"by": data.grouped_by, **counts} if data.train.groups else None,
    }
