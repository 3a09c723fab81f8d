"""Small pictures inside a page: PNG as `data:` addresses."""

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
    return _address(picture)


def sheet(pixels: np.ndarray, columns: int) -> str:
    """Images uint8 `(n, h, w, 3)` as one picture, row by row: far smaller than as many pictures."""
    n, height, width, _ = pixels.shape
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, height, width, 3), np.uint8)
    padded[:n] = pixels
    together = padded.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return _address(Image.fromarray(together.reshape(rows * height, columns * width, 3)))


def _address(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
