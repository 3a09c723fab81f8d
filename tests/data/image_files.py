"""Small image files, folders and zips for the tests of what reads them, and what compares the results."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from seefar.data.images import Dataset

SPLIT = {"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 2}
"""A small data set in train and test folders: images per folder."""


def picture(number: int = 0, file_format: str = "PNG", **options: object) -> bytes:
    """A file with a picture of 8x8 pixels, another one for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def pictures(counts: Mapping[str, int]) -> dict[str, bytes]:
    """Pictures by path, as many for each folder as said: "train/cat/0.png"."""
    paths = [f"{folder}/{i}.png" for folder, count in counts.items() for i in range(count)]
    return {path: picture(number) for number, path in enumerate(paths)}


def make_folder(root: Path, counts: Mapping[str, int]) -> Path:
    """A folder with pictures, as many in each folder below as said."""
    for folder in counts:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, content in pictures(counts).items():
        (root / path).write_bytes(content)
    return root


def make_zip(path: Path, entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file with these entries."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def jpeg(pixels: np.ndarray, quality: int = 75) -> np.ndarray:
    """What JPEG leaves of an image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two data sets are equal in everything."""
    facts = [{**vars(each), "train": each.train.digest, "test": each.test.digest} for each in (one, other)]
    return facts[0] == facts[1]
