"""What everything around the model costs in an epoch of `deep`: augmentation, progress, validation, saving.

    .venv/bin/python benchmarks/overhead.py          # needs ../shared/data/cifar10-jpeg.zip, or a path as the first argument

An epoch as `seefar train` makes it, and the same number of bare steps (forward, backward, optimiser, on one batch that lies ready),
in turn, three times. Prints a Markdown table; the machine must be otherwise idle.
"""

import sys
import tempfile
import time
from statistics import median

import torch

import seefar as sf
from seefar.data.images import ImageSet
from seefar.data.splits import carve
from seefar.recipe_fields import find
from seefar.training.learner import new_batches, new_learner
from seefar.training.machine import choose_machine
from seefar.training.new_network import new_network

IMAGES = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/cifar10-jpeg.zip"
ROUNDS = 3
STEPS = 60  # bare steps that are timed in each round


def main() -> None:
    """Measure and print."""
    data = sf.load(IMAGES)
    training, _ = carve(data.train, 0.1, 0, "validation")
    epochs, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        run = sf.train(data, "deep", out=f"{folder}/run", epochs=1)
        for number in range(ROUNDS):
            bare.append(median(time_steps(training)[5:]))
            run = sf.resume(run, data=data, epochs=number + 2)
            epochs.append(run.read("timing.json")["seconds_by_epoch"][-1])
    steps = -(-len(training) // find("deep").sampling.batch_size)
    overhead = [1 - steps * step / epoch for step, epoch in zip(bare, epochs, strict=True)]
    print("\n| what | median of 3 | all |\n|---|---|---|")
    print(f"| an epoch of `deep`, validation and saving included | {median(epochs):.1f} s | {numbers(epochs, 1)} |")
    print(f"| {steps} bare steps | {steps * median(bare):.1f} s | {numbers([steps * step for step in bare], 1)} |")
    print(f"| share of everything around the model | {median(overhead):.1%} | {numbers([100 * o for o in overhead], 1)} |")


def time_steps(images: ImageSet) -> list[float]:
    """Seconds of each of some steps of a new `deep` network: forward, backward, optimiser, on its first batch. The first are slower."""
    recipe = find("deep")
    machine = choose_machine(recipe.optimisation.precision, "cpu")
    learner = new_learner(recipe, new_network(recipe, 0, images).train(), images, machine)
    batch = next(new_batches(recipe, 0, images, machine).epoch(1))
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        with torch.autocast("cpu", machine.precision, enabled=machine.precision != torch.float32):
            logits = learner.network(batch.pixels)
        learner.optimiser.zero_grad()
        learner.criterion(logits.float(), batch.targets).mean().backward()
        learner.optimiser.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def numbers(values: list[float], digits: int) -> str:
    """Numbers in a row."""
    return ", ".join(f"{value:.{digits}f}" for value in values)


if __name__ == "__main__":
    main()
