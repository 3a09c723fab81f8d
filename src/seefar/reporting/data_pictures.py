"""What a data set looks like, before anything is trained: PNG files in a folder."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from seefar.data.describe import Description, examples, mean_images
from seefar.data.images import ImageSet
from seefar.files import make_folder, write_bytes
from seefar.reporting import figures

COLUMNS = 10  # examples of each class (chosen by hand: a row that fits on a page)


def write_data_pictures(images: ImageSet, described: Description, name: str, folder: Path) -> list[Path]:
    """Write `examples.png`, with the mean image of each class at the end of its row, and `brightness.png`.

    Args:
        images: the images to show.
        described: what `describe` said of them.
        name: stands in the titles.
        folder: made if it is missing; files of the same names are replaced.

    Returns:
        The files.
    """
    shown = examples(images, COLUMNS)
    rows = np.full((len(images.classes), COLUMNS + 1, images.size, images.size, 3), 255, np.uint8)
    for label in range(len(images.classes)):
        pixels = shown.pixels[shown.labels == label]
        rows[label, : len(pixels)] = pixels
    rows[:, -1] = mean_images(images)
    charts = {
        "examples.png": figures.gallery(
            rows, images.classes, f"{name}: examples of each class, and the mean of all its images"
        ),
        "brightness.png": figures.brightness(asdict(described), f"{name}, training images"),
    }
    make_folder(folder)
    for file, figure in charts.items():
        write_bytes(folder / file, figures.png(figure))
    return [folder / file for file in charts]
