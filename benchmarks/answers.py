"""What answering costs: the network alone, with decoding beside it, from the first moment, in memory; and what the usual ways give.

    .venv/bin/python benchmarks/answers.py RUN [--small]   # a run on 32-pixel images, evaluated on validation; about fifteen minutes

Training images stand for the million; the validation images of the run for what has to be right. Everything is done twice before it is
timed five times, in turn with what it is compared with. Prints a Markdown table; the machine must be otherwise idle.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

import seefar as sf
from seefar.answering.decoding import Decoders, decode_ahead
from seefar.answering.items import Reader, items
from seefar.answering.predict import blocks
from seefar.cores import cores
from seefar.data.decode import decode

if TYPE_CHECKING:
    import torch  # processes that decode import this file anew, and need none

LARGE = 1024  # side of the photographs: a megapixel
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation: what most such code divides by
BATCH = 256
SIZES = (1, 8, 32, 64, 128, 256)  # of batches that are compared
# Of this process alone: the resource module would count in who started it
PEAK = "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"


def main() -> None:
    """Measure and print."""
    import torch

    from seefar.model.run_images import open_training, open_validation

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--small", action="store_true", help="a tenth of everything, to see that it works")
    asked = parser.parse_args()
    share = 10 if asked.small else 1
    run = sf.open_run(asked.run)
    training, validation = open_training(run).pixels, open_validation(run).pixels
    processor = torch.cpu.get_capabilities().get("cpu_name", platform.processor())
    print_rows([("machine", f"{processor}, {cores()} cores, torch {torch.__version__}")])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = sf.export(run, folder / "model.onnx").path
        keras = sf.export(run, folder / "model.keras", "keras").path
        small = save_all(training[: 20_000 // share], folder / "small", "png", 32)
        large = save_all(training[: 1000 // share], folder / "large", "jpg", LARGE)
        model = sf.load_model(file)
        peers(run, model, keras, training[: 20_000 // share])
        by_batch(model, training[: 5000 // share])
        beside(model, training[: 20_000 // share], small, large)
        beginning(file, small)
        memory(file, small, [10_000 // share, 200_000 // share])
        elsewhere(run, model, validation[: 5000 // share])


def peers(run: sf.Run, model: sf.Model, keras: Path, pixels: np.ndarray) -> None:
    """Decoded arrays to answers: ONNX Runtime, torch in both number formats, Keras."""
    ways: dict[str, Callable[[], object]] = {
        "ONNX Runtime, `Model.answers`": lambda: [model.answers(part) for part in batches(pixels)]
    }
    for precision in ("fp32", "bf16"):
        ways[f"torch, {precision}, `Model.answers`"] = answering(sf.load_model(run, "cpu", precision=precision), pixels)
        ways[f"torch, {precision}, a plain loop"] = plain(run, precision, pixels)
    ways["Keras, `model.predict`, batches of 256"] = in_keras(keras, pixels)
    rates = {name: [len(pixels) / took for took in seconds] for name, seconds in timed(ways).items()}
    print_rows([(f"{len(pixels):,} decoded images: {name}", per_second(rate)) for name, rate in rates.items()])


def by_batch(model: sf.Model, pixels: np.ndarray) -> None:
    """ONNX Runtime on one core with batches of several sizes: where larger ones are no faster (`MOST` in model/onnx_engine.py)."""
    engine: Any = model.engine

    def way(size: int) -> Callable[[], object]:
        whole = len(pixels) // size * size
        return lambda: [engine.run(pixels[start : start + size]) for start in range(0, whole, size)]

    for size, seconds in zip(SIZES, timed({str(size): way(size) for size in SIZES}).values(), strict=True):
        rate = per_second([len(pixels) // size * size / took for took in seconds])
        print_rows([(f"ONNX Runtime on one core, batches of {size}", rate)])


def answering(model: sf.Model, pixels: np.ndarray) -> Callable[[], object]:
    return lambda: [model.answers(part) for part in batches(pixels)]


def plain(run: sf.Run, precision: str, pixels: np.ndarray) -> Callable[[], object]:
    """What people write: a tensor, no gradients, softmax."""
    import torch

    network = sf.load_model(run, "cpu", precision="fp32").network

    def loop() -> "list[torch.Tensor]":
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            return [network(torch.tensor(part).permute(0, 3, 1, 2)).softmax(1) for part in batches(pixels)]

    return loop


def in_keras(path: Path, pixels: np.ndarray) -> Callable[[], object]:
    """The exported network in Keras, with torch behind it."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    model: Any = keras.models.load_model(path)
    return lambda: model.predict(pixels, batch_size=BATCH, verbose=0)


def beside(model: sf.Model, pixels: np.ndarray, small: Path, large: Path) -> None:
    """Files to answers, decoded beside the network, compared with the network alone and with decoding alone, both on all cores.

    "At best" is what the cores could give if neither ever waited: what both take alone, added up.
    """
    kinds: tuple[Decoders, ...] = ("threads", "processes")
    network = "the network alone"
    for name, folder, against in (("32-pixel PNGs", small, network), ("1-megapixel JPEGs", large, "decoding alone")):
        count = len(list(folder.iterdir()))
        ways: dict[str, Callable[[], object]] = {network: answering(model, pixels[:count])}
        ways |= {f"decoding alone, {kind}": decoding(model, folder, kind) for kind in kinds}
        ways |= {f"files, {kind}": streaming(model, folder, kind) for kind in kinds}
        found = timed(ways)
        decoded = min(median(found[f"decoding alone, {kind}"]) for kind in kinds)
        alone = {network: median(found[network]), "decoding alone": decoded}
        best = alone[against] / sum(alone.values())
        print_rows([(f"{name}, {what}", f"{count / took:,.0f} images/s") for what, took in alone.items()])
        for kind in kinds:
            took = found[f"files, {kind}"]
            rate = per_second([count / one for one in took])
            share = alone[against] / median(took)
            print_rows([(f"{name}, {kind}", f"{rate}: {share:.0%} of {against}; at best {best:.0%}")])


