"""Training images on the device, handed out in batches: in a new seeded order each epoch, changed anew each time."""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seefar.data.augment import augment, mirror_mask, mix, mixes
from seefar.data.images import ImageSet
from seefar.data.resolution import BLOCK, shrink
from seefar.recipes import Augmentation, Sampling
from seefar.seeds import derive

KEPT = 200_000  # images that are kept at a smaller size, too; of more each batch is made smaller anew (chosen by hand: 0.2 GB)


class Batch(NamedTuple):
    """What one process sees of a step's images.

    Attributes:
        pixels: uint8 or float32 `(b, 3, h, w)` in 0..255, channels last in memory.
        labels: int64 `(b,)`; of mixed images the label of the larger part.
        targets: the labels, or, for mixed images, the share of each class, float32 `(b, classes)`.
        start, stop: which of the step's images these are: the first, and the one after the last.
        total: how many images the step has in all processes.
        places: where among the training images they stand, int64 `(b,)`.
    """

    pixels: Tensor
    labels: Tensor
    targets: Tensor
    start: int
    stop: int
    total: int
    places: Tensor


@dataclass(frozen=True)
class Lengths:
    """How long epochs are. All numbers of epochs count from 1.

    Attributes:
        images: how many there are to learn from.
        batch_size: images a step; the last batch of an epoch is smaller if they do not divide.
        leave_out: share of the images that each epoch but the first does without, if that leaves whole batches; else some less.
    """

    images: int
    batch_size: int
    leave_out: float = 0.0

    def images_in(self, epoch: int) -> int:
        """How many images an epoch shows."""
        if epoch == 1 or not self.leave_out:
            return self.images
        batches = math.ceil((1 - self.leave_out) * self.images / self.batch_size)
        return min(batches * self.batch_size, self.images)

    def steps_in(self, epoch: int) -> int:
        """How many steps an epoch has."""
        return -(-self.images_in(epoch) // self.batch_size)

    def steps_before(self, epoch: int) -> int:
        """How many steps all epochs before it have together."""
        return 0 if epoch == 1 else self.steps_in(1) + (epoch - 2) * self.steps_in(2)


class Batches:
    """All images as one uint8 tensor on the device; an epoch is a walk over it in random order.

    What an image looks like in a step depends on the seed and the step alone: not on what came before, on the device, or on how
    many processes share the work. So training can be resumed anywhere. Only `leave_out` looks back: all it has is in `memory`.

    Args:
        images: what to train on.
        sampling: how many images a step has over all processes, and which an epoch shows. Source of `leave_out`: Loshchilov and
            Hutter 2015 (online batch selection), https://arxiv.org/abs/1511.06343
        augmentation: how they are changed.
        seed: the run's seed.
        device: where the images are kept and changed.
        remember: keep what the network answered for each image in each epoch.
        process: the number of this process, from 0.
        processes: how many share each step, each taking a slice of it.
    """

    def __init__(
        self,
        images: ImageSet,
        sampling: Sampling,
        augmentation: Augmentation,
        seed: int,
        device: torch.device,
        *,
        remember: bool = False,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.pixels = _shared(images.pixels).to(
            device
        )  # uint8 (n, h, w, 3); on the CPU the images themselves, which nothing changes
        self.shown = self.pixels  # the same, at the size at which they were shown last
        self.labels = torch.tensor(images.labels, device=device)  # int64 (n,)
        self.classes = len(images.classes)
        self.fill = mean_colour(self.pixels)
        self.lengths = Lengths(len(images), sampling.batch_size, sampling.leave_out)
        self.seed = seed
        self.augmentation = augmentation
        self.evenly = sampling.balance == "sampling"  # draw from all classes alike, with replacement
        self.memory: dict[str, Tensor] = {}  # all that does not follow from seed and step
        if (
            sampling.leave_out
        ):  # of each image the loss in nats when it was last shown; and the same as it was when the epoch began
            self.memory["losses"] = torch.zeros(2, len(images))
        if remember:  # (epochs, n): probability of its class when it was shown, negative if the answer was wrong; else NaN
            self.memory["answers"] = torch.zeros(0, len(images), dtype=torch.float16)
        self.process, self.processes = process, processes
        start = torch.Generator().manual_seed(derive(seed, "mirrored"))
        self.mirrored = torch.randint(2, (len(images),), generator=start, dtype=torch.bool)

    def note(self, batch: Batch, losses: Tensor, logits: Tensor, epoch: int) -> None:
        """Remember, where it will be asked for, the losses `(b,)` of a batch's images and the answers `(b, classes)` for them."""
        if "losses" in self.memory:
            self.memory["losses"][0, batch.places] = losses.cpu()
        if "answers" in self.memory:
            answers = self.memory["answers"]
            if missing := max(epoch - len(answers), 0):
                unseen = torch.full((missing, len(self.labels)), math.nan, dtype=answers.dtype)
                answers = self.memory["answers"] = torch.cat([answers, unseen])
            probabilities = logits.softmax(1).gather(1, batch.labels[:, None])[:, 0]
            signed = torch.where(logits.argmax(1) == batch.labels, probabilities, -probabilities)
            answers[epoch - 1, batch.places] = signed.to(answers.dtype).cpu()

    def epoch(self, number: int, skip: int = 0, side_at: Callable[[int], int] | None = None) -> Iterator[Batch]:
        """The batches of one epoch, by its number from 1, without the first `skip`.

        `side_at` says how many pixels a side images have in a step of the run, by its number from 1; by default they stay as they are.
        """
        generator = torch.Generator().manual_seed(derive(self.seed, "order", number))
        if "losses" in self.memory and not skip:
            self.memory["losses"][1] = self.memory["losses"][0]
        order = self._order(number, generator)
        for place, chosen in enumerate(order.split(self.lengths.batch_size)[skip:], start=skip):
            generator.manual_seed(derive(self.seed, "augment", number, place))
            side = side_at(self.lengths.steps_before(number) + place + 1) if side_at else self.pixels.shape[1]
            yield self.make(chosen, number, generator, side)

    def _order(self, epoch: int, generator: torch.Generator) -> Tensor:
        if self.evenly:
            return sampling_order(self.labels.cpu(), generator)
        order = torch.randperm(self.lengths.images_in(epoch), generator=generator)
        if "losses" not in self.memory or epoch == 1:
            return order
        return self.memory["losses"][1].argsort(descending=True, stable=True)[order]

    def make(self, chosen: Tensor, epoch: int, generator: torch.Generator, side: int) -> Batch:
        """The images at these places as they look in this epoch; every process makes all of them and keeps its slice."""
        is_kept = len(self.pixels) <= KEPT
        if is_kept and self.shown.shape[1] != side:
            self.shown = shrink(self.pixels, side)
        mirrored = mirror_mask(self.augmentation.flip, self.mirrored[chosen], epoch, generator)
        places, chosen = chosen, chosen.to(self.labels.device)
        shown = self.shown[chosen] if is_kept else shrink(self.pixels[chosen], side)
        pixels, labels = shown.permute(0, 3, 1, 2), self.labels[chosen]
        targets = labels
        pixels = augment(pixels, mirrored, self.augmentation, self.fill, generator)
        if mixes(self.augmentation):
            pixels, targets = mix(pixels, labels, self.classes, self.augmentation, generator)
            labels = targets.argmax(1)
        total = len(chosen)
        start, stop = (total * process // self.processes for process in (self.process, self.process + 1))
        return Batch(pixels[start:stop], labels[start:stop], targets[start:stop], start, stop, total, places[start:stop])


def _shared(pixels: np.ndarray) -> Tensor:
    """The same memory as a tensor. Torch warns that it could be written to; here it is only read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(pixels))


def mean_colour(pixels: Tensor) -> Tensor:
    """The mean of red, green and blue over images, uint8 `(n, h, w, 3)`: float32 `(3,)`, 0..255."""
    total = torch.zeros(pixels[0].numel(), dtype=torch.float64, device=pixels.device)
    for block in pixels.flatten(1).split(BLOCK):
        total += block.float().sum(0)  # whole numbers, so exact
    return total.view(-1, 3).mean(0).div(len(pixels)).float()


def sampling_order(labels: Tensor, generator: torch.Generator) -> Tensor:
    """An epoch's order with replacement in which every class is equally likely, int64 `(n,)`.

    Source: Japkowicz and Stephen 2002, section 3 (random oversampling), https://doi.org/10.3233/IDA-2002-6504
    """
    probabilities = 1 / torch.bincount(labels)[labels].double()
    return torch.multinomial(probabilities, len(labels), replacement=True, generator=generator)
