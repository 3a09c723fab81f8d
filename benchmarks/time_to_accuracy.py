"""How long a network takes to an accuracy on CIFAR-10: seefar and what people would use instead, on this machine, in turn.

    .venv/bin/python benchmarks/time_to_accuracy.py                 # hours; a cell that is done is not done again
    .venv/bin/python benchmarks/time_to_accuracy.py --only fast     # cells whose name contains it
    .venv/bin/python benchmarks/time_to_accuracy.py --only none     # table and picture from what there is

Every cell is a process of its own: one training with one seed. Only training is timed, from loaded arrays to final weights, fitting
and compilation included. Crossings are found on validation; test is looked at once, when a training has ended. The cells of `fast`
that are called final train on all 50,000 images, with everything fixed beforehand. Results go into `docs/time-to-accuracy.json` after each
cell. The Keras peers need an interpreter with TensorFlow (`--keras PYTHON`), airbench in bf16 a processor that has it; without they are
left out.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import torch
from flops import training_flops
from scipy import stats

import seefar as sf
from seefar.data.splits import carve
from seefar.files import write_bytes, write_json
from seefar.networks.device import choose_precision
from seefar.training.frontier import FRONTIER

HERE = Path(__file__).parent
RESULTS = Path("docs/time-to-accuracy.json")
PICTURE = Path("docs/time-to-accuracy.png")
LIMIT = 900  # seconds of training that a peer gets
AIMS = (0.82, 0.85, 0.88, 0.90)
MOMENTS = (60, 120, 300, 900)
COMMON_RATE = 400  # GFLOP/s (bf16) of the machine that times are scaled to

FAST = {  # the settings that users get for a budget; how long each takes depends on the machine
    f"fast {number}": {"widths": point.changes["widths"], "epochs": point.epochs, **point.changes}
    for number, point in enumerate(FRONTIER, start=1)
}


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        name: of what is trained; the seeds of one name are drawn together.
        seed: of the training.
        words: interpreter, script and options.
    """

    name: str
    seed: int
    words: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.name}, seed {self.seed}"

    def is_done(self, results: dict[str, Any]) -> bool:
        """Whether it is among the results, carried out as it would be today."""
        return self.key in results and results[self.key]["options"] == list(self.words[1:])


def cells(seeds: int, keras: str | None) -> list[Cell]:
    """All trainings, in turn: one seed of each of ours before the next, then the peers, which are slow, with one seed."""
    found = []
    for seed in range(seeds):
        for name, fields in FAST.items():
            words = [
                word
                for field, value in fields.items()
                for word in ("--set", f"{field}={json.dumps(value, separators=(',', ':'))}")
            ]
            found.append(Cell(name, seed, (sys.executable, "ours.py", *words)))
            found.append(Cell(f"{name} final", seed, (sys.executable, "ours.py", *words, "--everything")))
    precision = choose_precision("auto", torch.device("cpu"))
    for form in ("bf16", "published") if precision is torch.bfloat16 else ("published",):
        found.append(Cell(f"airbench94_muon, {form}", 0, (sys.executable, "peers/airbench94_muon.py", "--form", form)))
    found.append(Cell("ResNet-18, PyTorch", 0, (sys.executable, "peers/resnet18.py", "--seconds", str(LIMIT))))
    for network in ("plain", "deep") if keras else ():
        words = ["peers/keras_notebook.py", "--network", network, "--seconds", str(LIMIT)]
        found.append(Cell(f"Keras notebook, {network}", 0, (str(keras), *words)))
    return found


def write_arrays(images: str, path: Path) -> None:
    """The splits that every cell reads: validation is carved as `seefar train` carves it."""
    data = sf.load(images)
    train, validation = carve(data.train, 0.1, 0, "validation")
    arrays: dict[str, Any] = {"classes": np.array(data.classes)}
    for name, split in (("train", train), ("validation", validation), ("test", data.test)):
        arrays |= {f"{name}_pixels": split.pixels, f"{name}_labels": split.labels}
    np.savez(path, **arrays)


