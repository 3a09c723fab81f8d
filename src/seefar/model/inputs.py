"""What a model is given: arrays that are exactly what it computes on, and images of any kind that are brought there. No torch here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seefar.data.decode import Decoded, decoded
from seefar.data.folder import read_images
from seefar.errors import DataError

Given = str | Path | Image.Image | np.ndarray
"""One thing to classify: a file, a folder, a PIL image, or uint8 `(h, w, 3)` (one image) or `(n, h, w, 3)` (many)."""


def check_pixels(pixels: Any, size: int) -> np.ndarray:
    """The array itself, if it is uint8 `(n, size, size, 3)`; nothing is guessed, scaled or turned round.

    Raises:
        DataError: it is of another type, range, layout or size; the sentence says which.
    """
    wanted = f"expected uint8 (n, {size}, {size}, 3), red, green and blue from 0 to 255"
    array = _uint8(pixels, wanted)
    if array.ndim != 4 or array.shape[3] != 3:
        raise DataError(f"the array has the shape {array.shape}{_layout(array)}; {wanted}")
    if array.shape[1:3] != (size, size):
        raise DataError(
            f"the images of the array are {array.shape[1]} high and {array.shape[2]} wide; {wanted}; `predict` takes any size"
        )
    return array


def bring(images: Given | Sequence[Given], size: int, background: str) -> list[tuple[str, Decoded | DataError]]:
    """Every image with a name to show, brought to `size` as the training images were: see `data/decode.py`.

    A file that cannot be decoded gives its reason and stops nothing. Images that have no name are called "image 0", "image 1".

    Raises:
        DataError: a path does not exist, or something is neither a path nor an image; the sentence says what.
        DiskError: no permission to look at a path.
    """
    given = [images] if isinstance(images, str | Path | Image.Image | np.ndarray) else list(images)
    found: list[tuple[str, Decoded | DataError]] = []
    for one in given:
        if isinstance(one, str | Path):
            found += read_images([Path(one)], size, background)
        elif isinstance(one, Image.Image):
            found.append((getattr(one, "filename", "") or f"image {len(found)}", decoded(one, size, background)))
        else:
            for picture in _pictures(one):
                found.append((f"image {len(found)}", decoded(picture, size, background)))
    return found


def _pictures(array: Any) -> list[Image.Image]:
    wanted = "expected uint8 (h, w, 3) or (n, h, w, 3), red, green and blue from 0 to 255"
    pixels = _uint8(array, wanted)
    if pixels.ndim not in (3, 4) or pixels.shape[-1] != 3 or 0 in pixels.shape[-3:]:
        raise DataError(f"the array has the shape {pixels.shape}{_layout(pixels)}; {wanted}")
    return [Image.fromarray(one) for one in np.ascontiguousarray(pixels.reshape(-1, *pixels.shape[-3:]))]


def _uint8(array: Any, wanted: str) -> np.ndarray:
    if not isinstance(array, np.ndarray):
        raise DataError(f"an image is given as {type(array).__name__}; {wanted}, or a file, a folder or a PIL image")
    if array.dtype == np.uint8:
        return array
    if np.issubdtype(array.dtype, np.floating):
        odd = "values that are not finite (NaN or infinite)" if not np.isfinite(array).all() else _span(array)
        raise DataError(f"the array holds {array.dtype}, {odd}; {wanted}: round and convert the pixels before")
    raise DataError(f"the array holds {array.dtype}, {_span(array)}; {wanted}")


def _span(array: np.ndarray) -> str:
    if array.size == 0 or not np.issubdtype(array.dtype, np.number):
        return "no numbers"
    return f"from {array.min():.4g} to {array.max():.4g}"


def _layout(array: np.ndarray) -> str:
    """A hint where the colours stand before the rows, as torch has them."""
    return " (colours first, as torch has them)" if array.ndim in (3, 4) and array.shape[-3] == 3 else ""
