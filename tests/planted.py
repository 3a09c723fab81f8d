"""Data sets with a known fault in each, and two without: what every sentence about a run has to stay true on."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from seefar.data.images import Dataset, ImageSet
from seefar.files import make_folder, write_bytes

SIZE = 16  # height and width in pixels
EDGE = 2  # pixels of plain background around every pattern: it tells nothing of the class
CLEAN = 40  # distinct test images of each class that are in no other set, where a set has enough of them
STRIPES = ("level", "slanted", "upright")
DRAWN = ("circle", "cross", "square", "triangle", "zigzag")


@dataclass(frozen=True)
class Planted:
    """A data set, and what was done to it.

    Attributes:
        data: the images.
        fault: what is wrong with it, in a few words.
        clean: for each test image whether it counts: bool `(n,)`. Of equal images only the first does.
        copies: test images that are equal to a training image, or to the mirror image of one.
        repeats: of the others, those that repeat another test image of the same label.
        contradicting: of the others, those that are equal to another test image of another label.
        measurable: whether enough is left for a figure that means something: 30 images of every class.
        kind: the kind of finding that the first warning must have; empty where none is serious.
    """

    data: Dataset
    fault: str
    clean: np.ndarray
    copies: int = 0
    repeats: int = 0
    contradicting: int = 0
    measurable: bool = True
    kind: str = ""


def stripes(counts: tuple[int, ...], seed: int, split: str, contrast: float = 25, names: tuple[str, ...] = STRIPES) -> ImageSet:
    """Level, slanted and upright stripes under noise, of any colour, phase and width: no two alike, and no border that tells them apart.

    Args:
        counts: images of each class.
        seed: of everything.
        split: what the ids begin with.
        contrast: of the stripes, in levels; that of the noise is 30.
        names: the classes.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    n = len(labels)
    angle = np.choose(labels, [np.full(n, np.pi / 2), rng.choice([-np.pi / 4, np.pi / 4], n), np.zeros(n)])[:, None, None]
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    period, phase = rng.uniform(4, 6, (n, 1, 1)), rng.uniform(0, 2 * np.pi, (n, 1, 1))
    wave = contrast * np.sign(np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + phase))
    wave[:, :EDGE] = wave[:, -EDGE:] = 0
    wave[:, :, :EDGE] = wave[:, :, -EDGE:] = 0
    ground = rng.uniform(90, 165, (n, 1, 1, 3))
    noise = rng.normal(0, 30, (n, SIZE, SIZE, 1))
    pixels = np.clip(ground + wave[..., None] + noise, 0, 255).astype(np.uint8)
    return as_set(pixels, labels, names, split)


def as_set(pixels: np.ndarray, labels: np.ndarray, names: tuple[str, ...], split: str, suffix: str = "png") -> ImageSet:
    """Images with ids as a folder would give them."""
    ids = tuple(f"{split}/{names[label]}/{place:05d}.{suffix}" for place, label in enumerate(labels.tolist()))
    return ImageSet(pixels, labels.astype(np.int64), names, ids)


def joined(parts: list[ImageSet], split: str) -> ImageSet:
    """Several sets as one, with new ids."""
    pixels, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("pixels", "labels"))
    return as_set(pixels, labels, parts[0].classes, split)


def sound(name: str, contrast: float = 25, train: int = 120, test: int = CLEAN) -> Dataset:
    """A set without a fault, from which the others are made; `train` and `test` are images of each class."""
    learned, kept = stripes((train,) * 3, 1, "train", contrast), stripes((test,) * 3, 2, "test", contrast)
    return Dataset(name, learned, kept, "stripes under noise")


def all_copies() -> Planted:
    """Every test image is a training image. There are enough of these for validation to say something instead."""
    data = sound("all-copies", train=400)
    test = as_set(data.train.pixels[::10], data.train.labels[::10], STRIPES, "test")
    return Planted(
        replace(data, test=test),
        "all test images are training images",
        np.zeros(len(test), bool),
        copies=len(test),
        measurable=False,
        kind="copies",
    )