def carry_out(cell: Cell, arrays: Path) -> dict[str, Any]:
    """Run a cell; what it printed, and how fast the machine was before and after."""
    before = product_rate()
    interpreter, script, *options = cell.words
    command = [interpreter, str(HERE / script), str(arrays), "--seed", str(cell.seed), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    if done.returncode:
        raise SystemExit(f"{cell.key}: {done.stderr}")
    *looks, last = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    ran = {"name": cell.name, "seed": cell.seed, "options": list(cell.words[1:])}
    return ran | {"looks": looks, "last": last, "gflops": [before, product_rate()]}


def product_rate() -> int:
    """GFLOP/s of a product of two 4096 x 4096 matrices, in the number format that trainings here work in: the median of nine."""
    precision = choose_precision("auto", torch.device("cpu"))
    one, other = (torch.randn(4096, 4096).to(precision) for _ in range(2))
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        one @ other
        seconds.append(time.perf_counter() - began)
    return round(2 * 4096**3 / median(seconds) / 1e9)


def first_crossing(result: dict[str, Any], aim: float) -> float:
    """Seconds until validation first was at least `aim`; infinite if it never was."""
    return min((look["seconds"] for look in result["looks"] if look["validation"] >= aim), default=math.inf)


def accuracy_at(result: dict[str, Any], moment: float) -> float:
    """The last validation accuracy within so many seconds; NaN if there was none."""
    seen = [look for look in result["looks"] if look["seconds"] <= moment]
    return float(max(seen, key=lambda look: look["seconds"])["validation"]) if seen else math.nan


def mean(values: Iterable[float]) -> str:
    """The mean in per cent, with Student's 95 % interval where there are several values."""
    numbers = [100 * value for value in values]
    if len(numbers) == 1:
        return f"{numbers[0]:.2f} (one seed)"
    half = float(stats.t.ppf(0.975, len(numbers) - 1)) * stdev(numbers) / math.sqrt(len(numbers))
    return f"{fmean(numbers):.2f} ± {half:.2f} ({len(numbers)} seeds)"


def tera(runs: list[dict[str, Any]]) -> str:
    """The floating-point operations of a training, in 10^12."""
    return f"{fmean(training_flops(run) for run in runs) / 1e12:.1f}"


def ours_first(results: list[dict[str, Any]]) -> list[str]:
    """What was trained, each once, in the order of the results but for the peers, which come last."""
    return sorted(dict.fromkeys(result["name"] for result in results), key=lambda name: not name.startswith("fast"))


def tables(results: list[dict[str, Any]]) -> str:
    """What was measured, as Markdown: final runs, then everything by time and by accuracy."""
    names = ours_first(results)
    by_name = {name: [result for result in results if result["name"] == name] for name in names}
    lines = ["| trained on all 50,000 | test | test, six views | TFLOP | s | s at 400 GFLOP/s |", "|---" * 6 + "|"]
    for name in (name for name in names if name.endswith("final")):
        runs = by_name[name]
        seconds = fmean(run["last"]["seconds"] for run in runs)
        scaled = fmean(run["last"]["seconds"] * fmean(run["gflops"]) / COMMON_RATE for run in runs)
        plain, averaged = (mean(run["last"][figure] for run in runs) for figure in ("test", "test_tta"))
        lines.append(f"| {name.removesuffix(' final')} | {plain} | {averaged} | {tera(runs)} | {seconds:.1f} | {scaled:.1f} |")
    columns = [*(f"{aim:.0%} after" for aim in AIMS), *(f"at {moment // 60} min" for moment in MOMENTS)]
    columns += ["test", "test, six views", "TFLOP", "s in all"]
    with_looks = [name for name in names if not name.endswith("final")]
    if with_looks:
        lines += ["", f"| trained on 45,000, by validation | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in with_looks:
        runs = by_name[name]
        crossings = [fmean(first_crossing(run, aim) for run in runs) for aim in AIMS]
        cells_ = [f"{crossing:.0f} s" if math.isfinite(crossing) else "never" for crossing in crossings]
        accuracies = [fmean(accuracy_at(run, moment) for run in runs) for moment in MOMENTS]
        cells_ += ["no look" if math.isnan(accuracy) else f"{accuracy:.1%}" for accuracy in accuracies]
        for figure in ("test", "test_tta"):
            cells_.append(mean(run["last"][figure] for run in runs) if figure in runs[0]["last"] else "")
        cells_ += [tera(runs), f"{fmean(run['last']['seconds'] for run in runs):.0f}"]
        lines.append(f"| {name} | {' | '.join(cells_)} |")
    return "\n".join(lines)


def draw(results: list[dict[str, Any]]) -> None:
    """Accuracy on validation against time, a line a training; finals have no validation images of their own."""
    import io

    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    names = ours_first(results)
    colours = dict(zip(FAST, plt.colormaps["Blues"](np.linspace(0.4, 1, len(FAST))), strict=True))
    colours |= {name: f"C{number}" for number, name in enumerate((name for name in names if name not in FAST), start=1)}
    for name in names:
        for number, run in enumerate(result for result in results if result["name"] == name):
            points = [(look["seconds"], 100 * look["validation"]) for look in run["looks"]]
            label = None if number else name
            axes.plot(*zip(*points, strict=True), color=colours[name], label=label, marker=".", alpha=0.8)
    axes.set(xscale="log", xlabel="minutes of training", ylabel="accuracy on validation (%)", ylim=(40, 92))
    axes.set_xticks([15, 30, *MOMENTS], ["¼", "½", *(f"{moment // 60}" for moment in MOMENTS)])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    write_bytes(PICTURE, content.getvalue())


def main() -> None:
    """Carry out what is not done yet, then print the tables and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", default="../shared/data/cifar10-jpeg.zip")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keras", help="an interpreter that has Keras and TensorFlow")
    given = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "arrays.npz"
        for cell in cells(given.seeds, given.keras):
            if given.only not in cell.name or cell.is_done(results):
                continue
            if not arrays.exists():
                write_arrays(given.images, arrays)
            results[cell.key] = carry_out(cell, arrays)
            write_json(RESULTS, results)
            print(f"{cell.key}: {results[cell.key]['last']}, machine at {results[cell.key]['gflops']} GFLOP/s", flush=True)
    if results:
        print(tables(list(results.values())))
    if with_looks := [result for result in results.values() if not result["name"].endswith("final")]:
        draw(with_looks)


if __name__ == "__main__":
    main()
