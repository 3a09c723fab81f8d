"""Folders and zips of images: everything in one as a Dataset, or just the pictures, to be classified."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data import decoded_cache
from seefar.data.arrange import Layout, Listed, arrange, lines, refuse_empty_classes
from seefar.data.decode import Decoded, NotAnImageError, Result, decode_each, reader_for
from seefar.data.images import Dataset, ImageSet, Skipped
from seefar.data.names import name_of
from seefar.data.shortcuts import sample
from seefar.data.sources import HIDDEN, FolderSource, ZipSource, open_source, printable, read_file, shown_path
from seefar.data.splits import carve
from seefar.errors import DataError, DiskError, OutOfMemoryError

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".webp",
    ".bmp",
    ".dib",
    ".gif",
)  # other files may be pictures, these must
TEST_SHARE = 0.2  # of each class, where the source has no test images; chosen by hand, a custom of the field
COMMON_SIZES = 20  # sizes counted by name in Dataset.sizes; chosen by hand: what a table can show
REFUSALS = (errno.EACCES, errno.EPERM, errno.EIO)  # the system's doing: the file itself may be good

Progress = Callable[[int, int], None]


def load_folder(
    path: Path,
    *,
    size: int = 32,
    background: str = "white",
    split_seed: int = 0,
    skip_bad: bool = False,
    progress: Progress = lambda done, total: None,
) -> Dataset:
    """Load a folder or zip of images: `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone.

    Where there is no test folder, a fifth of every class is split off by the seeded rule. The decoded images are kept in the
    cache, so that the same files load at once the next time.

    Args:
        path: the folder or zip file.
        size: height and width in pixels to which the images are brought: centre crop to a square, then resized.
        background: the colour behind transparent images.
        split_seed: seed of the rule that splits off a test set.
        skip_bad: leave out images that cannot be decoded, and record them in `skipped`, instead of raising.
        progress: called with the number of images decoded and the total.

    Raises:
        DataError: nothing there, no images, no classes, images that cannot be decoded (listed in `details`), a damaged zip.
        DiskError: no permission to read.
        UsageError: no such colour.
    """
    path = Path(os.path.realpath(path))
    source = open_source(path)
    key = decoded_cache.key(str(path), source.state, size, background, split_seed, skip_bad)
    if cached := decoded_cache.load(key):
        return cached
    with source:
        dataset = _load(path, source, size, background, split_seed, skip_bad, progress)
    return decoded_cache.keep(key, dataset)


def read_images(paths: list[Path], size: int, background: str) -> list[tuple[str, Decoded | DataError]]:
    """Decode image files for prediction; one that cannot be decoded does not stop the others.

    Args:
        paths: files, in the order wanted; a folder stands for the image files in it and below, sorted.
        size: height and width of the results in pixels.
        background: the colour behind transparent images.

    Returns:
        For each file its path, fit to be printed, and either the picture or what was wrong.

    Raises:
        DataError: a path does not exist, or a folder holds no images.
        DiskError: no permission to look at a path.
    """
    files: list[Path] = []
    for path in paths:
        try:
            kind = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise DataError(f"there is no image or folder {printable(str(path))}; check the spelling") from None
        except OSError as error:
            raise DiskError(f"cannot read {printable(str(path))}: {error.strerror}; fix that, or choose another") from error
        if stat.S_ISDIR(kind):
            found = sorted(Path(path, *parts) for parts in FolderSource(path).contents.files)
            images = [file for file in found if is_image_file(file)]
            if not images:
                raise DataError(f"there are no images in {printable(str(path))}; choose another folder")
            files += images
        elif stat.S_ISREG(kind):
            files.append(path)
        else:
            raise DataError(f"{printable(str(path))} is neither a file nor a folder; give an image, or a folder of them")
    results = decode_each(lambda file: read_file(str(file)), files, size, background)
    return [
        (printable(str(file)), result if isinstance(result, Decoded) else DataError(reason_of(result)))
        for file, result in zip(files, results, strict=True)
    ]


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
            skipped = Skipped(shown_path(image.parts), reason_of(result))
            if isinstance(result, OSError) and result.errno in REFUSALS:
                self.refused.append(skipped)
            elif has_image_name(image.parts[-1]) or not isinstance(result, OSError | NotAnImageError):
                self.bad.append(skipped)
            else:
                self.left_out.append(Skipped(skipped.id, "not an image") if isinstance(result, NotAnImageError) else skipped)


def _load(
    path: Path,
    source: FolderSource | ZipSource,
    size: int,
    background: str,
    split_seed: int,
    skip_bad: bool,
    progress: Progress,
) -> Dataset:
    layout = arrange(source.contents, printable(path.name))
    images = layout.images
    done = _Decoding(layout, size)
    results = decode_each(source.read, [image.parts for image in images], size, background)
    for count, (image, result) in enumerate(zip(images, results, strict=True), start=1):
        done.add(image, result)
        if count % 100 == 0 or count == len(images):
            progress(count, len(images))
    _refuse_failures(done, len(images), skip_bad)

    labels = np.array([image.label for image in done.good], dtype=np.int64)
    everything = ImageSet(done.pixels[: len(labels)], labels, layout.classes, tuple(image.id for image in done.good))
    in_train = sum(image.split == "train" for image in done.good)
    train, test = everything[:in_train], everything[in_train:]
    refuse_empty_classes("train", layout.classes, train.labels, done.left_out + done.bad)
    if layout.test_by_rule:
        train, test = carve(train, TEST_SHARE, split_seed, "test")
    else:
        refuse_empty_classes("test", layout.classes, test.labels, done.left_out + done.bad)

    return Dataset(
        name=name_of(path),
        train=train,
        test=test,
        source=f"{len(everything):,} images in {len(layout.classes)} classes from {printable(path.name)}",
        origin={
            "data": str(path),
            "size": size,
            "background": background,
            "split_seed": split_seed,
            "skip_bad": skip_bad,
        },
        split_seed=split_seed,
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


def reason_of(failure: DataError | OSError) -> str:
    """What was wrong with a file, in a few words."""
    return failure.strerror or str(failure) if isinstance(failure, OSError) else str(failure)


def _count(values: dict[str, str], images: ImageSet, most: int | None = None) -> dict[str, int]:
    """How many of `images` have which of the `values` (by id), commonest first; beyond the `most` common, under "other"."""
    counts = Counter(values[id_] for id_ in images.ids)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[most:]) if most else 0
    return dict(ranked[:most]) | ({"other": rest} if rest else {})


def has_image_name(name: str) -> bool:
    """Whether a file says by its name that it is a picture."""
    return name.lower().endswith(SUFFIXES)


def is_image_file(file: Path) -> bool:
    """Whether a file counts as a picture: by its name, or else by its first bytes."""
    if has_image_name(file.name):
        return True
    try:
        with file.open("rb") as opened:
            return reader_for(opened.read(18)) is not None
    except OSError:
        return False
