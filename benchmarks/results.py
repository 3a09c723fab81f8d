"""Every named recipe on CIFAR-10, with several seeds each: docs/results.md.

    make results                                          # hours; what docs/results.json holds is kept: on a clone, all of it
    make results ARGS=--fresh                             # trains everything anew
    .venv/bin/python benchmarks/results.py --only fast    # recipes whose name contains it
    .venv/bin/python benchmarks/results.py --only none    # the page from what there is

Each training is `seefar train` in a process of its own, alone on the machine; its test images are looked at once, when it has ended.
Nothing is chosen here. Results go into `docs/results.json` after each training, and the page is made from that alone. The images:
`scripts/cifar10_jpeg.py`.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from time_to_accuracy import mean, product_rate

import seefar as sf
from seefar.files import write_bytes, write_json
from seefar.recipes import RECIPES

IMAGES = "../shared/data/cifar10-jpeg.zip"
RESULTS, PAGE = Path("docs/results.json"), Path("docs/results.md")
SEEDS = 3
ON_TWO_CORES = ("tiny", "baseline", "fast", "deep")
FOR_A_GPU = ("fast_gpu", "best")  # trained where there is one


def main() -> None:
    """Carry out what is not done yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", default=IMAGES)
    parser.add_argument("--only", default="")
    parser.add_argument("--fresh", action="store_true", help=f"train anew what {RESULTS} holds, too")
    given = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    recipes = ON_TWO_CORES + (FOR_A_GPU if torch.cuda.is_available() else ())
    for seed in range(SEEDS):
        for recipe in recipes:
            key = f"{recipe}, seed {seed}"
            if given.only not in recipe:
                continue
            if key in results and not given.fresh:
                print(f"{key}: kept from {RESULTS}; --fresh trains it anew", flush=True)
            else:
                results[key] = found = one_run(recipe, seed, given.images)
                write_json(RESULTS, results)
                print(f"{key}: {found['accuracy']:.2%} in {found['seconds']:.0f} s", flush=True)
    words = page(list(results.values()))
    write_bytes(PAGE, words.encode())
    print(words)


def one_run(recipe: str, seed: int, images: str) -> dict[str, Any]:
    """Train and look at test, as a user would; what came of it."""
    before = product_rate()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/run"
        seefar("train", "--data", images, "--recipe", recipe, "--seed", str(seed), "--out", path)
        evaluation = json.loads(seefar("evaluate", path, "--split", "test", "--json"))
        run = sf.open_run(path)
        environment, seconds = run.read("environment.json"), sum(run.read("timing.json")["seconds_by_epoch"])
        epochs = len(run.history())
    return {
        "recipe": recipe,
        "seed": seed,
        "accuracy": evaluation["accuracy"]["value"],
        "accuracy_tta": evaluation["tta_accuracy"]["value"] if evaluation["tta"] != "none" else None,
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "gflops": [before, product_rate()],
        "machine": machine(environment["precision"]),
        "date": date.today().isoformat(),
    }


def seefar(*words: str) -> str:
    """What the command prints on stdout; its stderr is shown."""
    return subprocess.run([sys.executable, "-m", "seefar", *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def machine(precision: str) -> str:
    """What the trainings ran on, in words."""
    if torch.cuda.is_available():
        where = torch.cuda.get_device_name()
    else:
        where = f"{torch.get_num_threads()} cores, {torch.cpu.get_capabilities().get('cpu_name', platform.processor())}"
    return f"{where}, torch {torch.__version__.partition('+')[0]}, {precision}"


def page(runs: Sequence[Mapping[str, Any]]) -> str:
    """The page, from the results alone."""
    lines = [
        "# Results",
        "",
        "Made by `make results` (`benchmarks/results.py`) from [results.json](results.json); nothing here is typed by hand.",
        "The images are CIFAR-10 saved as JPEG of quality 75, which is harder than the original pixels: compare these figures with",
        "each other only. Recipes were chosen on validation images ([log](log.md)); the 10,000 test images were looked at once for each",
        "training. The interval is that of the mean over seeds (Student's t, 95 %). Each training was alone on the machine, but for",
        "what the log says; its minutes hold its looks at validation.",
        "",
        "| recipe | test accuracy in % | with test-time augmentation | epochs | training | machine | matrix product |",
        "|---|---|---|---|---|---|---|",
    ]
    for recipe in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == recipe]
        tta = [run["accuracy_tta"] for run in own if run["accuracy_tta"] is not None]
        seconds, epochs = (fmean(run[figure] for run in own) for figure in ("seconds", "epochs"))
        where = "; ".join(dict.fromkeys(run["machine"] for run in own))
        lines.append(
            f"| `{recipe}` | {mean(run['accuracy'] for run in own)} | {mean(tta) if tta else ''} | {epochs:.0f} | "
            f"{minutes(seconds)} | {where} | {rates(own)} |"
        )
    missing = [f"`{name}`" for name in RECIPES if name not in {run["recipe"] for run in runs}]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def minutes(seconds: float) -> str:
    """A training time as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def rates(own: Iterable[Mapping[str, Any]]) -> str:
    """How fast a product of matrices (4096 x 4096) was around the trainings."""
    found = [rate for entry in own for rate in entry["gflops"]]
    return f"{min(found)} to {max(found)} GFLOP/s"


if __name__ == "__main__":
    main()
