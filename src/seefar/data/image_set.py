"""ImageSet: labelled images of one size, the value in which images travel through seefar."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seefar.data.equal import blocks, digests, equal, taken
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
        groups: `n` names of what the images show (one deer, one patient, one film), where that is known; else empty. Images of one
            group stay on one side of every split.

    Raises:
        DataError: the parts do not fit together.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...] = ()

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
        if len(self.groups) not in (0, n):
            raise DataError(f"groups must name one for each of the {n} images; found {len(self.groups)}")
        for array in (pixels, labels):
            array.setflags(write=False)

    def __repr__(self) -> str:
        return f"ImageSet({len(self):,} images of {self.size}x{self.size} pixels in {len(self.classes)} classes)"

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> "ImageSet":
        positions = np.arange(len(self))[index].tolist()
        ids, groups = (tuple(names[i] for i in positions) if names else () for names in (self.ids, self.groups))
        pixels = self.pixels[index] if isinstance(index, slice) else taken(self.pixels, np.array(positions, np.int64))
        return ImageSet(pixels, self.labels[index], self.classes, ids, groups)

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
    def equal(self) -> list[list[int]]:
        """The positions of images whose pixels are equal, group by group, where there are two or more."""
        return equal(digests(self.pixels))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pixels, labels, class names, ids and groups, in hexadecimal: equal if and only if the sets are."""
        names = (self.ids, self.groups) if self.groups else (self.ids,)
        digest = hashlib.sha256(repr((self.pixels.shape, self.classes, *names)).encode("utf-8", "surrogateescape"))
        digest.update(np.ascontiguousarray(self.labels).data)
        for block in blocks(self.pixels):
            digest.update(np.ascontiguousarray(self.pixels[block]).data)
        return digest.hexdigest()


class Skipped(NamedTuple):
    """An entry of the source that is not among the images, and why."""

    id: str
    reason: str
