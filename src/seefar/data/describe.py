"""What is in a set of images: numbers, pictures, duplicates, and test images that are also training images.

Everything goes through the images in blocks of a few megabytes. `dataclasses.asdict` makes JSON of both results.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from seefar.data.equal import BLOCK_BYTES, blocks, digests
from seefar.data.images import Dataset, ImageSet
from seefar.display import Shown
from seefar.errors import DataError
from seefar.seeds import derive

BIN_LEVELS = 8  # brightness levels in one bin of a histogram, which makes 32 bins of 0..255

# Near copies: the RMS difference of the pixels is below `DIFFERENCE` of their contrast (the standard deviation in a channel),
# and the details correlate above `DETAIL`. Measured at 32x32: JPEG of quality 75 leaves near copies of all but one of 3,000
# photographs and 2,000 noisy drawings; none of 195,000 random pairs is one; the 137 found in CIFAR-10 are all true to the eye.
DIFFERENCE, DETAIL = 0.6, 0.85
NEAR_PAIRS = 2_000_000_000  # pairs of images compared at most; chosen by hand: half a minute on two busy cores
LISTED = 50  # leaks listed in full; chosen by hand
KINDS = ("exact", "mirrored", "near", "near mirrored")


@dataclass(frozen=True)
class Description:
    """One split in numbers.

    Attributes:
        images: number of images.
        size: height and width in pixels.
        counts: images by class.
        groups: how many groups they belong to; None where that is not known.
        imbalance: the largest class over the smallest; None if a class has no images.
        channel_means: mean of red, green and blue over all pixels, 0..255.
        channel_deviations: likewise the standard deviations (of the population).
        channel_histograms: for red, green and blue, the pixels in each of 32 bins of 8 levels.
        brightness_histogram: likewise for the luma of Rec. 601.
        duplicates: groups of two or more ids whose pixels are equal.
        conflicts: those groups that have more than one label, as {id: class}.
    """

    images: int
    size: int
    counts: dict[str, int]
    groups: int | None
    imbalance: float | None
    channel_means: list[float]
    channel_deviations: list[float]
    channel_histograms: list[list[int]]
    brightness_histogram: list[int]
    duplicates: list[list[str]]
    conflicts: list[dict[str, str]]


def describe_images(images: ImageSet) -> Description:
    """Count, measure and compare the images of one split. Takes about a second for CIFAR's 50,000.

    Raises:
        DataError: there are no images.
    """
    if not len(images):
        raise DataError("there are no images to describe; give at least one")
    counts = images.counts()
    levels, brightness = _histograms(images.pixels)
    means, deviations = _moments(levels)
    groups = images.equal
    return Description(
        images=len(images),
        size=images.size,
        counts=dict(zip(images.classes, counts.tolist(), strict=True)),
        groups=len(set(images.groups)) if images.groups else None,
        imbalance=round(float(counts.max() / counts.min()), 3) if counts.min() else None,
        channel_means=means.round(3).tolist(),
        channel_deviations=deviations.round(3).tolist(),
        channel_histograms=levels.reshape(3, -1, BIN_LEVELS).sum(axis=2).tolist(),
        brightness_histogram=brightness.reshape(-1, BIN_LEVELS).sum(axis=1).tolist(),
        duplicates=[[images.ids[i] for i in group] for group in groups],
        conflicts=[
            {images.ids[i]: images.classes[images.labels[i]] for i in group}
            for group in groups
            if len(set(images.labels[group])) > 1
        ],
    )


def channel_statistics(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (of the population) of red, green and blue over all pixels, 0..255, float64 `(3,)` each."""
    return _moments(_histograms(pixels)[0])