def streaming(model: sf.Model, folder: Path, kind: Decoders) -> Callable[[], object]:
    return lambda: [len(block.rows) for block in blocks(model, [str(folder)], decoders=kind)]


def decoding(model: sf.Model, folder: Path, kind: Decoders) -> Callable[[], object]:
    def work() -> list[int]:
        reader = Reader()
        listed = items([str(folder)], reader)
        return [len(part.items) for part in decode_ahead(listed, reader, model.size, model.background, kind)]

    return work


def beginning(file: Path, small: Path) -> None:
    """From starting Python to the first answer, and the memory that this takes, each in a process of its own."""
    one = str(next(small.iterdir()))
    code = (
        "import sys, seefar as sf; print(sf.predict(sys.argv[1], [sys.argv[2]])[0].label); assert 'torch' not in sys.modules; "
        f"{PEAK}"
    )
    took, mebibytes = [], []
    for _ in range(7):
        began = time.perf_counter()
        said = subprocess.run([sys.executable, "-c", code, str(file), one], check=True, capture_output=True, text=True).stdout
        took.append(time.perf_counter() - began)
        mebibytes.append(float(said.split()[-1]))
    print_rows(
        [
            ("start to first answer from a file", f"{median(took[2:]):.2f} s"),
            ("peak memory of that", f"{max(mebibytes):.0f} MiB"),
        ]
    )


def memory(file: Path, small: Path, counts: list[int]) -> None:
    """Peak memory of `seefar predict` for more and more files: the same ones again and again, by name, on stdin."""
    names = [str(path) for path in sorted(small.iterdir())]
    for count in counts:
        listed = "\n".join(names[place % len(names)] for place in range(count))
        code = f"import sys; from seefar.cli import main; assert main(['predict', *sys.argv[1:]]) == 0; {PEAK}"
        with tempfile.TemporaryDirectory() as place:
            words = [str(file), "-", "--out", f"{place}/answers.csv"]
            began = time.perf_counter()
            said = subprocess.run(
                [sys.executable, "-c", code, *words], input=listed, check=True, capture_output=True, text=True
            ).stdout
            took = time.perf_counter() - began
        print_rows([(f"`seefar predict`, {count:,} files", f"{float(said.split()[-1]):.0f} MiB at most, {took:.0f} s in all")])


def elsewhere(run: sf.Run, model: sf.Model, pixels: np.ndarray) -> None:
    """Photographs, brought to the network as in training and as is usual outside it: how many become another class?

    The photographs are validation images enlarged to 256 pixels and saved as JPEG. Outside, bilinear resizing without antialiasing (what
    OpenCV does) stands for the preparation of Ultralytics and many servers, and ImageNet's mean for a number copied from elsewhere.
    """
    import torch
    import torch.nn.functional as F

    network = sf.load_model(run, "cpu", precision="fp32").network
    with tempfile.TemporaryDirectory() as place:
        files = sorted(save_all(pixels, Path(place) / "photos", "jpg", 256).iterdir())
        ours = [decode(file.read_bytes(), model.size).pixels for file in files]
        whole = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    trained = np.concatenate([model.logits(np.stack(part)) for part in batches(ours)]).argmax(1)
    for name, mean, deviation in (("", *(2 * [None])), (" and ImageNet's mean", *IMAGENET)):
        said = []
        for part in batches(whole):
            resized = F.interpolate(
                torch.tensor(part).permute(0, 3, 1, 2).float(), model.size, mode="bilinear", antialias=False
            )
            with torch.inference_mode():
                if mean is None:
                    logits = network(resized.round())
                else:
                    scaled = (resized / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)
                    logits = network.head(network.stages(network.stem(scaled)))
            said.append(logits.argmax(1).numpy())
        apart = (np.concatenate(said) != trained).mean()
        print_rows(
            [
                (
                    f"{len(files):,} photographs prepared outside: bilinear without antialiasing{name}",
                    f"another class for {apart:.1%}",
                )
            ]
        )


def save_all(pixels: np.ndarray, folder: Path, suffix: str, side: int) -> Path:
    """Images as files of a side in pixels, by number."""
    folder.mkdir(parents=True)

    def save(number: int) -> None:
        image = Image.fromarray(pixels[number])
        if side != image.width:
            image = image.resize((side, side), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:06d}.{suffix}", quality=90)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(save, range(len(pixels))))
    return folder


def batches(values: Any) -> Iterator[Any]:
    """Parts of a sequence or array."""
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


def timed(ways: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, list[float]]:
    """Seconds of each way, in turn, after two rounds for warming up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 2):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return {name: took[2:] for name, took in seconds.items()}


def per_second(rates: list[float]) -> str:
    return f"{median(rates):,.0f} images/s ({min(rates):,.0f} to {max(rates):,.0f})"


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Rows of the table, as they come."""
    for name, value in rows:
        print(f"| {name} | {value} |", flush=True)


if __name__ == "__main__":
    main()
