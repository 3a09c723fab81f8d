"""What is wrong with images before any network has seen them: the findings that a headline has to answer for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from seefar.data.bursts import bursts
from seefar.data.distinct import Distinct, distinct
from seefar.data.images import Dataset, ImageSet
from seefar.data.shortcuts import FileFacts, Shortcut, shortcuts

# All chosen by hand
FEW = 30  # images that count, of a class, below which little can be said of it
UNEVEN = 5.0  # largest by smallest class from which accuracy alone misleads
TELLING = 0.8  # part of the way from chance to perfect from which a shortcut is a finding; borders of CIFAR-10 reach a quarter
SERIOUS = {
    "copies": 0.05,
    "repeats": 0.1,
    "contradicting": 0.01,
    "near": 0.05,
    "bursts": 0.1,
    "groups": 0.05,
}  # shares of the split
ORDER = ("copies", "contradicting", "groups", "shortcut", "near", "repeats", "bursts", "few", "uneven")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: "copies" of training images, "contradicting" labels of equal images, images of "groups" that were
            trained on, a "shortcut", "near" copies of training images,
            "repeats" of images within the split, "bursts" of images that follow each other, a class with "few" images, "uneven" classes.
        serious: whether it bears on the headline, so that `--strict` fails.
        images: how many images it is about; of bursts, all that are in one with others.
        of: how many images there are.
        classes: of "few" those that have few; of "uneven" the largest and the smallest.
        numbers: of "few" how many each of them has; of "uneven" likewise; of "bursts" and "groups" how many they are.
        by: of a shortcut, what it sees: "files", "border" or "colour".
        accuracy, chance: of a shortcut.
    """

    kind: str
    serious: bool
    images: int
    of: int
    classes: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    by: str = ""
    accuracy: float = 0.0
    chance: float = 0.0


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a look at the images of a split found.

    Attributes:
        split: "validation" or "test".
        distinct: which of them count.
        findings: worst first.
        bursts: the number of the burst that an image belongs to, int64 `(n,)`; images that do not count are in none (-1). Where it is
            known what images show, these are the groups.
        shortcuts: how far the classes can be told apart without looking at what the images show.
    """

    split: str
    distinct: Distinct
    findings: list[Finding]
    bursts: np.ndarray
    shortcuts: list[Shortcut]


_KNOWN: WeakKeyDictionary[Dataset, Inspection] = WeakKeyDictionary()


def inspect_test(data: Dataset) -> Inspection:
    """Look at the test images of a data set, and at what they share with the training images; no network does.

    Takes 2 s for CIFAR-10, and nothing when the same data set is asked for again.
    """
    if data not in _KNOWN:
        _KNOWN[data] = inspect_split("test", data.test, data.train, data.files)
    return _KNOWN[data]


def inspect_split(split: str, images: ImageSet, seen: ImageSet, files: FileFacts) -> Inspection:
    """Look at the images of a split.

    Args:
        split: "validation" or "test".
        images: its images, `n`.
        seen: the images that a network is trained on, or chosen by.
        files: facts of the training images' files, `Dataset.files`.
    """
    found = distinct(images, seen)
    numbers = np.full(len(images), -1, np.int64)
    if images.groups:
        numbers[found.counts] = np.unique(np.array(images.groups)[found.counts], return_inverse=True)[1]
    else:
        numbers[found.counts] = bursts(images if found.counts.all() else images[found.counts])  # no copy where none is needed
    sees = shortcuts(seen, files)
    findings = [
        *counted_findings(found, images.labels, images.classes, seen.counts()),
        *([] if images.groups else _bursts(numbers[found.counts])),
        *_parted(images, seen),
        *(
            Finding("shortcut", True, 0, len(images), by=one.by, accuracy=one.accuracy, chance=one.chance)
            for one in sees[:1]
            if one.accuracy - one.chance >= TELLING * (1 - one.chance)
        ),
    ]
    return Inspection(split, found, worst_first(findings), numbers, sees)


def near_finding(images: int, of: int) -> list[Finding]:
    """The finding that so many of the images that count are near copies of training images; empty if none is."""
    return [Finding("near", images >= SERIOUS["near"] * of, images, of)] if images else []


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Serious ones first, then in the order of ORDER."""
    return sorted(findings, key=lambda finding: (not finding.serious, ORDER.index(finding.kind)))


def counted_findings(
    found: Distinct, labels: np.ndarray, classes: Sequence[str], train: np.ndarray | Sequence[int]
) -> list[Finding]:
    """The findings that follow from counts alone: what is left out, classes with few images left, and uneven training classes.

    Args:
        found: which images of the split count.
        labels: of all of them, int64 `(n,)`.
        classes: the names.
        train: training images of each class.
    """
    findings = [
        Finding(kind, count >= SERIOUS[kind] * len(labels), count, len(labels))
        for kind, count in found.left_out.items()
        if count
    ]
    before, left = (np.bincount(some, minlength=len(classes)) for some in (labels, labels[found.counts]))
    if few := [i for i in np.argsort(left, kind="stable").tolist() if before[i] and left[i] < FEW]:
        names, numbers = [classes[i] for i in few], [int(left[i]) for i in few]
        findings.append(Finding("few", True, sum(numbers), int(left.sum()), names, numbers))
    if is_uneven(train):
        most, least = int(np.argmax(train)), int(np.argmin(train))
        names, numbers = [classes[most], classes[least]], [int(train[most]), int(train[least])]
        findings.append(Finding("uneven", False, int(sum(train)), int(sum(train)), names, numbers))
    return findings


def is_uneven(counts: Sequence[int] | np.ndarray) -> bool:
    """Whether some classes have so many more training images than others that accuracy alone misleads."""
    return bool(max(counts) >= UNEVEN * min(counts))


def _parted(images: ImageSet, seen: ImageSet) -> list[Finding]:
    """The finding that images are of groups that were trained on."""
    known = set(seen.groups)
    if not (count := sum(group in known for group in images.groups)):
        return []
    parted = len(known.intersection(images.groups))
    return [Finding("groups", count >= SERIOUS["groups"] * len(images), count, len(images), numbers=[parted])]


def _bursts(numbers: np.ndarray) -> list[Finding]:
    sizes = np.bincount(numbers) if len(numbers) else np.zeros(0, np.int64)
    images = int(sizes[sizes > 1].sum())
    if not images:
        return []
    return [
        Finding("bursts", images >= SERIOUS["bursts"] * len(numbers), images, len(numbers), numbers=[int((sizes > 1).sum())])
    ]
