"""From listed files to a Dataset: every picture decoded once, what could not be decoded told, splits made, the result kept."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from seefar.data import decoded_cache
from seefar.data.arrange import Layout, lines, refuse_empty_classes
from seefar.data.arrays import TEST_SHARE
from seefar.data.decode import Decoded, decode_each
from seefar.data.decoding_process import BAD, GOOD, NO_IMAGE, REFUSED, kind_of
from seefar.data.equal import taken
from seefar.data.images import Dataset, ImageSet, Skipped
from seefar.data.large import LARGE, decode_large, forget, reordered
from seefar.data.names import name_of
from seefar.data.shortcuts import sample
from seefar.data.sources import HIDDEN, has_image_name, printable, reason_of, shown_path
from seefar.data.splits import choose
from seefar.errors import DataError, DiskError, OutOfMemoryError
from seefar.files import home, lock
from seefar.progress import say

COMMON_SIZES = 20  # sizes counted by name in Dataset.sizes; chosen by hand: what a table can show

Progress = Callable[[int, int], None]


class Reader(Protocol):
    """What gives the contents of the files of a layout, in its order."""

    def items(self, first: int, stop: int) -> Iterable[Any]:
        """What stands for the files from `first` to before `stop`."""

    def read(self, item: Any) -> bytes:
        """The content of one. Raises OSError for that file's own trouble."""

    def source(self) -> dict[str, Any]:
        """What another process needs to read the files (`decoding_process.source_of`)."""

    def jobs(self, first: int, stop: int) -> list[Any]:
        """What stands in JSON for the files from `first` to before `stop`."""


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

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.good: list[int] = []  # positions in the layout
        self.modes: list[str] = []  # of the good ones
        self.sizes: list[str] = []
        self.files: list[tuple[str, int]] = []  # format and bytes
        self.animated = 0
        self.bad: list[Skipped] = []
        self.refused: list[Skipped] = []
        self.left_out = [*layout.left_out]

    def good_one(self, position: int, mode: str, original_size: str, animated: bool, kind: str, file_bytes: int) -> None:
        """Take note of a picture."""
        self.good.append(position)
        self.modes.append(sys.intern(mode))
        self.sizes.append(sys.intern(original_size))
        self.files.append((sys.intern(kind), file_bytes))
        self.animated += animated

    def failed(self, position: int, kind: int, reason: str) -> None:
        """Take note of a file that could not be decoded; `kind` is one of those of `decoding_process`."""
        image = self.layout.images[position]
        skipped = Skipped(shown_path(image.parts) if image.parts else image.id, reason)
        if kind == REFUSED:
            self.refused.append(skipped)
        elif self.layout.listed or has_image_name(image.parts[-1]) or kind == BAD:
            self.bad.append(skipped)
        else:
            self.left_out.append(Skipped(skipped.id, "not an image") if kind == NO_IMAGE else skipped)


def collect(
    path: Path, layout: Layout, reader: Reader, how: How, key: str, origin: dict[str, Any], progress: Progress
) -> Dataset:
    """Decode the files of a layout, make a Dataset of them, and keep it in the cache.

    Large sets are decoded by several processes into a file, and continued there after a kill; the others in this process, in memory.

    Args:
        path: where they come from.
        layout: which files are images of which split and class.
        reader: gives their contents.
        how: what the images are brought to.
        key: under which the result is kept (`decoded_cache.key`).
        origin: further arguments with which `load` gives the same again.
        progress: called with the number of images decoded and the total.

    Raises:
        DataError: images cannot be decoded (listed in `details`), a class has no images left.
        DiskError: no permission to read, or no room on the disk.
    """
    done = _Decoding(layout)
    folder = decoded_cache.unfinished(key) if len(layout.images) >= LARGE else None
    if folder is None:
        dataset = _dataset(path, done, _in_memory(done, reader, how, progress), how, origin, None)
        return decoded_cache.keep(key, dataset)
    count = len(layout.images)
    with lock(home() / "decoding.lock", wait=lambda owner: say(f"waiting for {owner}, which is decoding images")):
        if found := decoded_cache.load(key):
            return found
        pixels, answers = decode_large(folder, count, how.size, how.background, reader.source(), reader.jobs, progress)
        for position, (kind, *facts) in enumerate(answers):
            if kind == GOOD:
                done.good_one(position, *facts)
            else:
                done.failed(position, kind, *facts)
        kept = decoded_cache.keep(key, _dataset(path, done, pixels, how, origin, folder))
        found = decoded_cache.load(key)
        if found is None:  # it could not be kept, and is mapped from the unfinished folder
            return kept
        forget(folder)
        return found