def half_copies() -> Planted:
    """As many copies of training images as new ones; every other copy is mirrored."""
    data = sound("half-copies")
    copied = data.train[::3]
    pixels = copied.pixels.copy()
    pixels[::2] = pixels[::2, :, ::-1]
    test = joined([data.test, as_set(pixels, copied.labels, STRIPES, "copy")], "test")
    clean = np.arange(len(test)) < len(data.test)
    return Planted(
        replace(data, test=test),
        "half of the test images are training images",
        clean,
        copies=len(copied),
        kind="copies",
    )


def contradicting() -> Planted:
    """Beside new images, pairs of equal ones that have two labels."""
    data = sound("contradicting")
    twice = stripes((10,) * 3, 3, "twice")
    other = as_set(twice.pixels, (twice.labels + 1) % 3, STRIPES, "other")
    test = joined([data.test, twice, other], "test")
    clean = np.arange(len(test)) < len(data.test)
    return Planted(
        replace(data, test=test),
        "equal test images have different labels",
        clean,
        contradicting=2 * len(twice),
        kind="contradicting",
    )


def five() -> Planted:
    """Five test images."""
    data = sound("five")
    test = stripes((2, 2, 1), 2, "test")
    return Planted(replace(data, test=test), "there are five test images", np.ones(5, bool), measurable=False, kind="few")


def uneven() -> Planted:
    """Of a hundred images 99 are of one class, in training and in test."""
    names = STRIPES[:2]
    train, test = (stripes((99 * CLEAN, CLEAN), seed, split, 20, names) for seed, split in ((1, "train"), (2, "test")))
    data = Dataset("uneven", train, test, "stripes under noise")
    return Planted(data, "99 % of the images are of one class", np.ones(len(test), bool), kind="uneven")


def border() -> Planted:
    """The classes have borders of different colours, and nothing else tells them apart."""
    data = sound("border", contrast=0)
    colours = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]], np.uint8)

    def framed(images: ImageSet) -> ImageSet:
        pixels = images.pixels.copy()
        inside = pixels[:, EDGE:-EDGE, EDGE:-EDGE].copy()
        pixels[:] = colours[images.labels][:, None, None]
        pixels[:, EDGE:-EDGE, EDGE:-EDGE] = inside
        return replace(images, pixels=pixels)

    data = replace(data, train=framed(data.train), test=framed(data.test))
    return Planted(data, "the border's colour gives the class away", np.ones(len(data.test), bool), kind="shortcut")


def file_type() -> Planted:
    """Each class is stored in files of a type of its own: `write` heeds the ids."""
    data = sound("file-type")
    suffixes = ("png", "bmp", "webp")

    def renamed(images: ImageSet) -> ImageSet:
        ids = [f"{id_[:-4]}.{suffixes[label]}" for id_, label in zip(images.ids, images.labels.tolist(), strict=True)]
        return replace(images, ids=tuple(ids))

    data = replace(data, train=renamed(data.train), test=renamed(data.test))
    return Planted(data, "the type of the file gives the class away", np.ones(len(data.test), bool), kind="shortcut")


def validation_copies() -> Planted:
    """Every training image is there three times, so that a split by chance puts copies into validation."""
    data = sound("validation-copies")
    return Planted(
        replace(data, train=joined([data.train] * 3, "train")),
        "training images are repeated",
        np.ones(len(data.test), bool),
    )


def perfect() -> Planted:
    """Nothing is wrong, and the classes are easy to tell apart."""
    data = sound("perfect", contrast=75, train=240, test=100)
    return Planted(data, "nothing is wrong, and nothing is hard", np.ones(len(data.test), bool))


