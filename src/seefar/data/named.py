"""MNIST, Fashion-MNIST, Kuzushiji-MNIST, SVHN and CIFAR-10.1 by name, from their published files.

Sizes and SHA-256 are those that TensorFlow Datasets publishes (url_checksums). Where this was written nothing could be downloaded: the
mirrors are stated as they are known, and tests serve files of the published structure. Sources: LeCun et al. 1998; Xiao et al. 2017,
https://arxiv.org/abs/1708.07747; Clanuwat et al. 2018, https://arxiv.org/abs/1812.01718; Netzer et al. 2011,
http://ufldl.stanford.edu/housenumbers; Recht et al. 2018, https://arxiv.org/abs/1806.00451
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seefar.data.arrays import image_sets
from seefar.data.cifar import load_cifar
from seefar.data.download import Archive, Form, fetch
from seefar.data.idx import read_idx
from seefar.data.image_set import ImageSet
from seefar.data.images import Dataset
from seefar.data.npz import read_npy
from seefar.errors import DataError

Progress = Callable[[int, int], None]
Pairs = dict[str, tuple[np.ndarray, np.ndarray]]
MAT = Form(b"MATLAB 5.0 MAT-file", "MATLAB file")
NPY = Form(b"\x93NUMPY", "npy file")


@dataclass(frozen=True)
class Named:
    """A published set of images.

    Attributes:
        title: what it is called.
        classes: the names of the classes.
        images: how many each split has.
        side: height and width in pixels.
        channels: 1 or 3.
        archives: the files.
        read: from the verified files, in this order, to images and labels.
    """

    title: str
    classes: tuple[str, ...]
    images: dict[str, int]
    side: int
    channels: int
    archives: tuple[Archive, ...]
    read: Callable[[Sequence[Path]], Pairs]


def _read_mat(paths: Sequence[Path]) -> Pairs:
    """SVHN: X (32, 32, 3, n), and y (n, 1) where 10 stands for the digit 0. The reader knows arrays only and runs nothing."""
    from scipy.io import loadmat

    pairs = {}
    for split, path in zip(("train", "test"), paths, strict=True):
        try:
            found = loadmat(path, variable_names=["X", "y"])
            pairs[split] = found["X"].transpose(3, 0, 1, 2), found["y"][:, 0].astype(np.int64) % 10
        except (ValueError, TypeError, KeyError, IndexError, OSError, NotImplementedError) as error:
            raise DataError(
                f"{path} holds no X and y as SVHN's files do; delete it and run again to download it afresh"
            ) from error
    return pairs


def _read_npy(paths: Sequence[Path]) -> Pairs:
    """CIFAR-10.1: images (n, 32, 32, 3) and labels (n,)."""
    images, labels = map(read_npy, paths)
    return {"test": (images, labels)}


_FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def _like_mnist(name: str, title: str, classes: tuple[str, ...], folders: Sequence[str], *facts: tuple[int, str]) -> Named:
    """A set in the four files of MNIST, of as many images; `facts`: size and SHA-256 of each file."""
    archives = (
        Archive(f"{name}-{file}", size, digest, tuple(f"{folder}/{file}" for folder in folders))
        for file, (size, digest) in zip(_FILES, facts, strict=True)
    )
    images = {"train": 60_000, "test": 10_000}
    return Named(title, classes, images, 28, 1, tuple(archives), lambda paths: read_idx(paths[0]))


_DIGITS = tuple("0123456789")
_SVHN = ("https://cseweb.ucsd.edu/~weijian/static/datasets/svhn", "https://ufldl.stanford.edu/housenumbers")
_CIFAR_10_1 = (
    "https://raw.githubusercontent.com/modestyachts/CIFAR-10.1/master/datasets",
    "https://github.com/modestyachts/CIFAR-10.1/raw/master/datasets",
)

SETS: dict[str, Named] = {
    "mnist": _like_mnist(
        "mnist",
        "MNIST",
        _DIGITS,
        ("https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"),
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    "fashion-mnist": _like_mnist(
        "fashion-mnist",
        "Fashion-MNIST",
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        ),
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    "kmnist": _like_mnist(
        "kmnist",
        "Kuzushiji-MNIST",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist",),
        (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
    "svhn": Named(
        "SVHN",
        _DIGITS,
        {"train": 73_257, "test": 26_032},
        32,
        3,
        tuple(
            Archive(f"svhn-{file}", size, digest, tuple(f"{folder}/{file}" for folder in _SVHN), MAT)
            for file, size, digest in (
                ("train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
                ("test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
            )
        ),
        _read_mat,
    ),
    "cifar10.1": Named(
        "CIFAR-10.1",
        (),  # those of CIFAR-10
        {"test": 2_000},
        32,
        3,
        tuple(
            Archive(file, size, digest, tuple(f"{folder}/{file}" for folder in _CIFAR_10_1), NPY)
            for file, size, digest in (
                ("cifar10.1_v6_data.npy", 6_144_128, "2997188e5816f5bd545dc77771b6227828c28146049fcecf3fa10775474cacc6"),
                ("cifar10.1_v6_labels.npy", 8_128, "ae40beda001693674edc94d925ee8268cfe68905f8f9aff800c8dcdfcd6c9448"),
            )
        ),
        _read_npy,
    ),
}


def fetch_named(name: str, progress: Progress = lambda done, total: None) -> list[Path]:
    """The verified files of a set in the cache folder, downloaded if they are not there.

    Args:
        name: one of SETS.
        progress: called with the bytes downloaded so far and the total.

    Raises:
        DataError, DiskError, UsageError: as `seefar.data.download.fetch`.
    """
    archives, paths, before = SETS[name].archives, [], 0
    total = sum(archive.size for archive in archives)
    for archive in archives:
        paths.append(fetch(archive, lambda done, _, before=before: progress(before + done, total)))  # type: ignore[misc]
        before += archive.size
    return paths


def load_named(name: str, size: int, split_seed: int, progress: Progress = lambda done, total: None) -> Dataset:
    """A published set of images.

    Of CIFAR-10.1, which is 2,000 further test images for networks that learned from CIFAR-10, the training images are CIFAR-10's.

    Args:
        name: one of SETS.
        size: height and width in pixels to which images are brought.
        split_seed: of the validation split.
        progress: called with the bytes downloaded so far and the total.

    Raises:
        DataError: the files cannot be had, or are damaged.
        DiskError: a file cannot be read or written.
    """
    found = SETS[name]
    pairs = found.read(fetch_named(name, progress))
    for split, (images, labels) in pairs.items():
        shape = (found.images[split], found.side, found.side, *[3] * (found.channels == 3))
        if images.dtype != np.uint8 or images.shape != shape or labels.shape != shape[:1]:
            raise DataError(
                f"the {split} files of {found.title} hold {images.dtype} {images.shape} and {len(labels):,} labels, expected uint8 "
                f"{shape}; "
                "delete them from the cache and run again"
            )
    source = f"{found.title}, size and SHA-256 as published"
    if name == "cifar10.1":
        whole = load_cifar("cifar10", progress=progress)
        test = _test_of(pairs["test"], whole.train.classes)
        return replace(
            whole,
            name="cifar10-1",
            test=test,
            source=f"{source}, for testing; {whole.source}, for training",
            origin={"data": name},
        )
    sets = image_sets(pairs, found.classes, size=size, white=255, split_seed=split_seed)
    mode, side = "L" if found.channels == 1 else "RGB", f"{found.side}x{found.side}"
    return Dataset(
        name,
        sets.train,
        sets.test,
        source,
        origin={"data": name, "size": size},
        modes={split: {mode: count} for split, count in found.images.items()},
        sizes={split: {side: count} for split, count in found.images.items()},
    )


def _test_of(pair: tuple[np.ndarray, np.ndarray], classes: tuple[str, ...]) -> ImageSet:
    images, labels = pair
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            "the labels of CIFAR-10.1 are not 0 to 9; delete its files from the cache and run again to download them afresh"
        )
    return ImageSet(
        images.copy(), labels.astype(np.int64), classes, tuple(f"cifar10.1/{number:05d}" for number in range(len(images)))
    )
