"""Images in files of other forms than a folder or zip: npz, IDX, Parquet, and a CSV that lists images beside it."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seefar.data import decoded_cache
from seefar.data.arrange import Layout
from seefar.data.arrays import image_sets
from seefar.data.collect import How, Progress, Reader, collect
from seefar.data.folder import FolderReader
from seefar.data.idx import is_idx, read_idx
from seefar.data.images import Dataset
from seefar.data.names import name_of
from seefar.data.npz import read_npz
from seefar.data.parquet import MAGIC, arrange_parquet, shards_in
from seefar.data.pixels import axis_of, height_and_width
from seefar.data.sources import FilesBelow, has_image_name, is_hidden, printable
from seefar.data.table import arrange_table, is_table
from seefar.errors import DataError, UsageError
from seefar.files import disk_errors

FORMS = ("npz", "idx", "parquet", "csv")


def form_of(path: Path) -> str | None:
    """Which of FORMS the images at a path have; None for a folder or zip of images, or whatever else is there.

    A folder is of the form of its files: of IDX files in it, or of Parquet files anywhere below it.
    """
    if path.is_dir():
        with disk_errors(path):
            if any(is_idx(file.name) for file in path.iterdir()):
                return "idx"
        return "parquet" if not _has_folders_of_images(path) and shards_in(path) else None
    if is_table(path):
        return "csv"
    if is_idx(path.name):
        return "idx"
    if path.suffix.lower() == ".npz":
        return "npz"
    if path.is_file():
        with disk_errors(path), path.open("rb") as file:
            return "parquet" if file.read(len(MAGIC)) == MAGIC or path.suffix.lower() == ".parquet" else None
    return None


def load_file(
    path: Path, form: str, how: How, *, group: str | None, label: str | None, white: float | None, progress: Progress
) -> Dataset:
    """Load images of one of FORMS.

    Args:
        path: the file, or the folder of IDX or Parquet files.
        form: which one.
        how: what the images are brought to.
        group: the column, array or regular expression that says what each image shows.
        label: the column of labels, in a table or Parquet.
        white: the number that is white, in npz.
        progress: called with the number of images decoded and the total.

    Raises:
        DataError: the images cannot be used.
        DiskError: no permission to read.
        UsageError: options that do not go with this form.
    """
    path = Path(os.path.realpath(path))
    for option, value, forms in (("--label", label, ("csv", "parquet")), ("--white", white, ("npz",))):
        if value is not None and form not in forms:
            raise UsageError(f"{option} is for {' and '.join(forms)}, and {printable(path.name)} is {form}; leave it out")
    if form in ("npz", "idx"):
        return _from_arrays(path, form, how, group, white)
    origin = {name: value for name, value in (("group", group), ("label", label)) if value is not None}
    if form == "csv":
        layout, state = arrange_table(path, label, group)
        return _decoded(
            path, state, how, origin, lambda: (layout, FolderReader(path.parent, FilesBelow(path.parent), layout)), progress
        )
    shards = shards_in(path)
    if not shards:
        raise DataError(f"there are no Parquet files in {printable(path.name)}; give another folder")
    with disk_errors(path):
        stamps = [(str(shard), shard.stat().st_size, shard.stat().st_mtime_ns) for shard in shards]
    state = hashlib.sha256(repr(stamps).encode("utf-8", "surrogateescape")).hexdigest()
    return _decoded(path, state, how, origin, lambda: arrange_parquet(path, shards, label, group), progress)


def _decoded(
    path: Path, state: str, how: How, origin: dict[str, Any], arrange: Callable[[], tuple[Layout, Reader]], progress: Progress
) -> Dataset:
    """From the cache, or else decoded and kept there."""
    key = decoded_cache.key(str(path), state, *how, *sorted(origin.items()))
    if cached := decoded_cache.load(key):
        return cached
    layout, reader = arrange()
    return collect(path, layout, reader, how, key, origin, progress)


def _from_arrays(path: Path, form: str, how: How, group: str | None, white: float | None) -> Dataset:
    """Arrays need no decoding, and are not kept."""
    if form == "idx" and group is not None:
        raise UsageError("IDX files say nothing of groups; give the images with Dataset.from_arrays(..., groups=...)")
    pairs, groups = read_npz(path, group) if form == "npz" else (read_idx(path), None)
    given: dict[str, Any] = {name: value for name, value in (("group", group), ("white", white)) if value is not None}
    sets = image_sets(pairs, None, groups, size=how.size, white=white, split_seed=how.split_seed)
    shape = pairs["train"][0].shape
    channels = axis_of(shape, "the train images", None)
    grey = channels == "none" or shape[3 if channels == "last" else 1] == 1
    counts = {"train": len(sets.train), "test": len(sets.test)}
    height, width = height_and_width(shape, channels)
    total = sum(len(images) for images, _ in pairs.values())
    return Dataset(
        name=name_of(path),
        train=sets.train,
        test=sets.test,
        source=f"{total:,} images in {len(sets.train.classes)} classes from {printable(path.name)}",
        origin={"data": str(path), "size": how.size, "split_seed": how.split_seed, **given},
        split_seed=how.split_seed,
        validation=sets.validation,
        grouped_by=(group or "groups") if groups else "",
        test_by_rule=sets.test_by_rule,
        modes={split: {"L" if grey else "RGB": count} for split, count in counts.items()},
        sizes={split: {f"{width}x{height}": count} for split, count in counts.items()},
    )


def _has_folders_of_images(path: Path) -> bool:
    """Whether a folder has class folders with images, in it or in folders of splits, so that Parquet files in it are something else.

    The first such image is enough, so that the tree is not walked here.
    """
    with disk_errors(path):
        return any(
            has_image_name(file.name) and not any(map(is_hidden, file.relative_to(path).parts))
            for depth in ("*/*", "*/*/*")
            for file in path.glob(depth)
        )
