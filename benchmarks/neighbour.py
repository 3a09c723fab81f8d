"""What a second training on the machine costs the first one, by how long threads spin while they wait for each other.

    .venv/bin/python benchmarks/neighbour.py                    # minutes, on an otherwise idle machine
    .venv/bin/python benchmarks/neighbour.py 300000 10000 300000,300000 300000,1000 --rounds 3

Each line: seconds of a step of recipe `fast` (500 images of 32x32, two threads), for one process or for each of several at once; the median
of the steps, then that of the rounds, which go through all settings in turn. `GOMP_SPINCOUNT=300000` is what GNU's OpenMP does by itself.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median

from seefar.waiting import BESIDE, VARIABLE

READY = 8  # seconds after which all of them have started (chosen by hand)
STEPS = """
import statistics, sys, time
import numpy as np
from seefar.data.shapes import load_shapes
from seefar.networks.device import keep_freed_memory
from seefar.recipe_fields import change, find
from seefar.training.learner import new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.machine import choose_machine
from seefar.training.new_network import new_network
keep_freed_memory()
recipe = change(find("fast"), {"leave_out": 0.0, "batch_size": 500})
train, machine = load_shapes(train=500, test=10).train, choose_machine("auto")
learner, batches = new_learner(recipe, new_network(recipe, 0, train), train, machine), new_batches(recipe, 0, train, machine)
time.sleep(max(float(sys.argv[2]) - time.time(), 0))
seconds = []
for epoch in range(1, int(sys.argv[1]) + 1):
    began = time.perf_counter()
    for step in train_epoch(learner, batches, epoch, lambda _: 0.01):
        step.loss.item()
    seconds.append(time.perf_counter() - began)
print(statistics.median(seconds[2:]))
"""


def together(spins: list[int], steps: int) -> list[float]:
    """Seconds of a step in each of several processes that train at once, one for each number of spins."""
    command = [sys.executable, "-c", STEPS, str(steps), str(time.time() + READY)]
    workers = [
        subprocess.Popen(command, env=os.environ | {VARIABLE: str(count)}, stdout=subprocess.PIPE, text=True) for count in spins
    ]
    return [float(worker.communicate()[0]) for worker in workers]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "settings", nargs="*", default=["300000", f"{BESIDE}", "300000,300000", f"300000,{BESIDE}", f"{BESIDE},{BESIDE}"]
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=12)
    given = parser.parse_args()
    seconds: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(given.rounds):
        for setting in given.settings:
            seconds[setting].append(together([int(count) for count in setting.split(",")], given.steps))
    print("| spins | seconds a step |\n|---|---|")
    for name, rounds in seconds.items():
        print(f"| {name} | {', '.join(f'{median(column):.3f}' for column in zip(*rounds, strict=True))} |")


if __name__ == "__main__":
    main()
