"""What a run keeps of its images: their description, and the few pictures that its report shows."""

from dataclasses import asdict

import numpy as np

from seefar.data.describe import describe, examples, leaks, mean_images
from seefar.data.images import Dataset, ImageSet
from seefar.runs.folder import Run

MOST_PICTURES = 80  # examples in all, so that a report of 100 classes stays small (chosen by hand)


def keep_training_pictures(run: Run, train: ImageSet) -> None:
    """Write `description-train.json`, and `pictures-train.npz` with examples and the mean image of each class."""
    run.write("description-train.json", asdict(describe(train)))
    per_class = int(np.clip(MOST_PICTURES // len(train.classes), 1, 8))
    shown = examples(train, per_class)
    run.write_arrays("pictures-train.npz", pixels=shown.pixels, labels=shown.labels, means=mean_images(train))


def keep_test_description(run: Run, data: Dataset) -> None:
    """Write `description-test.json`: the test images, what they share with the training images, and what was skipped.

    It takes some seconds, so it is not done again for the same images.
    """
    name = "description-test.json"
    if run.has(name) and run.read(name)["digest"] == data.test.digest:
        return
    description = {
        "digest": data.test.digest,
        "images": asdict(describe(data.test)),
        "leaks": asdict(leaks(data.train, data.test)),
        "by_rule": data.test_by_rule,
        "modes": data.modes,
        "sizes": data.sizes,
        "skipped": data.skipped,
        "warnings": data.warnings,
    }
    run.write(name, description)
