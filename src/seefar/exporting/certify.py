"""Make the certificate of a file: compare it with the trained network on all validation images, in several batches, and time both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from seefar.data.images import ImageSet
from seefar.exporting.certificate import (
    Agreement,
    Certificate,
    Speed,
    agreement,
    images_per_second,
    insist,
    threads_to_measure,
    versions,
)
from seefar.exporting.drafts import Draft
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.networks.device import processor
from seefar.runs.folder import Run

BATCH = 64  # images at a time where it does not matter
BATCHES = {1: 16, 7: 70, 512: 512}  # images at a time, and how many images in all


def certify(run: Run, model: Model, draft: Draft, validation: ImageSet, what: str) -> Certificate:
    """The certificate of a draft.

    Args:
        run: that it was made from.
        model: its network in float32 on the CPU.
        draft: the file.
        validation: all validation images.
        what: the file is called in the error.

    Raises:
        ModelFileError: they disagree; then nothing may be written.
    """
    pixels = validation.pixels
    trained, exported = model.answers(pixels), draft.answers(pixels, BATCH)
    found = agreement(trained, exported)
    insist(found, what)
    own = load_model(run, "cpu")
    return Certificate(
        reference=model.engine.name,
        split="validation",
        digest=validation.digest,
        agreement=found,
        batches={str(batch): _in_batches(model, draft, pixels[:images], batch, what) for batch, images in BATCHES.items()},
        own_precision=agreement(own.answers(pixels), exported) if own.engine.name != model.engine.name else None,
        speeds=speeds([model, own] if own.engine.name != model.engine.name else [model], draft, pixels),
        versions=versions("seefar", "numpy", *draft.libraries),
        processor=str(processor().get("cpu_name") or "unknown"),
    )


def _in_batches(model: Model, draft: Draft, pixels: np.ndarray, batch: int, what: str) -> Agreement:
    found = agreement(model.answers(pixels, maps=True), draft.answers(pixels, batch, maps=True))
    insist(found, f"{what}, asked {batch} images at a time,")
    return found


def speeds(models: list[Model], draft: Draft, pixels: np.ndarray) -> list[Speed]:
    """Images a second of networks in torch and of a draft, with one and with all threads."""
    found = []
    for threads in threads_to_measure():
        ways: list[tuple[str, Callable[[np.ndarray], object] | None]] = [(model.engine.name, model.answers) for model in models]
        for name, answer in [*ways, (draft.engine, draft.timed(threads))]:
            if answer is not None:
                with _torch_threads(threads):
                    found.append(Speed(name, threads, images_per_second(answer, pixels)))
    return found


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    """Within the block torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
