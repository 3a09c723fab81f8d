"""From listed files to a Dataset: every picture decoded once, what could not be decoded told, splits made, the result kept."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from seefar.data.arrange import Layout, Listed, lines, refuse_empty_classes
from seefar.data.arrays import TEST_SHARE, joined
from seefar.data.decode import Decoded, NotAnImageError, Result, decode_each
from seefar.data.images import Dataset, ImageSet, Skipped
from seefar.data.names import name_of
from seefar.data.shortcuts import sample
from seefar.data.sources import HIDDEN, has_image_name, is_refusal, printable, reason_of, shown_path
from seefar.data.splits import carve
from seefar.errors import DataError, DiskError, OutOfMemoryError

COMMON_SIZES = 20  # sizes counted by name in Dataset.sizes; chosen by hand: what a table can show

Progress = Callable[[int, int], None]


class Reader(Protocol):
    """What gives the contents of the files of a layout, in its order."""

    def items(self, first: int, stop: int) -> Iterable[Any]:
        """What stands for the files from `first` to before `stop`."""

    def read(self, item: Any) -> bytes:
        """The content of one. Raises OSError for that file's own trouble."""


class How(NamedTuple):
    """How pictures become pixels and splits.

    Attributes:
        size: height and width in pixels to which the images are brought.
        background: the colour behind transparent images.
        split_seed: seed of the rule that splits off a test set.
        skip_bad: leave out images that cannot be decoded, and record them, instead of raising.
    """

    size: int
    background: str
    split_seed: int
    skip_bad: bool


class _Decoding:
    """What has become of the files of a layout so far: pictures, or the reason why not.

    A file is bad if its name or its beginning says that it is a picture and it cannot be decoded; it is left out if it was
    never meant to be one; it is refused if the system does not let us read it.
    """

    def __init__(self, layout: Layout, size: int) -> None:
        shape = (len(layout.images), size, size, 3)
        try:
            self.pixels = np.empty(shape, dtype=np.uint8)
        except MemoryError:
            room = np.prod(shape, dtype=float) / 1e9
            raise OutOfMemoryError(
                f"{shape[0]:,} images of {size}x{size} pixels take {room:,.0f} GB of memory, more than there is; "
                "choose a smaller size, or fewer images"
            ) from None
        self.listed = layout.listed
        self.good: list[Listed] = []
        self.modes: dict[str, str] = {}  # by id
        self.sizes: dict[str, str] = {}
        self.files: dict[str, tuple[str, int]] = {}  # format and bytes
        self.animated = 0
        self.bad: list[Skipped] = []
        self.refused: list[Skipped] = []
        self.left_out = [*layout.left_out]

    def add(self, image: Listed, result: Result) -> None:
        if isinstance(result, Decoded):
            self.pixels[len(self.good)] = result.pixels
            self.good.append(image)
            self.modes[image.id] = result.mode
            self.sizes[image.id] = result.original_size
            self.files[image.id] = result.format, result.file_bytes
            self.animated += result.animated
        else:
            skipped = Skipped(shown_path(image.parts) if image.parts else image.id, reason_of(result))
            if is_refusal(result):
                self.refused.append(skipped)
            elif self.listed or has_image_name(image.parts[-1]) or not isinstance(result, OSError | NotAnImageError):
                self.bad.append(skipped)
            else:
                self.left_out.append(Skipped(skipped.id, "not an image") if isinstance(result, NotAnImageError) else skipped)


