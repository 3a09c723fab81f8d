"""Dataset: training and test images, and where they came from; from arrays and from the data sets of other libraries, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seefar.data.arrays import Sets, image_sets, joined
from seefar.data.image_set import ImageSet, Skipped
from seefar.data.names import slug
from seefar.data.objects import rows_of, splits_of
from seefar.data.splits import carve
from seefar.display import Shown
from seefar.errors import UsageError

__all__ = ["Dataset", "ImageSet", "Skipped"]


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
        validation: ids of the training images that the source itself holds out for choices; empty: a share of them is carved off.
        grouped_by: how the groups of the images were found: a column, a regular expression, or "given"; empty if there are none.
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
    validation: tuple[str, ...] = ()
    grouped_by: str = ""
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
        return joined(*parts).select(ids)

    def held_out(self, share: float) -> tuple[ImageSet, ImageSet]:
        """The training images without and with those held out for choices: the source's own, or else that share of every class.

        Raises:
            DataError: a class has too few images, or groups cannot be divided.
            UsageError: `share` is out of range.
        """
        if not self.validation:
            return carve(self.train, share, self.split_seed, "validation")
        inside = set(self.validation)
        chosen = np.array([id_ in inside for id_ in self.train.ids], bool)
        return self.train[~chosen], self.train[chosen]

    def every_pixel(self) -> np.ndarray:
        """The pixels of training and test images together, uint8 `(n, h, w, 3)`: what another run takes as out-of-distribution images."""
        return np.concatenate([self.train.pixels, self.test.pixels])

    def locked(self) -> "Dataset":
        """The same without its test images: what training gets."""
        return replace(self, test=self.test[:0])

    @classmethod
    def from_arrays(
        cls,
        train: tuple[Any, Any],
        test: tuple[Any, Any] | None = None,
        classes: Sequence[str] | None = None,
        groups: Any = None,
        *,
        validation: tuple[Any, Any] | None = None,
        name: str = "arrays",
        size: int | None = None,
        channels: str | None = None,
        white: float | None = None,
        split_seed: int = 0,
    ) -> "Dataset":
        """Images and labels that are in memory.

            data = sf.Dataset.from_arrays((x_train, y_train), (x_test, y_test), name="leaves")

        Args:
            train: images and labels. Images are numpy arrays or torch tensors, `(n, h, w, 3)`, `(n, 3, h, w)`, or grey as `(n, h, w)`,
                `(n, h, w, 1)` or `(n, 1, h, w)`; uint8, or any numbers from 0 to 1 or from 0 to 255. Labels are whole numbers, names,
                or rows with one 1 each.
            test: likewise; None: a fifth of every class is split off by the seeded rule.
            classes: names of the classes, the label being the index; by default names are sorted, and numbers are their own names.
            groups: what each training image shows (which deer, which patient), one for each; no group comes to stand on both sides of a
                split. With `test` or `validation` a dict with the groups of each: `{"train": ..., "test": ...}`.
            validation: images and labels that are to be held out for choices; None: a share of the training images is.
            name: for run folders and reports.
            size: height and width to which images are brought; None: as they are, which must then be square.
            channels: "last" or "first", where the shape allows both.
            white: the number that is white, where the values do not tell, such as 16 for numbers from 0 to 16.
            split_seed: of the splits.

        Raises:
            DataError: images or labels cannot be used, or can be read in several ways.
            UsageError: an argument is out of range.
        """
        given = {"train": train, "validation": validation, "test": test}
        parts = {split: part for split, part in given.items() if part is not None}
        named = None if groups is None else groups if isinstance(groups, Mapping) else {"train": groups}
        sets = image_sets(parts, classes, named, size=size, channels=channels, white=white, split_seed=split_seed)
        shapes = {split: np.shape(x) for split, (x, _) in parts.items()}
        return cls._in_memory(sets, name, f"arrays {shapes['train']} in memory", split_seed, "given" * (named is not None))

    @classmethod
    def from_torch(
        cls,
        train: Any,
        test: Any = None,
        classes: Sequence[str] | None = None,
        *,
        validation: Any = None,
        groups: Any = None,
        name: str = "torch",
        size: int | None = None,
        background: str = "white",
        channels: str | None = None,
        white: float | None = None,
        split_seed: int = 0,
    ) -> "Dataset":
        """Images from a `torch.utils.data.Dataset`, or anything else with a length whose items are (image, label).

        An image is a PIL image, or an array or tensor as `from_arrays` takes them, without transforms that change at random: each item is
        taken once.

        Args:
            train: the data set.
            test: likewise; None: a fifth of every class is split off by the seeded rule.
            classes: names of the classes; by default those in `train.classes`, where it has them.
            size: height and width to which images are brought; None: as they are, or 32 for PIL images of unequal size.
            background: the colour behind transparent PIL images.

        The other arguments are those of `from_arrays`, and so are the errors.
        """
        parts = {"train": train, "validation": validation, "test": test}
        read: dict[str, Any] = {
            split: rows_of(part, split, size, background) for split, part in parts.items() if part is not None
        }
        names = classes if classes is not None else getattr(train, "classes", None)
        how: dict[str, Any] = {"channels": channels, "white": white, "split_seed": split_seed}
        return cls.from_arrays(classes=names, groups=groups, name=name, size=size, **read, **how)

    @classmethod
    def from_hugging_face(
        cls,
        data: Any,
        *,
        image: str | None = None,
        label: str | None = None,
        group: str | None = None,
        name: str = "hugging-face",
        size: int | None = None,
        background: str = "white",
        split_seed: int = 0,
    ) -> "Dataset":
        """Images from a Hugging Face `Dataset`, or a `DatasetDict` with "train" and, if it has them, "validation" and "test".

        Args:
            data: the data set.
            image: the column of images; by default the one that is declared as images.
            label: the column of labels; by default the one that is declared as class labels, which gives the names of the classes.
            group: a column that says what each image shows; see `from_arrays`.
            name: for run folders and reports.
            size: height and width to which images are brought; None: as they are, or 32 for images of unequal size.
            background: the colour behind transparent images.
            split_seed: of the splits.

        Raises:
            DataError: images or labels cannot be used, or it is unclear which columns hold them.
        """
        parts, classes, groups = splits_of(data, image, label, group)
        read: dict[str, Any] = {split: rows_of(part, split, size, background) for split, part in parts.items()}
        found = cls.from_arrays(classes=classes, groups=groups, name=name, size=size, split_seed=split_seed, **read)
        return replace(found, grouped_by=group or "")

    @classmethod
    def _in_memory(cls, sets: Sets, name: str, source: str, split_seed: int, grouped_by: str) -> "Dataset":
        called = slug(name)
        if not called:
            raise UsageError(f"name is {name!r}; expected letters or digits, such as my-birds")
        return cls(
            called,
            sets.train,
            sets.test,
            source,
            split_seed=split_seed,
            validation=sets.validation,
            grouped_by=grouped_by,
            test_by_rule=sets.test_by_rule,
        )
