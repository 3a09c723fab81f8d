"""One timed training of seefar for `time_to_accuracy.py`, printed as its peers print theirs.

    .venv/bin/python benchmarks/ours.py ARRAYS.npz --seed 0 --set epochs=3 --set batch_size=500

Recipe `fast` with the changes. The time runs from loaded arrays to final weights: drawing and fitting the network, every step, saving;
it stands still while validation is looked at.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from seefar.data.images import ImageSet
from seefar.model.load import load_model
from seefar.networks.device import keep_freed_memory
from seefar.recipe_fields import change, find
from seefar.runs import folder
from seefar.training.events import Step
from seefar.training.fit import fit
from seefar.training.machine import choose_machine
from seefar.training.metadata import recipe_json
from seefar.training.plan import Plan

CPU = torch.device("cpu")


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arrays")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--set", action="append", default=[], help="field=value")
    parser.add_argument("--everything", action="store_true", help="train on the validation images, too")
    parser.add_argument("--trial", action="store_true", help="leave test alone: for choosing settings")
    given = parser.parse_args()
    keep_freed_memory()
    recipe = change(find(given.recipe), dict(word.split("=", 1) for word in given.set))
    images = splits(given.arrays)
    train = images["train"]
    if given.everything:
        train = joined(train, images["validation"])
    with tempfile.TemporaryDirectory() as place:
        run = folder.create(Path(place) / "run")
        for name in folder.CHOSEN:
            run.write(name, {})
        run.write("recipe.json", recipe_json(recipe, given.seed))
        run.write("data.json", {"classes": train.classes, "size": train.size, "origin": {}})
        machine = choose_machine(recipe.optimisation.precision, "cpu")
        plan = Plan(recipe, given.seed, train, images["validation"], run, machine)
        spent = 0.0
        since = time.perf_counter()
        for event in fit(plan):
            now = time.perf_counter()
            if isinstance(event, Step):
                spent += now - since
            else:
                right = round(event.validation_accuracy, 4)
                print(json.dumps({"epoch": event.number, "seconds": round(spent, 2), "validation": right}), flush=True)
            since = time.perf_counter()
        last = {"seconds": round(spent, 2)}
        model = load_model(run, "cpu")
        for split in ("validation",) if given.trial else ("validation", "test"):
            for name, tta in (("", "none"), ("_tta", recipe.kept.tta)):
                found = model.logits(images[split].pixels, tta).argmax(1)
                last[split + name] = round(float((found == images[split].labels).mean()), 4)
        print(json.dumps(last))


def splits(path: str) -> dict[str, ImageSet]:
    """The three splits of the arrays."""
    with np.load(path) as arrays:
        return {
            name: ImageSet(
                arrays[f"{name}_pixels"],
                arrays[f"{name}_labels"],
                tuple(arrays["classes"].tolist()),
                tuple(f"{name}/{i}" for i in range(len(arrays[f"{name}_labels"]))),
            )
            for name in ("train", "validation", "test")
        }


def joined(one: ImageSet, other: ImageSet) -> ImageSet:
    """Both sets as one."""
    return ImageSet(
        np.concatenate([one.pixels, other.pixels]),
        np.concatenate([one.labels, other.labels]),
        one.classes,
        one.ids + other.ids,
    )


if __name__ == "__main__":
    main()
