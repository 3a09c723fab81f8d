"""The images of a run. Its test images are locked: `open_test` alone gives them out, and counts every time.

A test holds that no other file of seefar that has a trained network at hand reads the test images of a data set.
"""

from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from seefar.data.checks import Inspection, inspect_split, inspect_test
from seefar.data.describe import describe_images, leaks
from seefar.data.distinct import distinct
from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load_again
from seefar.errors import UsageError
from seefar.runs.folder import Run
from seefar.runs.ledger import record_look


def open_training(run: Run, data: Dataset | None = None) -> ImageSet:
    """The images that the run learned from.

    Args:
        run: a run.
        data: the data it was trained on; None: it is loaded again from where it came from.

    Raises:
        DataError: the data is no longer there.
        ModelFileError: it is not the data of the run.
    """
    return load_again(run.read("data.json"), data).train.select(run.read("splits.json")["train"])


def open_validation(run: Run, data: Dataset | None = None) -> ImageSet:
    """The images that were held out for choices. Arguments and errors: `open_training`."""
    return load_again(run.read("data.json"), data).train.select(run.read("splits.json")["validation"])


def open_test(run: Run, verb: str, data: Dataset | None = None) -> ImageSet:
    """The test images, after this look at them is entered into the run's ledger and the machine's.

    Args:
        run: whose network is going to see them.
        verb: what for, as the ledgers say it: "evaluate".
        data: as in `open_training`.

    Raises:
        DiskError: a ledger cannot be written; then nothing may look. Further errors: `open_training`.
    """
    images = load_again(run.read("data.json"), data).test
    record_look(run, images.digest, verb)
    return images


def open_split(run: Run, split: str, verb: str, data: Dataset | None = None) -> ImageSet:
    """The images of "validation" or "test". Raises UsageError for any other split; further errors: `open_test`."""
    check_split(split)
    return open_test(run, verb, data) if split == "test" else open_validation(run, data)


def check_split(split: str) -> None:
    """Raise UsageError if there is no such split."""
    if split not in ("validation", "test"):
        raise UsageError(f"split is {split!r}; allowed is validation or test")


def ids_of(run: Run, split: str, data: Dataset | None = None) -> tuple[str, ...]:
    """The ids of the images of a split. They are no look: no network has seen the images. Errors: `open_split`."""
    check_split(split)
    whole = load_again(run.read("data.json"), data)
    return whole.test.ids if split == "test" else tuple(run.read("splits.json")["validation"])


def open_test_for_audit(data: Dataset, run: Run | None) -> ImageSet:
    """The test images for networks that an audit trains and throws away, after this look at them is entered into the ledgers."""
    record_look(run, data.test.digest, "audit")
    return data.test


def inspect(run: Run, split: str, images: ImageSet, data: Dataset | None = None) -> Inspection:
    """Which images of a split count, and what is wrong with them; no network sees them, so this is no look.

    Args:
        run: whose split it is.
        split: "validation" or "test".
        images: its images, as `open_split` gave them.
        data: as in `open_training`, and the errors.
    """
    whole = load_again(run.read("data.json"), data)
    if split == "test":
        return inspect_test(whole)
    return inspect_split(split, images, whole.train.select(run.read("splits.json")["train"]), whole.files)


def counting(run: Run, split: str, images: ImageSet, data: Dataset | None = None) -> np.ndarray:
    """Which images of a split count, bool `(n,)`, where nothing else about them is asked for. Arguments and errors: `inspect`."""
    whole = load_again(run.read("data.json"), data)
    if split == "test":
        return inspect_test(whole).distinct.counts
    return distinct(images, whole.train.select(run.read("splits.json")["train"])).counts


_DESCRIBED: WeakKeyDictionary[Dataset, dict[str, Any]] = WeakKeyDictionary()


def describe_test(run: Run, data: Dataset) -> None:
    """Write `description-test.json`: the test images, what they share with the training images, and what was skipped.

    No network sees them, so this is no look. It takes some seconds, and is not done again for the same images, of other runs too.
    """
    name = "description-test.json"
    if run.has(name) and run.read(name)["digest"] == data.test.digest:
        return
    if data not in _DESCRIBED:
        _DESCRIBED[data] = _described(data)
    run.write(name, _DESCRIBED[data])


def _described(data: Dataset) -> dict[str, Any]:
    return {
        "digest": data.test.digest,
        "images": asdict(describe_images(data.test)),
        "leaks": asdict(leaks(data.train, data.test)),
        "by_rule": data.test_by_rule,
        "modes": data.modes,
        "sizes": data.sizes,
        "skipped": data.skipped,
        "warnings": data.warnings,
    }