def collect(path: Path, layout: Layout, reader: Reader, how: How, origin: dict[str, Any], progress: Progress) -> Dataset:
    """Decode the files of a layout and make a Dataset of them.

    Args:
        path: where they come from.
        layout: which files are images of which split and class.
        reader: gives their contents.
        how: what the images are brought to.
        origin: further arguments with which `load` gives the same again.
        progress: called with the number of images decoded and the total.

    Raises:
        DataError: images cannot be decoded (listed in `details`), a class has no images left.
        DiskError: no permission to read.
    """
    images = layout.images
    done = _Decoding(layout, how.size)
    results = decode_each(reader.read, reader.items(0, len(images)), how.size, how.background)
    for count, (image, result) in enumerate(zip(images, results, strict=True), start=1):
        done.add(image, result)
        if count % 100 == 0 or count == len(images):
            progress(count, len(images))
    _refuse_failures(done, len(images), how.skip_bad)

    labels = np.array([image.label for image in done.good], dtype=np.int64)
    groups = tuple(image.group for image in done.good) if layout.grouped_by else ()
    ids = tuple(image.id for image in done.good)
    everything = ImageSet(done.pixels[: len(labels)], labels, layout.classes, ids, groups)
    in_train, in_validation = (sum(image.split == split for image in done.good) for split in ("train", "validation"))
    train, test = everything[:in_train], everything[in_train + in_validation :]
    validation = everything[in_train : in_train + in_validation]
    refuse_empty_classes("train", layout.classes, train.labels, done.left_out + done.bad)
    if layout.test_by_rule:
        train, test = carve(train, TEST_SHARE, how.split_seed, "test")
    else:
        refuse_empty_classes("test", layout.classes, test.labels, done.left_out + done.bad)
    if in_validation:
        train = joined(train, validation)

    return Dataset(
        name=name_of(path),
        train=train,
        test=test,
        source=f"{len(everything):,} images in {len(layout.classes)} classes from {printable(path.name)}",
        origin={"data": str(path), **how._asdict(), **origin},
        split_seed=how.split_seed,
        validation=validation.ids,
        grouped_by=layout.grouped_by,
        test_by_rule=layout.test_by_rule,
        modes={"train": _count(done.modes, train), "test": _count(done.modes, test)},
        sizes={"train": _count(done.sizes, train, COMMON_SIZES), "test": _count(done.sizes, test, COMMON_SIZES)},
        files={id_: _file_facts(done, id_) for id_ in (train.ids[i] for i in sample(len(train)))},
        skipped=tuple(sorted(done.left_out + done.bad)),
        warnings=(*layout.warnings, *_warnings(done)),
    )


def _file_facts(done: _Decoding, id_: str) -> list[Any]:
    """What the file of an image was, as `Dataset.files` has it."""
    kind, length = done.files[id_]
    return [kind, done.modes[id_], *map(int, done.sizes[id_].split("x")), length]


def _refuse_failures(done: _Decoding, total: int, skip_bad: bool) -> None:
    if done.refused:
        first = min(done.refused)
        raise DiskError(
            f"{len(done.refused):,} of {total:,} files cannot be read, the first is {first.id} ({first.reason}); "
            "allow it, or move them away",
            details=lines(done.refused),
        )
    if done.bad and not skip_bad:
        raise DataError(
            f"{len(done.bad):,} of {total:,} images cannot be used; repair or remove them, or leave them out with --skip-bad",
            details=lines(done.bad),
        )


def _warnings(done: _Decoding) -> list[str]:
    """A sentence for each reason for which files are not among the images, and one if there are animations."""
    sentences = []
    for reason, count in sorted(Counter(skipped.reason for skipped in done.left_out).items()):
        if reason != HIDDEN:
            first = min(skipped.id for skipped in done.left_out if skipped.reason == reason)
            sentences.append(f"{_many(count, 'file')} left out: {reason} (the first: {first})")
    if done.bad:
        first_bad = min(done.bad)
        sentences.append(f"{_many(len(done.bad), 'bad image')} left out (the first: {first_bad.id}: {first_bad.reason})")
    if done.animated:
        sentences.append(f"{_many(done.animated, 'animated image')}: the first frame is used")
    return sentences


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _count(values: dict[str, str], images: ImageSet, most: int | None = None) -> dict[str, int]:
    """How many of `images` have which of the `values` (by id), commonest first; beyond the `most` common, under "other"."""
    counts = Counter(values[id_] for id_ in images.ids)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[most:]) if most else 0
    return dict(ranked[:most]) | ({"other": rest} if rest else {})
