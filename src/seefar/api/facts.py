"""What a run folder holds before the first step: the recipe, what is known of the data, the splits, the machine, some pictures."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from seefar.api.surroundings import Machine
from seefar.data.images import Dataset, ImageSet
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.runs.folder import Run

VIEWS = 9  # epochs in which the report shows augmented images (chosen by hand: a row on a screen)


def folder_name(data: Dataset, recipe: Recipe, seed: int) -> str:
    name = re.sub(r"[^\w+=.,-]+", "_", recipe.name)  # no brackets and slashes in the name of a folder
    return f"{data.name}-{name}-seed{seed}"


def make_folder(path: Path, *, numbered: bool) -> Run:
    return folder.create_numbered(path) if numbered else folder.create(path)


def write_facts(
    run: Run,
    recipe: Recipe,
    seed: int,
    data: Dataset,
    training: ImageSet,
    validation: ImageSet,
    machine: Machine,
    start: Run | None,
) -> None:
    """Everything that is known before the first step."""
    from seefar.data.batches import see
    from seefar.runs.pictures import keep_training_pictures
    from seefar.training.environment import environment
    from seefar.training.prepare import augmentation

    begins = _start_facts(start) if start is not None else None
    run.write("recipe.json", {"seed": seed, **dataclasses.asdict(recipe)})
    run.write("data.json", _data_facts(data, training, validation) | {"start": begins})
    run.write("splits.json", {"seed": data.split_seed, "validation": validation.ids, "train": training.ids})
    made = environment(recipe, seed, data.origin, machine.device, machine.precision, begins)
    how = {"deterministic": machine.deterministic, "compiled": machine.compiled, "processes": machine.processes.count}
    run.write("environment.json", made | how)
    changed = augmentation(recipe)
    keep_training_pictures(run, data.train, None if changed.is_off else lambda shown: see(shown, changed, VIEWS, seed))


def _start_facts(run: Run) -> dict[str, str]:
    """Which run's weights another one starts from."""
    return {"run": run.path.name, "weights": run.digest(f"weights/{run.recipe()['keep']}.safetensors")}


def _data_facts(data: Dataset, training: ImageSet, validation: ImageSet) -> dict[str, Any]:
    """What training knew of the data: nothing in here depends on a test image."""
    return {
        "name": data.name,
        "source": data.source,
        "origin": data.origin,
        "classes": data.classes,
        "size": data.train.size,
        "digest": data.train.digest,
        "train": training.counts().tolist(),
        "validation": validation.counts().tolist(),
    }
