"""Arrays of numbers to pixels: any order of axes, any range of values, any size, as long as there is one way to read them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from seefar.data.decode import RESAMPLING
from seefar.errors import DataError, UsageError

BLOCK = 1000  # images that are converted at a time: 25 MB in float64 at 32 pixels
BRIGHT = 128  # numbers that reach this far, and no further than 255, are taken for 0..255 (chosen by hand)


@dataclass(frozen=True)
class Reading:
    """How arrays are read: decided by the training images, and kept for all others.

    Attributes:
        channels: "last", "first", or "none" for grey images without an axis of channels.
        white: the number that stands for white; 0 stands for black.
        size: height and width of the images that are made.
    """

    channels: str
    white: float
    size: int


def as_array(images: Any) -> np.ndarray:
    """Whatever holds numbers, a torch tensor too, as a numpy array; without a copy where that is possible.

    Raises:
        DataError: it holds Python objects, or rows of unequal length.
    """
    if hasattr(images, "detach"):  # a torch tensor, which need not be imported for that
        images = images.detach().cpu()
    try:
        array = np.asarray(images)
    except ValueError:
        raise DataError("the images are of unequal size; give one array, or bring them to one size first") from None
    if array.dtype.kind not in "buif":
        raise DataError(f"the images are {array.dtype} and not numbers; give uint8, or floats")
    return array


def reading_of(images: np.ndarray, what: str, channels: str | None, white: float | None, size: int | None) -> Reading:
    """Decide how arrays are read.

    Args:
        images: the training images.
        what: what they are called in messages.
        channels: "last" or "first", where the shape allows both.
        white: the number that is white, where the values do not tell.
        size: height and width to make; None: as they are, which must then be square.

    Raises:
        DataError: they can be read in several ways, or in none.
        UsageError: an argument is out of range.
    """
    if channels not in (None, "last", "first"):
        raise UsageError(f"channels is {channels!r}; allowed is 'last' or 'first'")
    if white is not None and not 0 < white < math.inf:
        raise UsageError(f"white is {white}; allowed is a number above 0")
    axis = axis_of(images.shape, what, channels)
    height, width = height_and_width(images.shape, axis)
    if min(height, width, len(images)) == 0:
        raise DataError(f"{what} are empty: {_shape(images.shape)}; give at least one image")
    if size is None:
        if height != width:
            raise DataError(f"{what} are {height}x{width} pixels, not square; give size=..., and they are cropped and resized")
        size = height
    if not 8 <= size <= 512:
        raise UsageError(f"size is {size}; allowed is 8 to 512 pixels")
    return Reading(axis, _white(images, what) if white is None else float(white), size)


def to_pixels(images: np.ndarray, how: Reading, what: str) -> np.ndarray:
    """The images as uint8 `(n, size, size, 3)`: cut to the square in the middle and resized as image files are, grey repeated.

    Raises:
        DataError: they do not fit the reading.
    """
    known = {"none": 3}.get(how.channels, 4)
    if images.ndim != known or (known == 4 and images.shape[3 if how.channels == "last" else 1] not in (1, 3)):
        raise DataError(f"{what} are {_shape(images.shape)}, which is another layout than that of the training images")
    height, width = height_and_width(images.shape, how.channels)
    if not height or not width:
        raise DataError(f"{what} are empty: {_shape(images.shape)}")
    pixels = np.empty((len(images), how.size, how.size, 3), np.uint8)
    for start in range(0, len(images), BLOCK):
        block = _channels_last(_bytes(images[start : start + BLOCK], how, what), how.channels)
        pixels[start : start + BLOCK] = _squares(block, how.size)
    return pixels


def axis_of(shape: Sequence[int], what: str, channels: str | None) -> str:
    """Where the channels are: "last", "first" or "none". Raises DataError, as `reading_of` does."""
    expected = "expected are (n, h, w), (n, h, w, 3), (n, h, w, 1), (n, 3, h, w) or (n, 1, h, w)"
    if len(shape) == 3:
        if channels is not None:
            raise DataError(f"{what} are {_shape(shape)} and have no channels; leave channels out")
        return "none"
    if len(shape) != 4:
        raise DataError(f"{what} are {_shape(shape)}; {expected}")
    possible = [name for name, place in (("last", 3), ("first", 1)) if shape[place] in (1, 3)]
    if channels is not None:
        possible = [name for name in possible if name == channels]
    if not possible:
        raise DataError(f"{what} are {_shape(shape)}; {expected}")
    if len(possible) == 2:
        raise DataError(f"{what} are {_shape(shape)}, which can be read in two ways; say channels='last' or channels='first'")
    return possible[0]


def height_and_width(shape: Sequence[int], channels: str) -> tuple[int, int]:
    """Of the images, from the shape of their array and where the channels are."""
    return (shape[2], shape[3]) if channels == "first" else (shape[1], shape[2])


def _white(images: np.ndarray, what: str) -> float:
    """The number that is white, if the values leave no doubt."""
    low, high = _range(images, what)
    if images.dtype == bool:
        return 1.0
    if low < 0:
        raise DataError(
            f"{what} reach from {low:g} to {high:g}, as after normalisation; give them as they were before, from black at 0 to white"
        )
    is_float = images.dtype.kind == "f"
    if is_float and high <= 1:
        return 1.0
    if (images.dtype == np.uint8 and high > 1) or BRIGHT <= high <= 255:
        return 255.0
    raise DataError(
        f"{what} are {images.dtype} from {low:g} to {high:g}, so it is unclear which number is white; say white=..."
    )


def _range(images: np.ndarray, what: str) -> tuple[float, float]:
    low, high = float(images.min()), float(images.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(f"{what} contain numbers that are not finite (NaN or infinity); repair or remove those images")
    return low, high


def _bytes(block: np.ndarray, how: Reading, what: str) -> np.ndarray:
    if block.dtype == np.uint8 and how.white == 255:
        return block
    low, high = _range(block, what)
    if low < 0 or high > how.white:
        raise DataError(f"{what} reach from {low:g} to {high:g}, beyond 0 to {how.white:g}; give all images in one range")
    scaled: np.ndarray = np.rint(block.astype(np.float64) * (255 / how.white)).astype(np.uint8)
    return scaled


def _channels_last(block: np.ndarray, channels: str) -> np.ndarray:
    """`(n, h, w, 1 or 3)`."""
    if channels == "first":
        return block.transpose(0, 2, 3, 1)
    return block[..., None] if channels == "none" else block


def _squares(block: np.ndarray, size: int) -> np.ndarray:
    """`(n, h, w, 1 or 3)` to `(n, size, size, 1 or 3)`, which numpy repeats over three channels."""
    height, width = block.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = block[:, top : top + side, left : left + side]
    if side == size:
        return square
    squeezed = np.ascontiguousarray(square if block.shape[3] == 3 else square[..., 0])
    resized = np.stack([np.asarray(Image.fromarray(image).resize((size, size), RESAMPLING)) for image in squeezed])
    return resized.reshape(len(block), size, size, block.shape[3])


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"
