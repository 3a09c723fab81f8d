"""How much accuracy survives when images are noisy, blurred, snowed over or badly compressed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

import numpy as np

from seefar import progress
from seefar.data.corruptions import CORRUPTIONS, GROUPS, SEVERITIES, corrupt
from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load_again
from seefar.display import Shown
from seefar.errors import DataError
from seefar.files import lock
from seefar.metrics import Share, wilson
from seefar.model.load import load_model
from seefar.model.run_images import check_split, counting, open_split
from seefar.runs.folder import Run, open_run
from seefar.torchrun import only_alone

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PUBLISHED = 10_000  # images of a severity in the files of CIFAR-10-C


@dataclass(frozen=True)
class Robustness(Shown):
    """Accuracy on corrupted images; `robustness-<split>.json` is exactly this.

    Attributes:
        split: "validation" or "test".
        images: how many were corrupted.
        source: "computed here", or "CIFAR-10-C" for the published files.
        clean: accuracy on the same images before.
        accuracies: by corruption, at severities 1 to 5.
        groups: mean accuracy over the corruptions of a kind: noise, blur, weather, digital.
        mean_error: the mean over corruptions and severities of the share that was wrong, not normalised by another network's.
        by_class: by corruption, the recall of each class, mean over severities.
    """

    split: str
    images: int
    source: str
    clean: Share
    accuracies: dict[str, list[float]]
    groups: dict[str, float]
    mean_error: float
    by_class: dict[str, list[float]]

    def __repr__(self) -> str:
        clean, corrupted = self.clean.value, 1 - self.mean_error
        return f"Robustness({self.split}, {self.images:,} images: {clean:.1%} right, corrupted {corrupted:.1%})"


def robustness(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    files: str | Path | None = None,
    data: Dataset | None = None,
    device: str = "auto",
) -> Robustness:
    """Accuracy on images that are noisy, blurred, snowed over or badly compressed: 15 corruptions at 5 severities.

    They are those of CIFAR-10-C, computed here (frost from a generated texture, so that the mean compares with no published
    one), or read from the published files. The result goes into `robustness-<split>.json`.

    Source: Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261

    Args:
        run: a trained run or its folder.
        split: "validation", or "test": corrupted test images are a look at the test images, too.
        files: the unpacked folder of the published CIFAR-10-C; by default the corruptions are computed here.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        DataError: `files` are not CIFAR-10-C, or the run's classes are not those of CIFAR-10.
        ModelFileError: the run is unfinished, damaged, or was trained on other data.
    """
    only_alone("robustness")
    check_split(split)
    run = open_run(run)
    data = load_again(run.read("data.json"), data)
    with lock(run.path / ".lock"), progress.bar("corrupting images") as tell:
        model = load_model(run, device)
        published = _published(Path(files), model.classes) if files is not None else None
        images = open_split(run, split, "robustness", data)
        if published is None:  # the published files hold every image
            images = images[counting(run, split, images, data)]
        if not len(images):
            raise DataError(f"robustness cannot be measured: no {split} image counts; `seefar evaluate {run.path}` says why")
        clean = model.logits(images.pixels).argmax(1) == images.labels
        accuracies: dict[str, list[float]] = {name: [] for name in CORRUPTIONS}
        recalls: dict[str, list[list[float]]] = {name: [] for name in CORRUPTIONS}
        total = len(CORRUPTIONS) * len(SEVERITIES)
        for done, (name, pixels, labels) in enumerate(published or _computed(images), start=1):
            right = model.logits(pixels).argmax(1) == labels
            counts = np.bincount(labels, minlength=len(images.classes))
            accuracies[name].append(float(right.mean()))
            recalls[name].append((np.bincount(labels, right, len(images.classes)) / np.maximum(counts, 1)).tolist())
            tell(done, total, "")
        found = Robustness(
            split=split,
            images=len(images),
            source="CIFAR-10-C" if files else "computed here",
            clean=wilson(int(clean.sum()), len(images)),
            accuracies=accuracies,
            groups={group: fmean(fmean(accuracies[name]) for name in names) for group, names in GROUPS.items()},
            mean_error=1 - fmean(fmean(row) for row in accuracies.values()),
            by_class={name: np.mean(rows, axis=0).tolist() for name, rows in recalls.items()},
        )
        run.write(f"robustness-{split}.json", asdict(found))
    return found


Corrupted = Iterator[tuple[str, np.ndarray, np.ndarray]]  # name, pixels and labels of one corruption at one severity


def _computed(images: ImageSet) -> Corrupted:
    return ((name, corrupt(images.pixels, name, severity), images.labels) for name in CORRUPTIONS for severity in SEVERITIES)


def _published(folder: Path, classes: tuple[str, ...]) -> Corrupted:
    """From the .npy files of CIFAR-10-C: 50,000 images each, 10,000 a severity, and one file of labels."""
    if classes != CIFAR10:
        raise DataError(
            "the files of CIFAR-10-C show the classes of CIFAR-10, and this run was trained on others; "
            "use --corruptions, which corrupts its own images"
        )
    labels = _array(folder / "labels.npy", (5 * PUBLISHED,)).astype(np.int64)
    for name in CORRUPTIONS:  # every file is looked at before the first one is used
        _array(folder / f"{name}.npy", (5 * PUBLISHED, 32, 32, 3))
    return (
        (name, np.array(_array(folder / f"{name}.npy", (5 * PUBLISHED, 32, 32, 3))[part]), labels[part])
        for name in CORRUPTIONS
        for part in (slice(PUBLISHED * i, PUBLISHED * (i + 1)) for i in range(len(SEVERITIES)))
    )


def _array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataError(
            f"{path} is not there; give the folder in which CIFAR-10-C has labels.npy and a file for each corruption"
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot read {path}: {error}; download CIFAR-10-C again") from error
    if array.dtype != np.uint8 or array.shape != shape:
        raise DataError(f"{path} holds {array.dtype} {array.shape}; CIFAR-10-C has uint8 {shape}: download it again")
    return array