def _moments(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shares = levels / levels.sum(axis=1, keepdims=True)
    means = shares @ np.arange(256)
    return means, np.sqrt((shares * (np.arange(256) - means[:, None]) ** 2).sum(axis=1))


@dataclass(frozen=True)
class Leak:
    """A test image and the training image that it repeats.

    Attributes:
        test: id of the test image.
        train: id of the training image.
        kind: "exact", "mirrored" (left and right exchanged), "near" (re-encoded, say) or "near mirrored".
        rms: root of the mean squared difference of their pixels, mirrored if so, 0..255.
        same_label: whether their classes are the same.
    """

    test: str
    train: str
    kind: str
    rms: float
    same_label: bool


@dataclass(frozen=True)
class Leaks:
    """Test images that are also training images.

    Attributes:
        images: number of test images compared.
        counts: test images by kind of leak; an image counts once, as the first kind that fits in the order of `Leak.kind`.
        other_label: how many of them have another label in train.
        test_ids: ids of all of them, in the order of the test images.
        leaks: up to 50 of them in full, the most certain first.
        near_searched: False if the sets were too large to search for near copies, so that those two counts are 0.
    """

    images: int
    counts: dict[str, int]
    other_label: int
    test_ids: list[str]
    leaks: list[Leak]
    near_searched: bool

    @property
    def count(self) -> int:
        """Number of test images concerned."""
        return len(self.test_ids)


@dataclass(frozen=True)
class DataDescription(Shown):
    """A whole data set: a Description for each split, and the test images that are also training images."""

    train: Description
    test: Description
    leaks: Leaks

    def __repr__(self) -> str:
        parts = f"{self.train.images:,} training and {self.test.images:,} test images in {len(self.train.counts)} classes"
        return f"DataDescription({parts}, {self.leaks.count:,} leaks)"


def describe(data: Dataset) -> DataDescription:
    """Count, measure and compare the images of a data set: classes, colours, duplicates, test images that are also training images.

    `sf.picture(data)` and `sf.picture(describe(data))` draw it. Raises DataError if a split has no images.
    """
    return DataDescription(describe_images(data.train), describe_images(data.test), leaks(data.train, data.test))


def leaks(train: ImageSet, test: ImageSet) -> Leaks:
    """Find the test images that a model has already seen in training, as they are, mirrored, or slightly changed.

    Near copies are what compression (JPEG quality 75), resizing or light retouching leaves of an image. Copies that were
    shifted, turned, cropped or made much brighter are not found, nor are other photographs of the same thing; plain drawings
    may look alike without being copies. CIFAR-10 takes 5 to 10 seconds and 100 MB; 137 of its 10,000 test images are found.

    Args:
        train: the training images.
        test: the test images, of the same size and classes.
    """
    where: dict[bytes, int] = {}
    for position, digest in enumerate(digests(train.pixels)):
        where.setdefault(digest, position)
    found: dict[int, tuple[str, int]] = {}  # position in test -> kind, position in train
    mirrored = test.pixels[:, :, ::-1]
    for kind, pixels in (("exact", test.pixels), ("mirrored", mirrored)):
        for position, digest in enumerate(digests(pixels)):
            if digest in where:
                found.setdefault(position, (kind, where[digest]))

    near_searched = len(train) * len(test) <= NEAR_PAIRS
    if near_searched and len(train) and len(test):
        small = thumbnails(train.pixels)
        for kind, pixels in (("near", test.pixels), ("near mirrored", mirrored)):
            nearest = _nearest(thumbnails(pixels), small)
            for position in np.flatnonzero(near_copies(pixels, train.pixels, nearest)).tolist():
                found.setdefault(position, (kind, int(nearest[position])))

    every = [_leak(train, test, position, *found[position]) for position in sorted(found)]
    return Leaks(
        images=len(test),
        counts={kind: sum(leak.kind == kind for leak in every) for kind in KINDS},
        other_label=sum(not leak.same_label for leak in every),
        test_ids=[leak.test for leak in every],
        leaks=sorted(every, key=lambda leak: (KINDS.index(leak.kind), leak.rms))[:LISTED],
        near_searched=near_searched,
    )


def _leak(train: ImageSet, test: ImageSet, test_position: int, kind: str, train_position: int) -> Leak:
    image = test.pixels[test_position].astype(np.float64)
    if "mirrored" in kind:
        image = image[:, ::-1]
    rms = np.sqrt(np.mean((image - train.pixels[train_position]) ** 2))
    same_label = bool(test.labels[test_position] == train.labels[train_position])
    return Leak(test.ids[test_position], train.ids[train_position], kind, round(float(rms), 2), same_label)


# Near copies. The candidate for each test image is the training image with the likest thumbnail, 8x8 in grey (in colour, or
# 16x16, it found as many in CIFAR-10 and took twice as long). Then both are compared in full. The details are what remains of
# the grey values when the mean of each of 4x4 cells is taken away: without them, one sea with a horizon is like another.


def grey(pixels: np.ndarray) -> np.ndarray:
    """Luma of Rec. 601: float32 `(n, h, w)`."""
    grey: np.ndarray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def _cells(size: int, cells: int) -> np.ndarray:
    """What part of each of `size` pixels in a row lies in each of `cells` equal cells: float32 `(cells, size)`."""
    edges, pixels = np.linspace(0, size, cells + 1), np.arange(size)
    parts = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    cut: np.ndarray = np.maximum(parts, 0).astype(np.float32)
    return cut


def _standardised(images: np.ndarray) -> np.ndarray:
    """Each image as a row of mean 0 and length 1, so that the product of two is their correlation; all 0 for a flat image."""
    rows: np.ndarray = images.reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)
    return rows


