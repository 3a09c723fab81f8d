"""What the scripts of the peers share: arrays in, a line of JSON for each look at validation out; only training is timed.

    python benchmarks/peers/PEER.py ARRAYS.npz --seed 0 --seconds 900

ARRAYS.npz holds uint8 images `(n, 32, 32, 3)` and labels of three splits, as `benchmarks/time_to_accuracy.py` writes it.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

Split = tuple[np.ndarray, np.ndarray]


def options(description: str, **choices: tuple[str, ...]) -> argparse.Namespace:
    """The command line; each of `choices` is a further option, whose first value is the default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arrays")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=900, help="of training, after which it ends with its epoch")
    for name, values in choices.items():
        parser.add_argument(f"--{name}", choices=values, default=values[0])
    return parser.parse_args()


def splits(path: str) -> dict[str, Split]:
    """Images and labels of "train", "validation" and "test"."""
    with np.load(path) as arrays:
        return {name: (arrays[f"{name}_pixels"], arrays[f"{name}_labels"]) for name in ("train", "validation", "test")}


class Clock:
    """Seconds of training so far: it stands still while validation is looked at."""

    def __init__(self, limit: float) -> None:
        self.limit, self.spent, self.since = limit, 0.0, time.perf_counter()

    def look(self, epoch: float, accuracy: Callable[[], float]) -> bool:
        """Stop, print a line with the accuracy on validation, and go on; whether the time is up."""
        self.spent += time.perf_counter() - self.since
        print(json.dumps({"epoch": epoch, "seconds": round(self.spent, 2), "validation": round(accuracy(), 4)}), flush=True)
        self.since = time.perf_counter()
        return self.spent >= self.limit


def finish(clock: Clock, **accuracies: float) -> None:
    """The last line: the accuracy on test, which was looked at once."""
    print(
        json.dumps({"seconds": round(clock.spent, 2), **{name: round(value, 4) for name, value in accuracies.items()}}),
        flush=True,
    )
