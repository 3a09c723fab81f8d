"""What a training yields: every step, and an epoch after its last step."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser. `loss` and `correct` stay on the device, so that only a reader waits for them.

    Attributes:
        number: steps since the start of the run, this one included.
        loss: mean loss of the batch in nats, float32 scalar, before the step.
        correct: images of the batch that were right, int64 scalar, before the step.
        images: images in the batch.
        rate: learning rate.
    """

    number: int
    loss: Tensor
    correct: Tensor
    images: int
    rate: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of history.csv, and the seconds it took.

    Attributes:
        number: epochs since the start of the run, this one included.
        loss: mean training loss in nats, measured while the weights changed, with dropout, augmentation and smoothing on.
        accuracy: share of training images that were right, 0..1, measured likewise.
        validation_loss: mean validation loss in nats after the epoch.
        validation_accuracy: share of validation images that are right, 0..1, after the epoch.
        rate: learning rate of the last step.
        best: whether it is the best so far by the recipe's `monitor`; the first of equals is.
        seconds: wall-clock time of the epoch, validation included.
        ending: why training ended with this epoch ("finished", "patience"); empty if it continues.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    rate: float
    best: bool
    seconds: float
    ending: str