def chance() -> Planted:
    """The labels have nothing to do with the images."""
    data = sound("chance")

    def shuffled(images: ImageSet, seed: int) -> ImageSet:
        return as_set(
            images.pixels, np.random.default_rng(seed).permutation(images.labels), STRIPES, images.ids[0].split("/")[0]
        )

    data = replace(data, train=shuffled(data.train, 5), test=shuffled(data.test, 6))
    return Planted(data, "the labels say nothing", np.ones(len(data.test), bool))


def drawings() -> Planted:
    """Black lines on white, as people draw; the test folder holds 200 copies of one training image in each class."""
    labels = np.repeat(np.arange(len(DRAWN)), 320)
    rng = np.random.default_rng(4)
    train = as_set(np.stack([drawn(DRAWN[label], rng) for label in labels]), labels, DRAWN, "train")
    first = train[::320]
    test = as_set(np.repeat(first.pixels, 200, axis=0), np.repeat(first.labels, 200), DRAWN, "test")
    return Planted(
        Dataset("drawings", train, test, "drawings of black lines"),
        "the test folder holds 200 copies of one training image in each class",
        np.zeros(len(test), bool),
        copies=len(test),
        measurable=False,
        kind="copies",
    )


def drawn(what: str, rng: np.random.Generator) -> np.ndarray:
    """One drawing, by an unsteady hand: uint8 `(16, 16, 3)`."""
    corners = {"square": 4, "triangle": 3, "circle": 14}
    middle, reach, turn = rng.uniform(30, 34, 2), rng.uniform(16, 24), rng.uniform(-0.4, 0.4)
    if what == "zigzag":
        x = np.linspace(-1, 1, 6)
        lines = [np.stack([x, np.resize([-0.6, 0.6], 6)], 1)]
    elif what == "cross":
        lines = [np.array([[-0.8, -0.8], [0.8, 0.8]]), np.array([[-0.8, 0.8], [0.8, -0.8]])]
    else:
        angles = np.linspace(0, 2 * np.pi, corners[what] + 1) + np.pi / 4
        lines = [np.stack([np.cos(angles), np.sin(angles)], 1)]
    picture = Image.new("L", (64, 64), 255)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for line in lines:
        shaky = middle + reach * (line + rng.normal(0, 0.08, line.shape)) @ turned
        ImageDraw.Draw(picture).line([(float(x), float(y)) for x, y in shaky], fill=0, width=4, joint="curve")
    small = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX))
    return np.stack([small] * 3, axis=2)


PLANTED: dict[str, Callable[[], Planted]] = {
    made.__name__: made
    for made in (
        all_copies,
        half_copies,
        contradicting,
        five,
        uneven,
        border,
        file_type,
        validation_copies,
        perfect,
        chance,
        drawings,
    )
}


def left_out(data: Dataset) -> list[str]:
    """For each test image why it does not count, or nothing: copies of training images, contradicting labels, repeats."""
    train = {image.tobytes() for image in data.train.pixels}
    train |= {image[:, ::-1].tobytes() for image in data.train.pixels}
    labels: dict[bytes, set[int]] = {}
    for image, label in zip(data.test.pixels, data.test.labels.tolist(), strict=True):
        labels.setdefault(image.tobytes(), set()).add(label)
    reasons, seen = [], set[bytes]()
    for image in data.test.pixels:
        key = image.tobytes()
        reasons.append(
            "copies" if key in train else "contradicting" if len(labels[key]) > 1 else "repeats" if key in seen else ""
        )
        seen.add(key)
    return reasons


def write(data: Dataset, folder: Path) -> Path:
    """The set as `<folder>/train/<class>/*` and `<folder>/test/<class>/*`, each image in a file of the type that its id ends with."""
    for images in (data.train, data.test):
        for pixels, id_ in zip(images.pixels, images.ids, strict=True):
            content = io.BytesIO()
            Image.fromarray(pixels).save(content, Path(id_).suffix[1:], lossless=True)  # which only webp heeds
            path = folder / id_
            make_folder(path.parent)
            write_bytes(path, content.getvalue())
    return folder
