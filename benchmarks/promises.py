"""Whether budgets keep what they promise: `seefar train --recipe fast --budget N`, then a look at test, for several budgets and seeds.

    .venv/bin/python benchmarks/promises.py 12s 27s 52s 90s 160s              # each with three seeds, on an otherwise idle machine
    .venv/bin/python benchmarks/promises.py 27s --seeds 1 --from 500 --cold

With `--cold` nothing is in the memory of the machine (as root) or compiled to bytecode, as after an installation. What is done stays in
`docs/promises.json`; a budget and seed that are there are not tried again.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from time_to_accuracy import product_rate

from seefar.files import write_json

RESULTS = Path("docs/promises.json")
CACHES = Path("/proc/sys/vm/drop_caches")


def attempt(budget: str, seed: int, images: str, cold: bool) -> dict[str, Any]:
    """One run and one look at its test images: what was said before, what came, and where the seconds went."""
    rate = product_rate()
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        environment = dict(os.environ)
        if cold:
            environment["PYTHONPYCACHEPREFIX"] = f"{place}/bytecode"
            os.sync()
            if os.access(CACHES, os.W_OK):
                CACHES.write_text("3")
        words = ["train", "--data", images, "--recipe", "fast", "--budget", budget, "--seed", str(seed), "--out", str(run)]
        said = _seefar(words, environment).stderr
        tested = json.loads(_seefar(["evaluate", str(run), "--split", "test", "--json"], environment).stdout)
    promise = re.search(r"augmentation: ([\d.]+)% to ([\d.]+)%", said)
    spent = re.search(r"used ([\d.]+) s: ([\d.]+) s before the first step, ([\d.]+) s in steps, ([\d.]+) s validating", said)
    if not spent:
        raise SystemExit(f"no account of the budget in:\n{said}")
    return {
        "budget": budget,
        "seed": seed,
        "cold": cold,
        "gflops": rate,
        "promised": [float(word) / 100 for word in promise.groups()] if promise else None,
        "accuracy": tested["tta_accuracy"]["value"],
        **dict(zip(("used", "before", "steps", "validating"), map(float, spent.groups()), strict=True)),
    }


def _seefar(words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "seefar", *words], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise SystemExit(f"seefar {' '.join(words)}: {done.stdout}{done.stderr}")
    return done


def is_kept(result: dict[str, Any]) -> bool:
    """Whether the accuracy lies in the promised interval."""
    low, high = result["promised"]
    return bool(low <= result["accuracy"] <= high)


def table(results: list[dict[str, Any]]) -> str:
    """All attempts as Markdown."""
    lines = ["| budget | seed | promised | reached | kept | used | before the first step | GFLOP/s |", "|---" * 8 + "|"]
    for result in results:
        promise, kept = "unknown", ""
        if result["promised"]:
            promise = " to ".join(f"{100 * end:.1f}" for end in result["promised"])
            kept = "yes" if is_kept(result) else "**no**"
        seed = f"{result['seed']}, cold" if result["cold"] else f"{result['seed']}"
        lines.append(
            f"| {result['budget']} | {seed} | {promise} | {100 * result['accuracy']:.1f} | {kept} | {result['used']:.1f} s "
            f"| {result['before']:.1f} s | {result['gflops']} |"
        )
    promised = [result for result in results if result["promised"]]
    return "\n".join([*lines, "", f"{sum(map(is_kept, promised))} of {len(promised)} promises kept"])


def main() -> None:
    """Try what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("budgets", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from", type=int, default=100, dest="first", help="the first seed")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--images", default="../shared/data/cifar10-jpeg.zip")
    given = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    for seed in range(given.first, given.first + given.seeds):
        for budget in given.budgets:
            key = f"{budget}, seed {seed}{', cold' if given.cold else ''}"
            if key not in results:
                results[key] = attempt(budget, seed, given.images, given.cold)
                write_json(RESULTS, results)
                print(f"{key}: {results[key]}", flush=True)
    print(table(list(results.values())))


if __name__ == "__main__":
    main()
