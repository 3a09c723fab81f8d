"""Images by name or by path: the one function that every verb loads data with."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seefar import progress
from seefar.data.images import Dataset
from seefar.data.names import slug
from seefar.data.shapes import load_shapes
from seefar.data.splits import part
from seefar.errors import DataError, ModelFileError, UsageError, did_you_mean
from seefar.torchrun import in_turn

ARCHIVES = ("cifar10", "cifar100")  # downloaded once, verified
NAMED = ("mnist", "fashion-mnist", "kmnist", "svhn", "cifar10.1")  # likewise, in several files
OF_ONE_SIZE = ("cifar10", "cifar100", "cifar10.1", "shapes")
SOURCES: dict[str, Callable[[], Dataset]] = {"shapes": load_shapes}  # made or found on this machine; all of 32x32 pixels


def names() -> tuple[str, ...]:
    """What can be loaded by name."""
    return (*ARCHIVES, *NAMED, *SOURCES)


def load(
    data: str | Path,
    *,
    size: int = 32,
    background: str = "white",
    split_seed: int = 0,
    skip_bad: bool = False,
    archive: str | Path | None = None,
    unverified: bool = False,
    subset: int | None = None,
    name: str | None = None,
    group: str | None = None,
    label: str | None = None,
    white: float | None = None,
) -> Dataset:
    """Load training and test images, with a bar on stderr where that takes long.

    Under torchrun the first process of each machine downloads and decodes, and the others find what it left in the cache.

    Args:
        data: "shapes" (the built-in drawn set); "cifar10" or "cifar100" (from the cache, from `archive`, or downloaded), "mnist",
            "fashion-mnist", "kmnist", "svhn" or "cifar10.1" (likewise, without `archive`); or a path: a folder or zip with
            `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone; a .npz file; IDX files (MNIST's); Parquet files (Hugging Face's);
            a CSV file with the paths of images beside it and their labels.
        size: height and width in pixels to which images of a path are brought: centre crop to a square, then resized.
        background: the colour behind transparent images.
        split_seed: seed of the splits: test, if the folder has none of its own, and validation.
        skip_bad: leave out images that cannot be read, and say so, rather than stop.
        archive: a CIFAR archive on this machine, binary or python version.
        unverified: accept an archive whose SHA-256 is not the published one; its structure is still checked.
        subset: keep only so many training images, all classes alike, by the seeded rule: for a first look at large sets. The test
            images stay as they are.
        name: what the images are called in run folders and reports; by default as their source is, or the folder above it where that is
            called "data", "images" or the like.
        group: what belongs together stays on one side of every split, and intervals count groups: a column of a CSV or Parquet file, an
            array of a .npz file, or a regular expression that finds the group in the path of an image ("(deer[0-9]+)_").
        label: the column of labels in a CSV or Parquet file, where it is not called "label" or there are several.
        white: the number that is white in a .npz file, where the values do not tell.

    Raises:
        UsageError: options that do not go together or are out of range.
        DataError: the images cannot be had or cannot be used.
    """
    called = None if name is None else slug(name)
    if called == "":
        raise UsageError(f"name is {name!r}; expected letters or digits, such as my-birds")
    if not 8 <= size <= 512:
        raise UsageError(f"size is {size}; allowed is 8 to 512 pixels")
    if archive is None and unverified:
        raise UsageError("--unverified needs --archive FILE; what is downloaded is always verified")
    if archive is not None and data not in ARCHIVES:
        raise UsageError(f"--archive goes with --data cifar10 or cifar100, not with {str(data)!r}")
    if data in names() and (given := [option for option, value in _of_files(group, label, white).items() if value is not None]):
        raise UsageError(f"{given[0]} is for files of images, and {data} has nothing of the kind; leave it out")
    if (data in OF_ONE_SIZE or data in SOURCES) and size != 32:
        raise UsageError(f"{data} is 32x32 pixels; --size is for folders, zips and files of images")
    with in_turn() as goes_first, progress.bar("downloading" if data in names() else "decoding images") as tell:
        dataset = _load(
            data,
            size,
            background,
            split_seed,
            skip_bad,
            archive,
            unverified,
            _of_files(group, label, white),
            lambda done, total: tell(done, total, "") if goes_first else None,
        )
    origin: dict[str, Any] = {**dataset.origin, "split_seed": split_seed}
    dataset = dataclasses.replace(dataset, origin=origin, split_seed=split_seed)
    if subset is not None:
        dataset = _smaller(dataset, subset)
    return dataset if called is None else dataclasses.replace(dataset, name=called, origin={**dataset.origin, "name": called})


def _of_files(group: str | None, label: str | None, white: float | None) -> dict[str, Any]:
    """The options that only files have, by name."""
    return {"--group": group, "--label": label, "--white": white}


def _smaller(dataset: Dataset, subset: int) -> Dataset:
    """The data set with fewer training images."""
    name, origin = f"{dataset.name}-{subset}", {**dataset.origin, "subset": subset}
    return dataclasses.replace(dataset, name=name, origin=origin, train=part(dataset.train, subset, dataset.split_seed))


def _load(
    data: str | Path,
    size: int,
    background: str,
    split_seed: int,
    skip_bad: bool,
    archive: str | Path | None,
    unverified: bool,
    of_files: Mapping[str, Any],
    progress: Callable[[int, int], None],
) -> Dataset:
    if data in ARCHIVES:
        from seefar.data.cifar import load_cifar

        return load_cifar(str(data), Path(archive) if archive else None, verified=not unverified, progress=progress)
    if data in NAMED:
        from seefar.data.named import load_named

        return load_named(str(data), size, split_seed, progress)
    if data in SOURCES:
        return SOURCES[str(data)]()
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(
            f"there is no folder or file {str(data)!r}, and no data set of that name{did_you_mean(str(data), names())}; "
            f"the names are {', '.join(names())}"
        )
    from seefar.data.collect import How
    from seefar.data.folder import load_folder
    from seefar.data.own_files import form_of, load_file

    group, label, white = of_files.values()
    how = How(size, background, split_seed, skip_bad)
    if (form := form_of(path)) is not None:
        return load_file(path, form, how, group=group, label=label, white=white, progress=progress)
    if given := [option for option in ("--label", "--white") if of_files[option] is not None]:
        raise UsageError(
            f"{given[0]} is for other files than folders and zips of images, whose classes are folders; leave it out"
        )
    return load_folder(path, group=group, progress=progress, **how._asdict())


def load_again(facts: Mapping[str, Any], given: Dataset | None = None) -> Dataset:
    """The data set that a run was trained on.

    Args:
        facts: the run's `data.json`.
        given: the data set, if the caller has it; by default it is loaded again from where it came from.

    Raises:
        DataError: it was made in memory and is not given, or is no longer there.
        ModelFileError: its training images are not those of the run.
    """
    if given is None and not facts["origin"]:
        raise DataError("the run was trained on images made in memory; give them with data=...")
    data = load(**facts["origin"]) if given is None else given
    if data.train.digest != facts["digest"]:
        raise ModelFileError(
            f"the run was trained on other data: its training images have SHA-256 {facts['digest'][:12]}..., "
            f"these {data.train.digest[:12]}...; give the original data, or train again"
        )
    return data
