"""The figures of docs/benchmarks.md for the first path: starting up, decoding, one run of `baseline` on the real images.

    make bench          # needs ../shared/data/cifar10-jpeg.zip, or a path as the first argument; about five minutes

Everything runs as a process of its own in a home of its own, as a user would start it. Prints a Markdown table.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

IMAGES = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/cifar10-jpeg.zip")


def main() -> None:
    """Measure and print."""
    processor = torch.cpu.get_capabilities().get("cpu_name", platform.processor())
    rows = [
        ("machine", f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"),
        ("bf16 matrix product", f"{product_rate():.0f} GFLOP/s"),
        ("`import seefar`", f"{start_up('-c', 'import seefar'):.2f} s"),
        ("`seefar --help`", f"{start_up('-m', 'seefar', '--help'):.2f} s"),
    ]
    print_rows(rows)
    with tempfile.TemporaryDirectory() as folder:
        home = {"SEEFAR_HOME": f"{folder}/home"}
        code = f"import seefar as sf, time; t = time.perf_counter(); sf.load({str(IMAGES)!r}); print(time.perf_counter() - t)"
        fresh = float(python("-c", code, **home))
        cached = median(float(python("-c", code, **home)) for _ in range(5))
        print_rows([("60,000 JPEGs decoded", f"{fresh:.1f} s"), ("the same from the cache (median of 5)", f"{cached:.2f} s")])
        run = Path(folder) / "run"
        began = time.perf_counter()
        words = ["-m", "seefar", "run", "--data", str(IMAGES), "--recipe", "baseline", "--out", str(run), "--json"]
        evaluation = json.loads(python(*words, **home))
        seconds = time.perf_counter() - began
        accuracy, timing = evaluation["accuracy"], json.loads((run / "timing.json").read_text())
        print_rows(
            [
                (
                    "`baseline`, seed 0: test accuracy",
                    f"{accuracy['value']:.2%} ({accuracy['low']:.2%} to {accuracy['high']:.2%})",
                ),
                ("training, validation after each epoch included", f"{sum(timing['seconds_by_epoch']):.0f} s"),
                ("`seefar run`, from zip to report", f"{seconds:.0f} s"),
                ("peak memory", f"{timing['peak_memory_mib']:,.0f} MiB"),
                ("size of the report", f"{(run / 'report.html').stat().st_size / 1e6:.1f} MB"),
            ]
        )
    print_rows([("bf16 matrix product, afterwards", f"{product_rate():.0f} GFLOP/s")])


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Rows of the table, as they come."""
    for name, value in rows:
        print(f"| {name} | {value} |", flush=True)


def product_rate(side: int = 4096) -> float:
    """GFLOP/s of a square bf16 matrix product: median of 7 after 2 for warming up. It says how fast the machine is just now."""
    matrix = torch.randn(side, side).bfloat16()
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / median(seconds[2:]) / 1e9


def start_up(*words: str) -> float:
    """Seconds of a whole process, median of 5 after one for warming up."""
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        python(*words)
        seconds.append(time.perf_counter() - began)
    return median(seconds[1:])


def python(*words: str, **environment: str) -> str:
    """What a Python process prints on stdout; its stderr is shown."""
    return subprocess.run(
        [sys.executable, *words], env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


if __name__ == "__main__":
    main()
