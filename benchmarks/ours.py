"""One timed training of seefar for `time_to_accuracy.py`, printed as its peers print theirs.

    .venv/bin/python benchmarks/ours.py ARRAYS.npz --seed 0 --set epochs=3 --set batch_size=500

Recipe `fast` with the changes. The time runs from loaded arrays to final weights: drawing and fitting the network, every step, saving;
it stands still while validation is looked at.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from seefar import recipes
from seefar.data.images import ImageSet
from seefar.models.device import choose_precision, keep_freed_memory
from seefar.models.predict import predict
from seefar.runs import folder
from seefar.training.fit import fit
from seefar.training.loop import Step
from seefar.training.network import load_network

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
    recipe = recipes.change(recipes.find(given.recipe), dict(word.split("=", 1) for word in given.set))
    images = splits(given.arrays)
    train = images["train"]
    if given.everything:
        train = joined(train, images["validation"])
    with tempfile.TemporaryDirectory() as place:
        run = folder.create(Path(place) / "run")
        for name in folder.CHOSEN:
            run.write(name, {})
        run.write("recipe.json", {"seed": given.seed, **dataclasses.asdict(recipe)})
        run.write("data.json", {"classes": train.classes, "size": train.size})
        spent = 0.0
        since = time.perf_counter()
        for event in fit(recipe, given.seed, train, images["validation"], run, CPU):
            now = time.perf_counter()
            if isinstance(event, Step):
                spent += now - since
            else:
                right = round(event.validation_accuracy, 4)
                print(json.dumps({"epoch": event.number, "seconds": round(spent, 2), "validation": right}), flush=True)
            since = time.perf_counter()
        last = {"seconds": round(spent, 2)}
        network = load_network(run, CPU)
        precision = choose_precision(recipe.precision, CPU)
        for split in ("validation",) if given.trial else ("validation", "test"):
            for name, tta in (("", "none"), ("_tta", recipe.tta)):
                found = predict(network, images[split].pixels, precision, tta=tta).argmax(1)
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
