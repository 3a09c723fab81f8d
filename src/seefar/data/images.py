"""ImageSet and Dataset: the two values in which images travel through seefar."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seefar.display import Shown
from seefar.errors import DataError, UsageError, did_you_mean
from seefar.files import make_folder, write_bytes


@dataclass(frozen=True, eq=False)
class ImageSet(Shown):
    """Labelled images of one size. Immutable; `images[10:20]`, `images[mask]` and `images[indices]` give another ImageSet.

    Attributes:
        pixels: uint8 `(n, h, w, 3)`, RGB, 0..255, read-only.
        labels: int64 `(n,)`, 0..len(classes)-1, read-only.
        classes: the class names; the label is the index.
        ids: `n` stable, unique names of the images ("test/cat/00042.jpg"): splits, predictions and reports refer to them.

    Raises:
        DataError: the parts do not fit together.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        pixels, labels, n = self.pixels, self.labels, len(self.ids)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or len(pixels) != n:
            raise DataError(f"pixels must be uint8 ({n}, height, width, 3); found {pixels.dtype} {pixels.shape}")
        if labels.dtype != np.int64 or labels.shape != (n,):
            raise DataError(f"labels must be int64 ({n},); found {labels.dtype} {labels.shape}")
        if n and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(f"labels must be 0..{len(self.classes) - 1}; found {labels.min()}..{labels.max()}")
        if len(set(self.ids)) != n:
            raise DataError("the ids of the images must be unique")
        for array in (pixels, labels):
            array.setflags(write=False)

    def __repr__(self) -> str:
        return f"ImageSet({len(self):,} images of {self.size}x{self.size} pixels in {len(self.classes)} classes)"

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> "ImageSet":
        positions = np.arange(len(self))[index]
        return ImageSet(self.pixels[index], self.labels[index], self.classes, tuple(self.ids[i] for i in positions))

    @property
    def size(self) -> int:
        """Height of the images in pixels (they are square)."""
        return int(self.pixels.shape[1])

    def counts(self) -> np.ndarray:
        """Images per class, int64 `(len(classes),)`."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def of_class(self, name: str) -> "ImageSet":
        """The images of one class. Raises UsageError, with the nearest name, if there is no such class."""
        if name not in self.classes:
            known = ", ".join(self.classes)
            raise UsageError(f"no class is called {name!r}{did_you_mean(name, self.classes)}; there are {known}")
        return self[self.labels == self.classes.index(name)]

    def select(self, ids: Sequence[str]) -> "ImageSet":
        """The images with these ids, in this order. Raises DataError if one is missing."""
        positions = {id_: position for position, id_ in enumerate(self.ids)}
        if missing := [id_ for id_ in ids if id_ not in positions]:
            raise DataError(
                f"{len(missing)} of {len(ids)} images are missing, the first is {missing[0]!r}: the data has changed; give it as it was"
            )
        return self[[positions[id_] for id_ in ids]]

    def save(self, folder: str | Path) -> Path:
        """Write the images as `<folder>/<class>/<number>.png`, as `load` takes them; return the folder.

        Files of the same names are replaced.

        Raises:
            UsageError: a class has a name that no folder can have, or that `load` would skip.
            DiskError: the folder cannot be written.
        """
        from PIL import Image

        for name in self.classes:
            if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0'):
                raise UsageError(f"the class {name!r} cannot name a folder; give it a name of letters, digits and spaces")
        for number, (pixels, label) in enumerate(zip(self.pixels, self.labels, strict=True)):
            content = io.BytesIO()
            Image.fromarray(pixels).save(content, "PNG")
            write_bytes(make_folder(Path(folder) / self.classes[label]) / f"{number:05d}.png", content.getvalue())
        return Path(folder)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pixels, labels, class names and ids, in hexadecimal: equal if and only if the sets are."""
        digest = hashlib.sha256(repr((self.pixels.shape, self.classes, self.ids)).encode("utf-8", "surrogateescape"))
        digest.update(np.ascontiguousarray(self.labels).data)
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


class Skipped(NamedTuple):
    """An entry of the source that is not among the images, and why."""

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Dataset(Shown):
    """What `load` returns: training images, test images, and where they came from.

    Attributes:
        name: a short name, fit for a folder name ("cifar10", "shapes", "my-birds").
        train: the training images; validation is carved from these.
        test: the test images; only the verbs that say so look at them.
        source: a sentence for the report: what this is and whether it was verified.
        origin: keyword arguments with which `load` gives the same again; empty for images made in memory.
        split_seed: the seed of every split made from these images, the validation split included.
        test_by_rule: True if the source has no test images of its own and `test` was split off by the seeded rule.
        modes: how many images had which Pillow mode ("RGB", "L", "P", ...), by split: `{"train": {"RGB": 50000}, "test": ...}`.
        sizes: likewise how many had which size before resizing ("32x32").
        files: of some training images, by id, what their files were: format, mode, width, height and bytes (data/shortcuts.py).
        skipped: what was left out, with the reason.
        warnings: sentences about the source that its owner should read.
    """

    name: str
    train: ImageSet
    test: ImageSet
    source: str
    origin: dict[str, Any] = field(default_factory=dict)
    split_seed: int = 0
    test_by_rule: bool = False
    modes: dict[str, dict[str, int]] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size, classes = self.train.size, len(self.classes)
        counts = f"{len(self.train):,} training and {len(self.test):,} test images"
        return f"Dataset({self.name!r}: {counts} of {size}x{size} pixels in {classes} classes)"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; the label is the index."""
        return self.train.classes

    def select(self, ids: Sequence[str]) -> ImageSet:
        """The training and test images with these ids, in this order. Raises DataError if one is missing."""
        inside = set(self.train.ids)
        parts = [self.train.select([i for i in ids if i in inside]), self.test.select([i for i in ids if i not in inside])]
        pixels, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("pixels", "labels"))
        return ImageSet(pixels, labels, self.classes, parts[0].ids + parts[1].ids).select(ids)

    def every_pixel(self) -> np.ndarray:
        """The pixels of training and test images together, uint8 `(n, h, w, 3)`: what another run takes as out-of-distribution images."""
        return np.concatenate([self.train.pixels, self.test.pixels])

    def locked(self) -> "Dataset":
        """The same without its test images: what training gets."""
        return replace(self, test=self.test[:0])
