"""Rows of numbers to images: how arrays of other libraries, flattened ones and plain tables too, are laid out as pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seefar.errors import DataError, UsageError

BLOCK = 1000  # rows that are held in float64 at once: 25 MB at 32 pixels


class RowsError(DataError, ValueError):
    """Rows or labels that cannot be used; also a ValueError, since that is what scikit-learn's tools look for."""


@dataclass(frozen=True)
class Layout:
    """How a row becomes an image. It is decided once, by the rows that are learned from.

    Attributes:
        side: height and width of the image in the row, in pixels.
        channels: 3, or 1 for grey.
        low: the number that becomes black.
        high: the number that becomes white; what lies outside of low..high is clipped.
        size: height and width of the images that are made.
    """

    side: int
    channels: int
    low: float
    high: float
    size: int

    def images(self, rows: np.ndarray) -> np.ndarray:
        """The rows, any numbers `(n, features)`, as images: uint8 `(n, size, size, 3)`.

        Raises:
            RowsError: these are bytes, and the layout was decided by numbers of another range.
        """
        if rows.dtype == np.uint8 and (self.low, self.high) != (0, 255):
            raise RowsError(
                f"these numbers are uint8, and those learned from were not: they reached from {self.low:g} to {self.high:g}; "
                "give both in the same type and range"
            )
        pixels = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            pixels[start : start + BLOCK] = self._resized(self._laid_out(self._as_bytes(block)))
        return pixels

    def _as_bytes(self, rows: np.ndarray) -> np.ndarray:
        if rows.dtype == np.uint8:
            return rows
        share = (rows.astype(np.float64) - self.low) / ((self.high - self.low) or 1)
        scaled: np.ndarray = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
        return scaled

    def _laid_out(self, rows: np.ndarray) -> np.ndarray:
        """`(n, features)` to `(n, side, side, channels)`; what is missing of the last line is black."""
        full = np.zeros((len(rows), self.side * self.side * self.channels), np.uint8)
        full[:, : rows.shape[1]] = rows
        return full.reshape(len(rows), self.side, self.side, self.channels)

    def _resized(self, images: np.ndarray) -> np.ndarray:
        """`(n, side, side, channels)` to `(n, size, size, 1 or 3)`, as image files are resized."""
        if self.side == self.size:
            return images
        from PIL import Image

        from seefar.data.decode import RESAMPLING

        to = (self.size, self.size)
        squeezed = images if self.channels == 3 else images[..., 0]
        resized = np.stack([np.asarray(Image.fromarray(image).resize(to, RESAMPLING)) for image in squeezed])
        return resized.reshape(len(images), self.size, self.size, self.channels)


def as_rows(images: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Images `(n, h, w)` or `(n, h, w, channels)` as rows `(n, h * w * channels)`, and the shape of one; else what came in, and None.

    Raises:
        RowsError: they are not square, or have neither 1 nor 3 channels.
    """
    array = np.asarray(images) if isinstance(images, list | tuple) else images
    if getattr(array, "ndim", 0) not in (3, 4):
        return images, None
    array = np.asarray(array)
    shape = (*array.shape[1:], 1)[:3]
    if shape[2] not in (1, 3):
        last = "; give X.transpose(0, 2, 3, 1)" if shape[0] in (1, 3) else ""
        raise RowsError(f"images must be (n, h, w), (n, h, w, 1) or (n, h, w, 3); found {array.shape}{last}")
    if shape[0] != shape[1]:
        raise RowsError(f"images must be square; found {shape[0]} x {shape[1]} pixels: crop or pad them first")
    return array.reshape(len(array), -1), shape


def layout_of(rows: np.ndarray, shape: Sequence[int] | None, size: int) -> Layout:
    """How these rows become images of `size` pixels a side.

    Args:
        rows: any numbers without gaps, `(n, features)`. Bytes are pixels as they are; of others the smallest becomes black and the
            largest white.
        shape: height, width and channels of the image in a row, where they are known. Otherwise h * h * 3 numbers are a colour
            image, as `(h, h, 3).ravel()` gives it, and h * h a grey one. No number is both. Any other number of them is laid
            out line by line on the smallest square that holds it, in grey.
        size: height and width of the images to make.

    Raises:
        UsageError: `size` is out of range.
    """
    if not 8 <= size <= 512:
        raise UsageError(f"size is {size}; allowed is 8 to 512 pixels")
    features = rows.shape[1]
    if shape is not None:
        side, channels = shape[0], shape[2]
    elif features == 3 * math.isqrt(features // 3) ** 2:
        side, channels = math.isqrt(features // 3), 3
    else:
        side, channels = math.isqrt(features - 1) + 1, 1
    low, high = (0.0, 255.0) if rows.dtype == np.uint8 else (float(rows.min()), float(rows.max()))
    return Layout(side, channels, low, high, size)