def _in_memory(done: _Decoding, reader: Reader, how: How, progress: Progress) -> np.ndarray:
    """Decode everything in this process; the pixels by position."""
    images = done.layout.images
    shape = (len(images), how.size, how.size, 3)
    try:
        pixels = np.empty(shape, dtype=np.uint8)
    except MemoryError:
        room = np.prod(shape, dtype=float) / 1e9
        raise OutOfMemoryError(
            f"{shape[0]:,} images of {how.size}x{how.size} pixels take {room:,.0f} GB of memory, more than there is; "
            "choose a smaller size, or fewer images"
        ) from None
    results = decode_each(reader.read, reader.items(0, len(images)), how.size, how.background)
    for position, result in enumerate(results):
        if isinstance(result, Decoded):
            pixels[position] = result.pixels
            done.good_one(position, *result[1:])
        else:
            done.failed(position, kind_of(result), reason_of(result))
        if (position + 1) % 100 == 0 or position + 1 == len(images):
            progress(position + 1, len(images))
    return pixels


def _dataset(path: Path, done: _Decoding, pixels: np.ndarray, how: How, origin: dict[str, Any], folder: Path | None) -> Dataset:
    """The good images as a Dataset; what is to be rearranged of large sets goes into files in the folder."""
    layout = done.layout
    _refuse_failures(done, len(layout.images), how.skip_bad)
    good = [layout.images[position] for position in done.good]
    if len(good) < len(pixels):
        pixels = _taken(pixels, np.array(done.good, np.int64), folder, "good")
    labels = np.array([image.label for image in good], dtype=np.int64)
    groups = tuple(image.group for image in good) if layout.grouped_by else ()
    everything = ImageSet(pixels, labels, layout.classes, tuple(image.id for image in good), groups)
    in_train, in_validation = (sum(image.split == split for image in good) for split in ("train", "validation"))
    refuse_empty_classes("train", layout.classes, labels[:in_train], done.left_out + done.bad)
    positions = np.arange(len(good))
    if layout.test_by_rule:
        chosen = choose(everything[:in_train], TEST_SHARE, how.split_seed, "test")
        train, test = np.concatenate([np.flatnonzero(~chosen), positions[in_train:]]), np.flatnonzero(chosen)
        order = np.concatenate([train, test])
        pixels = _taken(pixels, order, folder, "split")
        groups = tuple(groups[i] for i in order) if groups else ()
        everything = ImageSet(pixels, labels[order], layout.classes, tuple(everything.ids[i] for i in order), groups)
    else:
        train, test = positions[: in_train + in_validation], positions[in_train + in_validation :]
        refuse_empty_classes("test", layout.classes, labels[test], done.left_out + done.bad)
    facts = {split: [done.modes[i] for i in own] for split, own in (("train", train), ("test", test))}
    sizes = {split: [done.sizes[i] for i in own] for split, own in (("train", train), ("test", test))}
    return Dataset(
        name=name_of(path),
        train=everything[: len(train)],
        test=everything[len(train) :],
        source=f"{len(good):,} images in {len(layout.classes)} classes from {printable(path.name)}",
        origin={"data": str(path), **how._asdict(), **origin},
        split_seed=how.split_seed,
        validation=tuple(image.id for image in good[in_train : in_train + in_validation]),
        grouped_by=layout.grouped_by,
        test_by_rule=layout.test_by_rule,
        modes={split: _count(values) for split, values in facts.items()},
        sizes={split: _count(values, COMMON_SIZES) for split, values in sizes.items()},
        files={good[i].id: _file_facts(done, i) for i in train[sample(len(train))].tolist()},
        skipped=tuple(sorted(done.left_out + done.bad)),
        warnings=(*layout.warnings, *_warnings(done)),
    )


def _taken(pixels: np.ndarray, positions: np.ndarray, folder: Path | None, name: str) -> np.ndarray:
    """The images at these positions, in memory, or in a file of the folder."""
    return taken(pixels, positions) if folder is None else reordered(pixels, positions, folder / name)


def _file_facts(done: _Decoding, number: int) -> list[Any]:
    """What the file of a good image was, as `Dataset.files` has it."""
    kind, length = done.files[number]
    return [kind, done.modes[number], *map(int, done.sizes[number].split("x")), length]


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


def _count(values: Iterable[str], most: int | None = None) -> dict[str, int]:
    """How many have which of the values, commonest first; beyond the `most` common, under "other"."""
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[most:]) if most else 0
    return dict(ranked[:most]) | ({"other": rest} if rest else {})
