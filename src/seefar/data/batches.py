"""Training images on the device, handed out in batches: in a new seeded order each epoch, changed anew each time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seefar.data.augment import Augmentation, augment, mirror_mask, mix
from seefar.data.images import ImageSet
from seefar.seeds import derive


class Batch(NamedTuple):
    """What one process sees of a step's images.

    Attributes:
        pixels: uint8 or float32 `(b, 3, h, w)` in 0..255, channels last in memory.
        labels: int64 `(b,)`; of mixed images the label of the larger part.
        targets: the labels, or, for mixed images, the share of each class, float32 `(b, classes)`.
        part: which images of the step these are: the first, the one behind the last, and how many the step has in all.
    """

    pixels: Tensor
    labels: Tensor
    targets: Tensor
    part: tuple[int, int, int]


class Batches:
    """All images as one uint8 tensor on the device; an epoch is a walk over it in random order.

    What an image looks like in a step depends on the seed and the step alone: not on what came before, on the device, or on how
    many processes share the work. So training can be taken up again anywhere.

    Args:
        images: what to train on.
        batch_size: images a step, over all processes; the last batch of an epoch is smaller if they do not divide.
        seed: the run's seed.
        device: where the images are kept and changed.
        augmentation: how they are changed.
        evenly: whether an epoch draws from all classes alike, with replacement, instead of showing each image once.
        process: the number of this process, from 0.
        processes: how many share each step, each taking a slice of it.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        seed: int,
        device: torch.device,
        augmentation: Augmentation,
        *,
        evenly: bool = False,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.pixels = torch.tensor(images.pixels, device=device)  # uint8 (n, h, w, 3), a copy
        self.labels = torch.tensor(images.labels, device=device)  # int64 (n,)
        self.classes = len(images.classes)
        self.fill = self.pixels.float().mean((0, 1, 2))  # the mean colour, float32 (3,)
        self.batch_size = batch_size
        self.seed = seed
        self.augmentation = augmentation
        self.evenly = evenly
        self.process, self.processes = process, processes
        start = torch.Generator().manual_seed(derive(seed, "mirrored"))
        self.mirrored = torch.randint(2, (len(images),), generator=start, dtype=torch.bool)

    def __len__(self) -> int:
        """Steps an epoch."""
        return -(-len(self.labels) // self.batch_size)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, by its number from 1, without the first `skip`."""
        generator = torch.Generator().manual_seed(derive(self.seed, "order", number))
        order = self._order(generator)
        for place, chosen in enumerate(order.split(self.batch_size)[skip:], start=skip):
            generator.manual_seed(derive(self.seed, "augment", number, place))
            yield self.make(chosen, number, generator)

    def _order(self, generator: torch.Generator) -> Tensor:
        if self.evenly:
            return sampling_order(self.labels.cpu(), generator)
        return torch.randperm(len(self.labels), generator=generator)

    def make(self, chosen: Tensor, epoch: int, generator: torch.Generator) -> Batch:
        """The images at these places as they look in this epoch; every process makes all of them and keeps its slice."""
        mirrored = mirror_mask(self.augmentation.flip, self.mirrored[chosen], epoch, generator)
        chosen = chosen.to(self.labels.device)
        pixels, labels = self.pixels[chosen].permute(0, 3, 1, 2), self.labels[chosen]
        targets = labels
        pixels = augment(pixels, mirrored, self.augmentation, self.fill, generator)
        if self.augmentation.mixes:
            pixels, targets = mix(pixels, labels, self.classes, self.augmentation, generator)
            labels = targets.argmax(1)
        total = len(chosen)
        start, stop = (total * process // self.processes for process in (self.process, self.process + 1))
        return Batch(pixels[start:stop], labels[start:stop], targets[start:stop], (start, stop, total))


def sampling_order(labels: Tensor, generator: torch.Generator) -> Tensor:
    """An epoch's order with replacement in which every class is equally likely, int64 `(n,)`.

    Source: Japkowicz and Stephen 2002, section 3 (random oversampling), https://doi.org/10.3233/IDA-2002-6504
    """
    chances = 1 / torch.bincount(labels)[labels].double()
    return torch.multinomial(chances, len(labels), replacement=True, generator=generator)


def see(images: ImageSet, augmentation: Augmentation, views: int, seed: int) -> np.ndarray:
    """Images as a run would see them, in the order in which they stand.

    Returns:
        uint8 `(n, 1 + views, h, w, 3)`: each image as it is, and as it looks in epochs 1 to `views`.
    """
    batches = Batches(images, len(images), seed, torch.device("cpu"), augmentation)
    everything = torch.arange(len(images))
    columns = [batches.pixels]
    for epoch in range(1, views + 1):
        generator = torch.Generator().manual_seed(derive(seed, "augment", epoch, 0))
        pixels = batches.make(everything, epoch, generator).pixels
        columns.append(pixels.permute(0, 2, 3, 1).round().to(torch.uint8))
    return torch.stack(columns, 1).numpy()
