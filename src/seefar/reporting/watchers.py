"""Ways to watch a training beside the live view, for `sf.train(watch=[...])`: curves drawn anew after each epoch, TensorBoard."""

import contextlib
import functools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from seefar.errors import UsageError
from seefar.recipe_fields import as_json, text
from seefar.reporting.figures import curves
from seefar.reporting.style import png
from seefar.training.events import Epoch, Step
from seefar.training.plan import Plan
from seefar.training.train import Watcher


def plot() -> Watcher:
    """Draw the curves so far into `figures/training.png` after each epoch."""
    return _plotted


def _plotted(events: Iterator[Step | Epoch], plan: Plan, _earlier: Sequence[Epoch]) -> Iterator[Step | Epoch]:
    title = f"{plan.run.read('data.json')['name']}, recipe {plan.recipe.name}, seed {plan.seed}"
    for event in events:
        if isinstance(event, Epoch):
            plan.run.write_bytes("figures/training.png", png(curves(plan.run.history(), title, event.ending)))
        yield event


def tensorboard() -> Watcher:
    """Write each epoch into `tensorboard/` in the run folder. Needs the extra `track`.

    By epoch: `loss/training`, `loss/validation`, `accuracy/training` and `accuracy/validation` (0..1), `learning_rate`,
    `images_per_second` (with the time for validation; the very first step, which is slow, is left out), and once the augmented
    images of the report. At the end, however it comes: the fields of the recipe, with `hparam/validation_accuracy` and
    `hparam/validation_loss` of the best epoch. A folder that holds earlier epochs of the run is continued; epochs that are trained
    once more replace those written before.

    Raises:
        UsageError: TensorBoard is not installed; raised before anything is done.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("TensorBoard is not installed; pip install 'seefar[track]'") from error
    return functools.partial(_tracked, SummaryWriter)


def _tracked(make_writer: Any, events: Iterator[Step | Epoch], plan: Plan, earlier: Sequence[Epoch]) -> Iterator[Step | Epoch]:
    values = {"seed": plan.seed, **as_json(plan.recipe)}
    hyperparameters = {name: value if isinstance(value, bool | int | float) else text(value) for name, value in values.items()}
    pictures = plan.run.arrays("pictures-train.npz").get("augmented")
    best = max((epoch for epoch in earlier if epoch.best), key=lambda epoch: epoch.number, default=None)
    writer, began, seen = None, None, 0

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
                    writer = make_writer(str(plan.run.path / "tensorboard"), purge_step=event.number)
                    at_the_end.callback(writer.close)
                    at_the_end.callback(conclude)
                    if pictures is not None:
                        images = pictures.reshape(-1, *pictures.shape[2:])
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
