"""Training images on the device, handed out in batches, in a new seeded order each epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from seefar.data.images import ImageSet
from seefar.seeds import derive


class Batches:
    """All images as one uint8 tensor on the device; an epoch is a walk over it in random order.

    Args:
        images: what to train on.
        batch_size: images a step; the last batch of an epoch is smaller if they do not divide.
        seed: the run's seed; the order depends on it and on the epoch alone.
        device: where the images are kept.
    """

    def __init__(self, images: ImageSet, batch_size: int, seed: int, device: torch.device) -> None:
        self.pixels = torch.tensor(images.pixels, device=device)  # uint8 (n, h, w, 3), a copy
        self.labels = torch.tensor(images.labels, device=device)  # int64 (n,)
        self.batch_size = batch_size
        self.seed = seed

    def __len__(self) -> int:
        """Steps an epoch."""
        return -(-len(self.labels) // self.batch_size)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch: pixels uint8 `(b, 3, h, w)`, channels last in memory, and labels int64 `(b,)`."""
        generator = torch.Generator().manual_seed(derive(self.seed, "order", number))
        order = torch.randperm(len(self.labels), generator=generator).to(self.labels.device)
        for chosen in order.split(self.batch_size):
            yield self.pixels[chosen].permute(0, 3, 1, 2), self.labels[chosen]
