"""TensorBoard: what a training yields, written down as it passes, for people who watch and compare runs there."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seefar.errors import UsageError
from seefar.training.fit import Epoch
from seefar.training.loop import Step


def check() -> None:
    """Raise UsageError if TensorBoard is not installed; to be called before anything is done."""
    _summary_writer()


def track(
    events: Iterable[Step | Epoch],
    folder: Path,
    hyperparameters: Mapping[str, str | int | float | bool],
    images: np.ndarray | None = None,
    earlier: Sequence[Epoch] = (),
) -> Iterator[Step | Epoch]:
    """Pass the events on, and write each epoch into `folder` in the way TensorBoard reads.

    By epoch: `loss/training`, `loss/validation`, `accuracy/training` and `accuracy/validation` (0..1), `learning_rate`,
    `images_per_second` (with the time for validation; the very first step, which is slow, is left out). At the end, however it
    comes: the hyper-parameters, with `hparam/validation_accuracy` and `hparam/validation_loss` of the best epoch.

    Args:
        events: what `fit` yields.
        folder: made when the first epoch ends. One that holds earlier epochs of the run goes on; epochs that are done once more
            replace those written before.
        hyperparameters: the fields of the recipe.
        images: some that the network learned from, uint8 `(n, h, w, 3)`, shown as a grid under `images/augmented`.
        earlier: the epochs before `events` where a run is resumed; the best one may be among them.

    Raises:
        UsageError: TensorBoard is not installed; said at once, not when the first event is asked for.
    """
    _summary_writer()
    return _tracked(events, folder, dict(hyperparameters), images, earlier)


def _tracked(
    events: Iterable[Step | Epoch],
    folder: Path,
    hyperparameters: dict[str, Any],
    images: np.ndarray | None,
    earlier: Sequence[Epoch],
) -> Iterator[Step | Epoch]:
    best = max((epoch for epoch in earlier if epoch.best), key=lambda epoch: epoch.number, default=None)
    writer = None
    began, seen = None, 0

    def conclude() -> None:
        if writer and best:
            metrics = {"hparam/validation_accuracy": best.validation_accuracy, "hparam/validation_loss": best.validation_loss}
            writer.flush()  # what follows goes into a second file, and a reader that has got there does not come back
            writer.add_hparams(hyperparameters, metrics, run_name=".", global_step=best.number)

    with contextlib.ExitStack() as at_the_end:
        for event in events:
            if isinstance(event, Step):
                seen += event.images if began else 0
                began = began or time.perf_counter()
            else:
                if writer is None:
                    writer = _summary_writer()(str(folder), purge_step=event.number)
                    at_the_end.callback(writer.close)
                    at_the_end.callback(conclude)
                    if images is not None:
                        writer.add_images("images/augmented", images, event.number - 1, dataformats="NHWC")
                now = time.perf_counter()
                scalars = {
                    "loss/training": event.loss,
                    "loss/validation": event.validation_loss,
                    "accuracy/training": event.accuracy,
                    "accuracy/validation": event.validation_accuracy,
                    "learning_rate": event.rate,
                    "images_per_second": seen / (now - began) if began else 0.0,
                }
                for name, value in scalars.items():
                    writer.add_scalar(name, value, event.number)
                writer.flush()  # seen at once by somebody who watches
                best = event if event.best else best
                began, seen = now, 0
            yield event


def _summary_writer() -> Any:
    """The class that writes; imported late, because TensorBoard is an extra."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("TensorBoard is not installed; pip install 'seefar[track]'") from error
    return SummaryWriter
