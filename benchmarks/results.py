"""Every named recipe on CIFAR-10, several seeds each, and what each part of the careful network is worth: docs/results.md.

    make results                                          # hours; what is done is not done again
    .venv/bin/python benchmarks/results.py --only fast    # recipes and studies whose name contains it
    .venv/bin/python benchmarks/results.py --only none    # the page from what there is

Each training is `seefar train` in a process of its own, alone on the machine; its test images are looked at once, when it has ended.
Nothing is chosen here. Results go into `docs/results.json` after each training, and the page is made from that alone.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from time_to_accuracy import mean, product_rate

import seefar as sf
from seefar.files import write_bytes, write_json
from seefar.reporting import study_words

IMAGES = "../shared/data/cifar10-jpeg.zip"
RESULTS, PAGE = Path("docs/results.json"), Path("docs/results.md")
SEEDS = 3
ON_TWO_CORES = ("tiny", "baseline", "fast", "deep")
FOR_A_GPU = ("fast_gpu", "best")  # trained where there is one
STUDIES = {"enhancement-removed": ("--subset", "30000", "--seeds", "3", "--jobs", "2")}


def main() -> None:
    """Carry out what is not done yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", default=IMAGES)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    results = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {"runs": {}, "studies": {}}
    recipes = ON_TWO_CORES + (FOR_A_GPU if torch.cuda.is_available() else ())
    for seed in range(SEEDS):
        for recipe in recipes:
            key = f"{recipe}, seed {seed}"
            if given.only in recipe and key not in results["runs"]:
                results["runs"][key] = found = one_run(recipe, seed, given.images)
                write_json(RESULTS, results)
                print(f"{key}: {found['accuracy']:.2%} in {found['seconds']:.0f} s", flush=True)
    for name, words in STUDIES.items():
        if given.only in name and name not in results["studies"]:
            results["studies"][name] = one_study(name, words, given.images)
            write_json(RESULTS, results)
    write_bytes(PAGE, page(results).encode())
    print(page(results))


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


def one_study(name: str, words: Iterable[str], images: str) -> dict[str, Any]:
    """Carry out a built-in study, or go on with it."""
    command = ["study", name, "--data", images, *words, "--out", f"studies/{name}"]
    before = product_rate()
    found: dict[str, Any] = json.loads(seefar(*command, "--json"))
    return {
        "command": f"seefar {' '.join(command[:-2])}",
        "gflops": [before, product_rate()],
        "machine": machine(),
        "date": date.today().isoformat(),
        "found": found,
    }


def seefar(*words: str) -> str:
    """What the command prints on stdout; its stderr is shown."""
    return subprocess.run([sys.executable, "-m", "seefar", *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def machine(precision: str | None = None) -> str:
    """What the trainings ran on, in words."""
    if torch.cuda.is_available():
        where = torch.cuda.get_device_name()
    else:
        where = f"{torch.get_num_threads()} cores, {torch.cpu.get_capabilities().get('cpu_name', platform.processor())}"
    return f"{where}, torch {torch.__version__.partition('+')[0]}" + (f", {precision}" if precision else "")


def page(results: Mapping[str, Any]) -> str:
    """The page, from the results alone."""
    lines = [
        "# Results",
        "",
        "Made by `make results` (`benchmarks/results.py`) from [results.json](results.json); nothing here is typed by hand.",
        "The images are CIFAR-10 saved as JPEG of quality 75, which is harder than the original pixels: compare these figures with",
        "each other only. Recipes were chosen on validation images ([log](log.md)); the 10,000 test images were looked at once for each",
        "training. The interval is that of the mean over seeds (Student's t, 95 %).",
        "",
        "## Recipes",
        *recipe_table(list(results["runs"].values())),
    ]
    for name, study in results["studies"].items():
        lines += ["", f"## Study `{name}`", study["found"]["about"], "", *study_table(study["found"]), ""]
        lines += [f"- {sentence}" for sentence in study_words.summary(study["found"])]
        lines += [
            "",
            f"`{study['command']}`, {study['date']}, {study['machine']}; {rates([study])}.",
        ]
    return "\n".join(lines) + "\n"


def recipe_table(runs: list[dict[str, Any]]) -> list[str]:
    """A row for each recipe."""
    lines = [
        "| recipe | test accuracy in % | with test-time augmentation | epochs | training | machine | matrix product |",
        "|---|---|---|---|---|---|---|",
    ]
    for recipe in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == recipe]
        tta = [run["accuracy_tta"] for run in own if run["accuracy_tta"] is not None]
        seconds = fmean(run["seconds"] for run in own)
        epochs = fmean(run["epochs"] for run in own)
        where = "; ".join(dict.fromkeys(run["machine"] for run in own))
        lines.append(
            f"| `{recipe}` | {mean(run['accuracy'] for run in own)} | {mean(tta) if tta else ''} | {epochs:.0f} | "
            f"{minutes(seconds)} | {where} | {rates(own)} |"
        )
    return lines


def study_table(found: Mapping[str, Any]) -> list[str]:
    """A row for each variant of a study."""
    split = found["split"]
    lines = [
        f"| variant | validation | {split} | against | difference in points, 95 % | verdict | training | epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        effect = row["effect"] or {}
        interval = (
            f"{100 * effect['value']:+.2f} ({100 * effect['low']:+.2f} to {100 * effect['high']:+.2f})"
            if effect.get("low") is not None
            else ""
        )
        shown = [f"{summary['mean']:.2%}" if summary and summary["mean"] else "" for summary in (row["validation"], row[split])]
        lines.append(
            f"| {row['variant']} | {shown[0]} | {shown[1]} | {row['against'] or ''} | {interval} | {study_words.row_words(row)} | "
            f"{minutes(row['seconds'] or 0)} | {row['epochs'] or 0:.1f} |"
        )
    return lines


def minutes(seconds: float) -> str:
    """A training time as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def rates(own: Iterable[Mapping[str, Any]]) -> str:
    """How fast a product of matrices (4096 x 4096) was around the trainings."""
    found = [rate for entry in own for rate in entry["gflops"]]
    return f"{min(found)} to {max(found)} GFLOP/s"


if __name__ == "__main__":
    main()
