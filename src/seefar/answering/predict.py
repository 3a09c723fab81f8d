"""The verb: a trained network's answers for images, all at once or as they come."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from seefar.answering.decoding import Decoders
from seefar.answering.items import Reader, items
from seefar.answering.stream import Block, stream, sure_from
from seefar.model.fastest import load_fastest
from seefar.model.inputs import Given
from seefar.model.model import Model
from seefar.model.predictions import Prediction, Predictions
from seefar.runs.folder import Run

Files = str | Path | Sequence[str | Path]


def predict(
    model: str | Path | Run | Model,
    images: Given | Sequence[Given],
    *,
    top: int | None = None,
    abstain: float | None = None,
    device: str = "auto",
) -> Predictions:
    """Classify images, prepared exactly as the training images were.

    Args:
        model: a trained run or its folder, an exported ONNX file, or a Model.
        images: files, folders, zips and patterns, as `predict_each` takes them; or PIL images and arrays, as `Model.predict` does.
        top: how many classes an answer lists; by default all.
        abstain: 0.99: name no class where the confidence is below the one from which on 99 % were right on validation.
        device: of a run: "auto", "cpu", "cuda" or "mps"; a Model stays where it is.

    Returns:
        One Prediction an image; a file that cannot be read has `error` set and stops nothing.

    Raises:
        DataError: a path does not exist, or an array is something else; the sentence says what.
        ModelFileError: the model cannot be used.
        UsageError: a senseless number, or a model that cannot abstain.
    """
    used = model if isinstance(model, Model) else load_fastest(model, device)
    given = [images] if isinstance(images, str | Path | Image.Image | np.ndarray) else list(images)
    if not all(isinstance(one, str | Path) for one in given):
        return used.predict(given, top, sure_from(used, abstain, top))
    found, pixels = Predictions(), list[np.ndarray | None]()
    for block in blocks(used, [str(one) for one in given], top=top, abstain=abstain):
        found += block.rows
        pixels += [None if row.error else seen for row, seen in zip(block.rows, block.pixels, strict=True)]
    found.pixels = pixels
    return found


def predict_each(
    model: str | Path | Run | Model,
    files: Files,
    *,
    top: int | None = None,
    abstain: float | None = None,
    decoders: Decoders = "threads",
    workers: int | None = None,
    device: str = "auto",
) -> Iterator[Prediction]:
    """Classify any number of files, and yield the answers as they come, in the order of the files; memory stays the same.

    Args:
        model: as for `predict`.
        files: files; folders and zips, which stand for the images in them; patterns such as "photos/**/*.jpg"; "-" for the files
            that stdin names, one a line.
        top: how many classes an answer lists; by default all.
        abstain: 0.99: name no class where the confidence is below the one from which on 99 % were right on validation.
        decoders: what decodes beside the network: "threads", or "processes", which pay for many small files on many cores.
        workers: how many of them; by default one for each core.
        device: of a run: "auto", "cpu", "cuda" or "mps"; a Model stays where it is.

    Raises:
        As `predict`.
    """
    used = model if isinstance(model, Model) else load_fastest(model, device)
    what = [str(files)] if isinstance(files, str | Path) else [str(file) for file in files]
    for block in blocks(used, what, top=top, abstain=abstain, decoders=decoders, workers=workers):
        yield from block.rows


def blocks(
    model: Model,
    what: Sequence[str],
    *,
    top: int | None = None,
    abstain: float | None = None,
    maps: bool = False,
    decoders: Decoders = "threads",
    workers: int | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Block]:
    """What `stream` yields, for all that `what` stands for."""
    reader = Reader()
    try:
        listed = items(what, reader, stdin)
        yield from stream(model, listed, reader, top=top, abstain=abstain, maps=maps, decoders=decoders, workers=workers)
    finally:
        reader.close()
