"""Images: load, fetch and clean the cache, describe, and see what augmentation makes of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seefar import progress
from seefar.data import load as sources
from seefar.data.images import Dataset
from seefar.recipes import Recipe
from seefar.training.launch import in_turn

if TYPE_CHECKING:
    from seefar.data.batches import Augmented
    from seefar.data.describe import DataDescription


def load(data: str | Path, **options: Any) -> Dataset:
    """Load images, with a bar on stderr where that takes long. Arguments, values and errors: `seefar.data.load.load`.

    Under torchrun the first process of each machine downloads and decodes, and the others find what it left in the cache.
    """
    with in_turn() as goes_first, progress.bar("downloading" if data in sources.names() else "decoding images") as tell:
        return sources.load(data, progress=lambda done, total: tell(done, total, "") if goes_first else None, **options)


def fetch(name: str) -> Path:
    """Download the archive of "cifar10" or "cifar100" into the cache, unless it is there; return the verified file."""
    from seefar.data.cifar import fetch_cifar

    with progress.bar(f"downloading {name}") as tell:
        return fetch_cifar(name, progress=lambda done, total: tell(done, total, ""))


def clean(archives: bool = False) -> list[tuple[str, int]]:
    """Delete decoded images and unfinished downloads from the cache.

    Args:
        archives: delete downloaded archives, too.

    Returns:
        What was deleted, and its size in bytes. Ledgers of looks at test images are never deleted.
    """
    from seefar.data import decoded_cache, download

    deleted = [(entry.source, entry.size) for entry in decoded_cache.entries()]
    for entry in decoded_cache.entries():
        decoded_cache.delete(entry)
    return deleted + download.clean(archives=archives)


def describe(data: Dataset, *, out: str | Path | None = None) -> "DataDescription":
    """Count, measure and compare the images of a data set: classes, colours, duplicates, leaks between the splits.

    Args:
        data: what `load` gave.
        out: a folder for pictures of the training images: examples and mean image of each class, brightness and colours.
    """
    from seefar.data.describe import DataDescription, describe, leaks

    found = DataDescription(describe(data.train), describe(data.test), leaks(data.train, data.test))
    if out is not None:
        from seefar.reporting.data_pictures import write_data_pictures

        write_data_pictures(data.train, found.train, data.name, Path(out))
    return found


def augmented(
    data: Dataset,
    recipe: str | Recipe = "deep",
    seed: int = 0,
    *,
    out: str | Path | None = None,
    images: int = 8,
    views: int = 9,
    **changes: Any,
) -> "Augmented":
    """Training images as the network sees them: each as it is, and then as it looks in the first epochs of a run.

    Args:
        data: what `load` gave.
        recipe: a name or a Recipe; its augmentation fields count.
        seed: the run's seed.
        out: a PNG file to draw them into.
        images: how many images, taken from all classes in turn.
        views: epochs to show.
        changes: recipe fields to change, such as `rotate=15`.

    Raises:
        UsageError: there is no such recipe or field.
    """
    from seefar.api.training import choose
    from seefar.data.batches import Augmented, see
    from seefar.data.describe import examples
    from seefar.training.prepare import augmentation

    chosen = choose(recipe, data.train.size, **changes)
    candidates = examples(data.train, -(-images // len(data.classes)))
    shown = candidates[np.linspace(0, len(candidates) - 1, min(images, len(candidates))).round().astype(int)]
    names = [data.classes[label] for label in shown.labels]
    found = Augmented(see(shown, augmentation(chosen), views, seed), names, chosen.name)
    if out is not None:
        from seefar.files import write_bytes
        from seefar.reporting.figures import gallery, png

        title = f"{data.name}: training images as they are, then as recipe {chosen.name} shows them, epoch by epoch"
        write_bytes(Path(out), png(gallery(found.pixels, names, title)))
    return found
