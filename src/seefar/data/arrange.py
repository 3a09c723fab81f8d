"""Which files of a folder or zip are images of which split and class, from where they stand."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from seefar.data.groups import group_in, pattern_of
from seefar.data.image_set import Skipped
from seefar.data.sources import Contents, Parts, printable, shown_path
from seefar.errors import DataError

SPLITS = ("train", "validation", "test")
NAMES_OF_SPLITS = {  # what people call them in tables, file names and data sets
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
OF_FOLDERS = ("train", "test")
LISTED = 20  # lines below an error message; chosen by hand: fits on a screen


class Listed(NamedTuple):
    """A file that stands where an image of some class should."""

    split: str
    label: int
    id: str
    parts: Parts
    group: str = ""


class Layout(NamedTuple):
    """The files of a source as a data set.

    Attributes:
        classes: the class names, sorted.
        images: train before test, each sorted by id, so that the order does not depend on the file system.
        test_by_rule: True if there is no test folder: all images are in "train", for the seeded rule to split.
        left_out: what the source left out, and files that stand elsewhere, with the reason.
        warnings: sentences about the class names.
        grouped_by: how the groups were found, if there are any.
        listed: somebody named each of the files as an image, so that none may be left out without a word.
    """

    classes: tuple[str, ...]
    images: list[Listed]
    test_by_rule: bool
    left_out: list[Skipped]
    warnings: list[str]
    grouped_by: str = ""
    listed: bool = False


def arrange(contents: Contents, source: str, group: str | None = None) -> Layout:
    """Find the splits and classes of a source: `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone.

    A single folder around everything, as zips of a folder have, is passed through.

    Args:
        contents: what the source holds.
        source: its name, for messages.
        group: a regular expression that finds in the path of an image what it shows; see `ImageSet.groups`.

    Raises:
        DataError: it is empty, has no class folders, one class, a class without images, or other classes in test than in train.
    """
    if not contents.files:
        raise DataError(
            f"{source} is empty; give one with images in <class>/*, or in train/<class>/* and test/<class>/*",
            details=lines(contents.left_out),
        )
    root = _root(contents.folders)
    splits = _splits(contents.folders, root, source)
    names = {split: _class_names(_subfolders(contents.folders, base), split) for split, base in splits.items()}
    classes = _agreed_classes(names, source)
    pattern = pattern_of(group) if group is not None else None
    label_of = {name: label for label, name in enumerate(classes)}
    images, left_out = [], [*contents.left_out]
    for parts in contents.files:
        split = next((split for split, base in splits.items() if parts[: len(base)] == base), None)
        inner = parts[len(splits[split]) :] if split else ()
        if split and len(inner) == 2:
            label = label_of[names[split][inner[0]]]
            id_ = shown_path(parts[len(root) :])
            images.append(Listed(split, label, id_, parts, group_in(pattern, id_) if pattern else ""))
        else:
            left_out.append(Skipped(shown_path(parts), _misplaced(parts, len(inner), root, splits)))
    images.sort(key=lambda image: (SPLITS.index(image.split), image.id))
    _refuse_twins(images)
    for split in splits:
        refuse_empty_classes(split, classes, (image.label for image in images if image.split == split), left_out)
    return Layout(classes, images, "test" not in splits, left_out, _look_alikes(classes), group or "")


def refuse_empty_classes(split: str, classes: tuple[str, ...], labels: Iterable[int], left_out: Iterable[Skipped]) -> None:
    """Raise DataError if `labels`, of all images of a split, lack one of the classes; the files left out of it are listed."""
    present = set(labels)
    for label, name in enumerate(classes):
        if label not in present:
            inside = [skipped for skipped in left_out if f"/{name}/" in f"/{skipped.id}"]
            raise DataError(f"class '{name}' has no images in {split}; add some, or remove its folder", details=lines(inside))


def lines(skipped: Iterable[Skipped]) -> list[str]:
    """The lines that go below an error message: the first 20 files with their reasons, and how many more there are."""
    every = sorted(skipped)
    more = [f"... and {len(every) - LISTED:,} more"] if len(every) > LISTED else []
    return [f"{id_}: {reason}" for id_, reason in every[:LISTED]] + more


def _subfolders(folders: set[Parts], parent: Parts) -> set[str]:
    """The names of the folders directly in `parent`."""
    depth = len(parent)
    return {folder[depth] for folder in folders if len(folder) == depth + 1 and folder[:depth] == parent}


def _root(folders: set[Parts]) -> Parts:
    """The folder that holds the splits or classes, below folders that hold nothing but one folder of folders."""
    root: Parts = ()
    while True:
        below = _subfolders(folders, root)
        inner = (*root, *below)
        if len(below) != 1 or not below.isdisjoint(OF_FOLDERS) or not _subfolders(folders, inner):
            return root
        root = inner


def _splits(folders: set[Parts], root: Parts, source: str) -> dict[str, Parts]:
    """The folder of each split. Without a train folder the classes are in `root`, and all images count as train."""
    below = _subfolders(folders, root)
    if "test" in below and "train" not in below:
        raise DataError(f"{source} has a folder 'test' but none called 'train'; expected both, or class folders only")
    return {split: (*root, split) for split in OF_FOLDERS if split in below} or {"train": root}


def _class_names(folders: set[str], split: str) -> dict[str, str]:
    """The name of the class for each class folder. Raises DataError if two folders give the same name."""
    names: dict[str, str] = {}
    owner: dict[str, str] = {}
    for folder in sorted(folders):
        name = printable(folder)
        if name in owner:
            raise DataError(
                f"two class folders in {split} have the same name in Unicode, '{name}', written differently: "
                f"{owner[name]!a} and {folder!a}; rename or merge them"
            )
        owner[name] = folder
        names[folder] = name
    return names


def _agreed_classes(names: dict[str, dict[str, str]], source: str) -> tuple[str, ...]:
    """The classes, sorted by name, if train and test have the same and there are at least two."""
    train = set(names["train"].values())
    test = set(names["test"].values()) if "test" in names else train
    if train != test:
        sides = (("train", train - test), ("test", test - train))
        difference = "; ".join(f"only in {split}: {_quoted(only)}" for split, only in sides if only)
        raise DataError(f"train and test have different class folders, {difference}; both need the same names")
    if not train:
        raise DataError(f"{source} has no class folders; expected <class>/*, or train/<class>/* and test/<class>/*")
    if len(train) == 1:
        raise DataError(f"need at least 2 classes, found 1: {_quoted(train)}; add the folder of another")
    return tuple(sorted(train))


def _quoted(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _misplaced(parts: Parts, depth: int, root: Parts, splits: dict[str, Parts]) -> str:
    """Why a file is not in a class, from where it stands. `depth`: parts of its path below its split, 0 if it is in none."""
    if depth > 2:
        return "deeper than a class folder"
    if depth == 0 and len(parts) > len(root) + 1 and parts[: len(root)] == root:
        return f"in {printable(parts[len(root)])}/, beside {' and '.join(f'{split}/' for split in splits)}"
    return "outside the class folders"


def _refuse_twins(images: list[Listed]) -> None:
    """Two file names may differ in bytes and yet be the same text; the images would then have the same id."""
    for one, other in pairwise(images):
        if one.id == other.id:
            raise DataError(
                f"two files have the same name in Unicode, {one.id}, written differently: "
                f"{'/'.join(one.parts)!a} and {'/'.join(other.parts)!a}; rename or remove one"
            )


def _look_alikes(classes: tuple[str, ...]) -> list[str]:
    """A warning for class names that people would take for the same."""
    groups = defaultdict(list)
    for name in classes:
        groups[name.strip().casefold()].append(f"'{name}'")
    return [
        f"class names differ only in case or in space around them: {', '.join(alike)}; they are different classes here"
        for alike in groups.values()
        if len(alike) > 1
    ]