def thumbnails(pixels: np.ndarray) -> np.ndarray:
    """Standardised 8x8 thumbnails in grey: float32 `(n, 64)`."""
    cells = _cells(pixels.shape[1], 8)
    return np.concatenate([_standardised(cells @ grey(pixels[block]) @ cells.T) for block in blocks(pixels)])


def _nearest(queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """For each query the position of the key that correlates best with it: int64 `(n,)`."""
    columns = np.ascontiguousarray(keys.T)  # the product is twice as fast like this
    step = max(1, 4 * BLOCK_BYTES // columns[:1].nbytes)
    return np.concatenate([(queries[i : i + step] @ columns).argmax(axis=1) for i in range(0, len(queries), step)])


def near_copies(pixels: np.ndarray, others: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """Whether each image is a near copy of its partner, `others[partners]`: bool `(n,)`."""
    cells = _cells(pixels.shape[1], 4)
    smooth = cells.T @ cells / cells[0].sum()  # puts the mean of its cell in the place of every pixel of a row
    near = np.empty(len(pixels), bool)
    for block in blocks(pixels):
        one, other = pixels[block].astype(np.float32), others[partners[block]].astype(np.float32)
        difference = np.sqrt(np.mean((one - other) ** 2, axis=(1, 2, 3)))
        contrast = np.sqrt(one.var(axis=(1, 2)).mean(axis=1) * other.var(axis=(1, 2)).mean(axis=1)) ** 0.5
        one, other = grey(one), grey(other)
        one, other = _standardised(one - smooth @ one @ smooth), _standardised(other - smooth @ other @ smooth)
        near[block] = (difference < DIFFERENCE * contrast) & ((one * other).sum(axis=1) > DETAIL)
    return near


def mean_images(images: ImageSet) -> np.ndarray:
    """The mean image of every class: uint8 `(classes, h, w, 3)`; black for a class without images."""
    sums = np.zeros((len(images.classes), *images.pixels.shape[1:]))
    for block in blocks(images.pixels):
        pixels, labels = images.pixels[block], images.labels[block]
        for label in range(len(images.classes)):
            sums[label] += pixels[labels == label].sum(axis=0, dtype=np.uint32)
    means = sums / np.maximum(images.counts(), 1)[:, None, None, None]
    rounded: np.ndarray = (means + 0.5).astype(np.uint8)
    return rounded


def examples(images: ImageSet, per_class: int = 8, seed: int = 0) -> ImageSet:
    """Some images of every class, class by class, for showing. A larger `per_class` keeps those of a smaller one and adds more.

    Args:
        images: where to choose from.
        per_class: how many; a smaller class gives all it has.
        seed: of the choice.
    """
    chosen = []
    for label in range(len(images.classes)):
        rng = np.random.default_rng(derive(seed, "examples", label))
        chosen.append(rng.permutation(np.flatnonzero(images.labels == label))[:per_class])
    return images[np.concatenate(chosen)]


def _histograms(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each level occurs: int64 `(3, 256)` by channel and `(256,)` for the luma. Pillow counts faster than numpy."""
    levels, brightness = np.zeros((3, 256), np.int64), np.zeros(256, np.int64)
    for block in blocks(pixels):
        strip = Image.fromarray(pixels[block].reshape(-1, pixels.shape[2], 3))
        levels += np.reshape(strip.histogram(), (3, 256))
        brightness += strip.convert("L").histogram()
    return levels, brightness
