"""Batches: every image once an epoch, in an order of seed and epoch alone."""

import numpy as np
import torch
from tests.conftest import images

from seefar.data.batches import Batches

CPU = torch.device("cpu")


def order(seed: int, epoch: int) -> list[float]:
    batches = Batches(images(23, 0, "train"), 5, seed, CPU)
    return [float(image.double().mean()) for pixels, _ in batches.epoch(epoch) for image in pixels]


def test_an_epoch_has_every_image_once_with_its_label() -> None:
    data = images(23, 0, "train")
    batches = Batches(data, 5, 0, CPU)
    seen = [(pixels, labels) for pixels, labels in batches.epoch(1)]
    assert [len(labels) for _, labels in seen] == [5, 5, 5, 5, 3]
    assert len(batches) == 5
    expected = {image.tobytes(): int(label) for image, label in zip(data.pixels, data.labels, strict=True)}
    found = {
        np.ascontiguousarray(image.permute(1, 2, 0).numpy()).tobytes(): int(label)
        for pixels, labels in seen
        for image, label in zip(pixels, labels, strict=True)
    }
    assert found == expected


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_batches_are_channels_last_so_that_convolutions_need_not_copy() -> None:
    pixels, _ = next(Batches(images(8, 0, "train"), 4, 0, CPU).epoch(1))
    assert pixels.shape == (4, 3, 16, 16)
    assert pixels.is_contiguous(memory_format=torch.channels_last)
