"""The one place where a recipe is unpacked: from images and a recipe to a trained run folder, epoch by epoch."""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F

from seefar.data.batches import Batches
from seefar.data.images import ImageSet
from seefar.errors import DivergedError, UsageError, did_you_mean
from seefar.models.device import choose_precision
from seefar.models.layers import Network
from seefar.models.predict import predict
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.training.loop import Step, train_epoch
from seefar.training.network import build_network, new_network
from seefar.training.optimisers import OPTIMISERS
from seefar.training.schedules import SCHEDULES


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of history.csv, and the seconds it took.

    Attributes:
        number: epochs since the start of the run, this one included.
        loss: mean training loss in nats, measured while the weights changed and with dropout on.
        accuracy: share of training images that were right, 0..1, measured likewise.
        validation_loss: mean validation loss in nats after the epoch.
        validation_accuracy: share of validation images that are right, 0..1, after the epoch.
        rate: learning rate of the last step.
        best: whether it is the best so far by the recipe's `monitor`; the first of equals is.
        seconds: wall-clock time of the epoch, validation included.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    rate: float
    best: bool
    seconds: float


def check(recipe: Recipe, classes: int, size: int, images: float = math.inf) -> None:
    """Raise UsageError, before anything is done, if the recipe names what does not exist or cannot work on such images.

    Args:
        recipe: what to check; the ranges of its numbers are checked in `seefar.recipes`.
        classes: number of classes.
        size: height and width of the images in pixels.
        images: number of training images, where it is known already.
    """
    for field, known in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
        if (name := getattr(recipe, field)) not in known:
            raise UsageError(f"no {field} is called {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    build_network(recipe, classes, size)
    if recipe.batch_size > images:
        raise UsageError(f"batch_size is {recipe.batch_size}, but there are {images} training images; use --set batch_size=...")


def fit(
    recipe: Recipe, seed: int, train: ImageSet, validation: ImageSet, run: Run, device: torch.device
) -> Iterator[Step | Epoch]:
    """Train a network, saving the run after each epoch. Nothing happens until the result is iterated over.

    Args:
        recipe: what to do.
        seed: of weights, order and dropout.
        train: images to learn from.
        validation: images to choose the best epoch by.
        run: the folder to save to.
        device: where to train.

    Yields:
        Every Step, and after the last step of each epoch an Epoch. Stopping in between leaves the epochs so far.

    Raises:
        UsageError: the recipe cannot be carried out.
        DivergedError: the loss is not finite; the weights of the epochs before it are kept.
    """
    check(recipe, len(train.classes), train.size, len(train))
    precision = choose_precision(recipe.precision, device)
    network = new_network(recipe, seed, train).to(device)
    batches = Batches(train, recipe.batch_size, seed, device)
    optimiser = OPTIMISERS[recipe.optimiser](network, recipe.learning_rate)
    last_step = recipe.epochs * len(batches)
    schedule = SCHEDULES[recipe.schedule]
    history: list[Epoch] = []
    started = datetime.now(UTC).isoformat(timespec="seconds")
    best = -math.inf

    for number in range(1, recipe.epochs + 1):
        began = time.perf_counter()
        loss, correct, rate = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device), 0.0
        for step in train_epoch(
            network,
            batches,
            optimiser,
            lambda n: recipe.learning_rate * schedule((n - 1) / last_step),
            precision,
            number,
        ):
            loss += step.loss * step.images
            correct += step.correct
            rate = step.rate
            yield step
        validation_loss, validation_accuracy = _score(predict(network, validation.pixels, precision), validation)
        if not math.isfinite(loss.item() + validation_loss):
            raise DivergedError(
                f"the loss is {loss.item() / len(train)} on training and {validation_loss} on validation images in epoch {number}, "
                f"at learning rate {rate:g}; use a smaller one (--set learning_rate=...); the epochs before are kept"
            )
        score = validation_accuracy if recipe.monitor == "validation_accuracy" else -validation_loss
        epoch = Epoch(
            number=number,
            loss=loss.item() / len(train),
            accuracy=correct.item() / len(train),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            rate=rate,
            best=score > best,
            seconds=time.perf_counter() - began,
        )
        best = max(best, score)
        history.append(epoch)
        _save(run, network, history, started, finished=number == recipe.epochs)
        yield epoch


def _score(logits: np.ndarray, images: ImageSet) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the share of images that are right."""
    values, labels = torch.from_numpy(logits), torch.tensor(images.labels)
    return F.cross_entropy(values.double(), labels).item(), (values.argmax(1) == labels).double().mean().item()


def _save(run: Run, network: Network, history: list[Epoch], started: str, finished: bool) -> None:
    """Write the epoch into the run folder; the manifest, which makes it count, comes last."""
    weights = safetensors.torch.save({name: value.contiguous() for name, value in network.state_dict().items()})
    run.write_bytes("weights/last.safetensors", weights)
    if history[-1].best:
        run.write_bytes("weights/best.safetensors", weights)
    run.write_history([{name: value for name, value in asdict(epoch).items() if name != "seconds"} for epoch in history])
    run.write(
        "timing.json",
        {
            "started": started,
            "seconds_by_epoch": [round(epoch.seconds, 3) for epoch in history],
            "peak_memory_mib": _peak_memory(),
        },
    )
    run.seal(finished=finished)


def _peak_memory() -> float | None:
    """The most memory this process has held so far, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes on macOS, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
