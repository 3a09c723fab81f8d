"""The images of the self-test in an export: sixteen validation images, some of them as files of another size and mode."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from seefar.data.images import ImageSet
from seefar.model.self_test import IMAGES

PREPARATION = (  # what data/decode.py does, in words that a client can follow
    "The format is recognised by content: PNG, JPEG, WEBP, BMP or GIF. More than 16 million pixels are refused.",
    "Of an animation the first frame counts. Colour profiles are ignored.",
    "JPEG only: if the shorter side is more than 4 times SIZE, the image is decoded at 1/2, 1/4 or 1/8 of its size (libjpeg's scaled "
    "decoding), the smallest of these with both sides still at least 2 times SIZE.",
    "The EXIF orientation is applied.",
    "16-bit grey becomes 8-bit by division by 257, rounded to the nearest integer.",
    "A transparent image is laid over BACKGROUND (alpha compositing in 8 bits). A palette is looked up.",
    "Everything becomes RGB: grey is repeated three times; CMYK is converted without a profile, as Pillow does it.",
    "The centre square is cut out: its side is the shorter of width and height, its left edge (width - side) // 2, its upper edge "
    "(height - side) // 2.",
    "If the side is not SIZE, it is resized to SIZE x SIZE by Pillow's bicubic filter (a = -0.5; when it shrinks, the kernel is "
    "widened by the scale, that is, antialiased).",
    "The result is uint8, rows from the top, red, green, blue: the network scales by itself.",
)


def example_files(images: ImageSet, background: str) -> list[bytes]:
    """Sixteen PNG files (or as many as there are images), of all classes in turn.

    Ten hold an image as it is. The others are the same kind of image as a client may get it: larger and not square, smaller, grey, with
    a palette, partly transparent, and grey in 16 bits.

    Args:
        images: the validation images.
        background: the colour behind transparent images; that of the transparent example shows through.
    """
    by_class = [np.flatnonzero(images.labels == label) for label in range(len(images.classes))]
    longest = max(map(len, by_class))
    turns = [places[turn] for turn in range(longest) for places in by_class if turn < len(places)]
    pictures = [Image.fromarray(images.pixels[place]) for place in turns[:IMAGES]]
    plain = max(len(pictures) - len(VARIANTS), 0)
    return [_png(picture) for picture in pictures[:plain]] + [
        _png(change(picture)) for picture, change in zip(pictures[plain:], VARIANTS, strict=False)
    ]


def _wide(picture: Image.Image) -> Image.Image:
    return picture.resize((3 * picture.width + 1, 2 * picture.height), Image.Resampling.BILINEAR)


def _small(picture: Image.Image) -> Image.Image:
    return picture.resize((max(picture.width // 2, 4), max(picture.height // 2 + 3, 4)), Image.Resampling.BOX)


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


def _palette(picture: Image.Image) -> Image.Image:
    return picture.quantize(64)


def _transparent(picture: Image.Image) -> Image.Image:
    ramp = np.linspace(0, 255, picture.width).astype(np.uint8)
    veil = Image.fromarray(np.broadcast_to(ramp, (picture.height, picture.width)).copy())
    result = picture.copy()
    result.putalpha(veil)
    return result


def _deep_grey(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257 + 100)


VARIANTS: tuple[Callable[[Image.Image], Image.Image], ...] = (_wide, _small, _grey, _palette, _transparent, _deep_grey)


def _png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()
