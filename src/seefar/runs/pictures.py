"""What a run keeps of its images: their description, and the few pictures that its report shows."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np

from seefar.data.describe import describe, examples, leaks, mean_images
from seefar.data.images import Dataset, ImageSet
from seefar.runs.folder import Run

AUGMENTED = 6  # images that the report shows augmented (chosen by hand)
MOST_PICTURES = 80  # examples in all, so that a report of 100 classes stays small (chosen by hand)


def keep_training_pictures(run: Run, train: ImageSet, augment: Callable[[ImageSet], np.ndarray] | None = None) -> None:
    """Write `description-train.json`, and `pictures-train.npz`: examples, and the mean image of each class.

    Args:
        run: where to.
        train: the training images.
        augment: if given, what it makes of a few images, uint8 `(n, views, h, w, 3)`, is kept, too.
    """
    run.write("description-train.json", asdict(describe(train)))
    per_class = int(np.clip(MOST_PICTURES // len(train.classes), 1, 8))
    shown = examples(train, per_class)
    arrays = {"pixels": shown.pixels, "labels": shown.labels, "means": mean_images(train)}
    if augment is not None:
        firsts = np.unique(shown.labels, return_index=True)[1][:AUGMENTED]  # one image a class
        arrays |= {"augmented": augment(shown[firsts]), "augmented_labels": shown.labels[firsts]}
    run.write_arrays("pictures-train.npz", **arrays)


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


def keep_pictures_by_id(run: Run, name: str, images: ImageSet, ids: Sequence[str]) -> None:
    """Write the pictures of some images into an .npz file: `ids`, and `pixels` in their order."""
    chosen = images.select(ids)
    run.write_arrays(name, ids=np.array(chosen.ids), pixels=chosen.pixels)
