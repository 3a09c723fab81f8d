"""What images cost in time and memory: by their size, and by their number.

    .venv/bin/python benchmarks/sizes.py sizes                      # 32 to 224 pixels, each recipe
    .venv/bin/python benchmarks/sizes.py numbers                    # 10,000, 100,000 and a million images of 32x32
    .venv/bin/python benchmarks/sizes.py numbers --images 20000     # another number; --recipes tiny, --pixels 32 64 likewise
    .venv/bin/python benchmarks/sizes.py numbers --images 1000000 --folder /tmp/many --verbs shards   # in stretches: first the images,
    .venv/bin/python benchmarks/sizes.py numbers --images 1000000 --folder /tmp/many --verbs first later   # then verb after verb

The images are those of `../shared/data/cifar10-jpeg.zip` (or --from PATH, or --from shapes), enlarged; or repeated, each time with other
noise, as JPEG files in Parquet shards of 50,000 as Hugging Face lays them out. Each line is a program of its own, whose peak of resident
memory the system tells; the machine must be otherwise idle. Results go to stdout as two tables in Markdown, after each line.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import seefar as sf
from seefar.data.images import ImageSet

IMAGES = "../shared/data/cifar10-jpeg.zip"
PIXELS = (32, 64, 96, 128, 224)
RECIPES = ("tiny", "baseline", "fast", "deep")
NUMBERS = (10_000, 100_000, 1_000_000)
TRAINED = 1_000  # images for which seconds are measured; a quarter of them from 96 pixels on
SHARD = 50_000
NOISE = 8  # standard deviation in grey values
TEST = 10  # a tenth as many test images
VERBS = {  # by the word of --verbs; the later ones need what the earlier ones leave
    "first": "first load (`data describe`)",
    "later": "later load (`data describe`)",
    "train": "`train`, `tiny`, an epoch",
    "validation": "`evaluate`, validation",
    "test": "`evaluate`, test",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=("sizes", "numbers"))
    parser.add_argument("--from", dest="source", default=IMAGES)
    parser.add_argument("--pixels", type=int, nargs="+", default=PIXELS)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--images", type=int, nargs="+", default=NUMBERS)
    parser.add_argument("--verbs", nargs="+", choices=("shards", *VERBS), default=("shards", *VERBS))
    parser.add_argument("--folder", type=Path, help="where everything is kept for further calls; else it is deleted")
    given = parser.parse_args()
    with contextlib.ExitStack() as undo:
        folder = given.folder or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="seefar-sizes-")))
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["SEEFAR_HOME"] = f"{folder}/home"
        source = sf.load(given.source).train
        if given.table == "sizes":
            by_size(folder, source, given.pixels, given.recipes)
        else:
            by_number(folder, source, given.images, given.verbs)


def by_size(folder: Path, source: ImageSet, pixels: Sequence[int], recipes: Sequence[str]) -> None:
    """A line for each size and recipe: two epochs, of which the second is timed."""
    print("| pixels | recipe | ms an image, training | GB at most | of them images |\n|---|---|---|---|---|")
    for size in pixels:
        count = TRAINED if size < 96 else TRAINED // 4
        path = folder / f"{size}.npz"
        chosen = source[np.random.default_rng(0).permutation(len(source))[: 2 * count]]
        large = np.stack([np.asarray(Image.fromarray(one).resize((size, size))) for one in chosen.pixels])
        labels = chosen.labels
        np.savez(path, x_train=large[:count], y_train=labels[:count], x_test=large[count:], y_test=labels[count:])
        for recipe in recipes:
            run = folder / f"{size}-{recipe}"
            words = ["--data", str(path), "--size", str(size), "--recipe", recipe, "--out", str(run)]
            words += ["--epochs", "2", "--set", "batch_size=50"]
            words += ["--set", "learning_rate=0.0001"]  # with so few images some diverge at their own
            _, peak = measured("train", *words)
            seconds = json.loads((run / "timing.json").read_text())["seconds_by_epoch"][-1]
            trained = sum(json.loads((run / "data.json").read_text())["train"])
            print(
                f"| {size} | `{recipe}` | {1000 * seconds / trained:.2f} | {peak:.2f} | {large.nbytes / 1e9:.2f} |", flush=True
            )


def by_number(folder: Path, source: ImageSet, numbers: Sequence[int], verbs: Sequence[str]) -> None:
    """A line for each number of images and verb."""
    print("| images | verb | seconds | ms an image | GB at most | beyond the images |\n|---|---|---|---|---|---|")
    for count in numbers:
        images, run = folder / f"many-{count}", folder / f"run-{count}"
        if "shards" in verbs:
            write_shards(images, source, count)
        words = {
            "first": ["data", "describe", str(images)],
            "later": ["data", "describe", str(images)],
            "train": ["train", "--data", str(images), "--recipe", "tiny", "--epochs", "1", "--out", str(run)],
            "validation": ["evaluate", str(run)],
            "test": ["evaluate", str(run), "--split", "test"],
        }
        held = count * (1 + 1 / TEST) * 3 * 32 * 32 / 1e9
        for verb in (verb for verb in VERBS if verb in verbs):
            seconds, peak = measured(*words[verb])
            print(
                f"| {count:,} | {VERBS[verb]} | {seconds:.1f} | {1000 * seconds / count:.3f} | {peak:.2f} | {peak - held:.2f} |",
                flush=True,
            )


def measured(*words: str) -> tuple[float, float]:
    """Seconds of one `seefar` command, and its peak of resident memory in GB, mapped files included."""
    began = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "seefar", *words],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"seefar {' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e9


def write_shards(folder: Path, source: ImageSet, count: int) -> None:
    """So many training images, and a tenth as many for testing, each a picture of `source` with noise of its own. Those there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(len(source))  # zips are sorted by class
    _shared.update(folder=folder, source=source, order=order)
    jobs = []
    for split, total in (("train", count), ("test", count // TEST)):
        shards = -(-total // SHARD)
        names = [f"{split}-{shard:05d}-of-{shards:05d}.parquet" for shard in range(shards)]
        jobs += [(name, shard * SHARD, min((shard + 1) * SHARD, total)) for shard, name in enumerate(names)]
    with multiprocessing.get_context("fork").Pool() as pool:
        pool.starmap(write_shard, jobs, chunksize=1)


def write_shard(name: str, first: int, stop: int) -> None:
    """The images from one to before another, in a file."""
    import pyarrow as pa
    from pyarrow import parquet

    folder, source = _shared["folder"], _shared["source"]
    if (folder / name).exists():
        return
    rng = np.random.default_rng([first, "train" in name])
    chosen = _shared["order"][np.arange(first, stop) % len(source)]
    rows: list[dict[str, Any]] = []
    for number in chosen:
        noisy = source.pixels[number] + rng.standard_normal(source.pixels.shape[1:], np.float32) * NOISE
        content = io.BytesIO()
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(content, "JPEG", quality=90)
        rows.append({"bytes": content.getvalue(), "path": None})
    features = {"image": {"_type": "Image"}, "label": {"names": list(source.classes), "_type": "ClassLabel"}}
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(rows, struct), "label": pa.array(source.labels[chosen])})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, folder / f"{name}.part", row_group_size=1000)
    (folder / f"{name}.part").rename(folder / name)


_shared: dict[str, Any] = {}  # what the processes that write shards inherit


if __name__ == "__main__":
    main()
