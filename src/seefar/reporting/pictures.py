"""Small pictures inside a page: images side by side, and pictures as `data:` addresses."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image


def strip(images: Sequence[np.ndarray], gap: int = 2) -> str:
    """Images of one size, uint8 `(h, w, 3)`, side by side with a transparent gap."""
    height, width, _ = images[0].shape
    picture = Image.new("RGBA", (len(images) * (width + gap) - gap, height))
    for place, pixels in enumerate(images):
        picture.paste(Image.fromarray(pixels), (place * (width + gap), 0))
    return _png(picture)


def sheet(pixels: np.ndarray, columns: int) -> str:
    """Images uint8 `(n, h, w, 3)` as one picture, row by row: far smaller than as many pictures, as PNG or JPEG, whichever is smaller."""
    picture, content = Image.fromarray(tiled(pixels, columns)), io.BytesIO()
    picture.save(content, "JPEG", quality=90, subsampling=0, optimize=True)
    return min(_png(picture), address("jpeg", content.getvalue()), key=len)


def tiled(pixels: np.ndarray, columns: int, empty: int = 0) -> np.ndarray:
    """Images `(n, h, w, 3)` as one, row by row; places that are left over hold the value `empty`."""
    n, height, width, depth = pixels.shape
    rows = -(-n // columns)
    padded = np.full((rows * columns, height, width, depth), empty, np.uint8)
    padded[:n] = pixels
    return padded.reshape(rows, columns, height, width, depth).swapaxes(1, 2).reshape(rows * height, columns * width, depth)


def address(kind: str, content: bytes) -> str:
    """A file of that kind (png, jpeg) inside a page."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def _png(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return address("png", content.getvalue())
