"""Where the evidence for a class was found, laid over the image: one small picture an answer, without matplotlib."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from seefar.answering.stream import Block
from seefar.files import disk_errors, make_folder

SIDE = 224  # pixels at least, so that a person sees something (chosen by hand)
WARM = np.array([255, 40, 0], np.float32)  # the colour of evidence
STRENGTH = 0.6  # of that colour where the evidence is strongest (chosen by hand)


def save_overlays(folder: Path, first: int, block: Block) -> None:
    """Save `<number>-<name>.png` for each answer of a block that has maps; what could not be read has none.

    Args:
        folder: made if it is missing.
        first: the number of the first row, so that names are unique and a resumed attempt writes the same ones.
        block: from `stream(..., maps=True)`.

    Raises:
        DiskError: no space, no permission.
    """
    if block.maps is None:
        raise ValueError("the answers were asked for without maps")
    make_folder(folder)
    for place, row in enumerate(block.rows):
        if row.error is None:
            stem = re.sub(r"[^\w.-]+", "_", row.image.rpartition("/")[2])[:80]
            path = folder / f"{first + place:07d}-{stem}.png"
            with disk_errors(path):
                overlay(block.pixels[place], block.maps[place]).save(path)


def overlay(pixels: np.ndarray, evidence: np.ndarray) -> Image.Image:
    """An image uint8 `(size, size, 3)`, enlarged, reddened where the map `(h, w)` is high; evidence against is not shown.

    The strongest place of the image has the full colour, however weak it is beside those of other images.
    """
    times = max(1, -(-SIDE // len(pixels)))
    large = np.repeat(np.repeat(pixels, times, axis=0), times, axis=1).astype(np.float32)
    speaks = np.maximum(evidence, 0).astype(np.float32)
    strongest = float(speaks.max(initial=0.0))
    scaled = Image.fromarray(speaks / strongest if strongest > 0 else speaks)
    share = np.asarray(scaled.resize((large.shape[1], large.shape[0]), Image.Resampling.BILINEAR))[..., None] * STRENGTH
    return Image.fromarray(np.rint(large * (1 - share) + WARM * share).astype(np.uint8))
