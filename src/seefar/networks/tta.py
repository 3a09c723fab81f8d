"""Test-time augmentation: a network's answer for an image as the mean of its answers for several views of it."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

View = tuple[float, Tensor]  # its weight in the mean, and pixels of the shape that came in


def none(pixels: Tensor) -> list[View]:
    """The images as they are."""
    return [(1.0, pixels)]


def flip(pixels: Tensor) -> list[View]:
    """The images and their mirror images. Source: Krizhevsky et al. 2012, section 4.1, https://papers.nips.cc/paper/4824"""
    return [(0.5, pixels), (0.5, pixels.flip(3))]


def shift(pixels: Tensor) -> list[View]:
    """Half the weight on those two; the other half on both of them moved a pixel up and left, and a pixel down and right.

    The gap is filled by reflection. Source: Jordan 2024, section 3.5, https://arxiv.org/abs/2404.00498
    """
    padded = F.pad(pixels.float(), (1, 1, 1, 1), "reflect").to(pixels.dtype)
    moved = [padded[:, :, 2:, 2:], padded[:, :, :-2, :-2]]
    return [(weight / 2, view) for weight, view in [*flip(pixels), *((w / 2, v) for images in moved for w, v in flip(images))]]


VIEWS: dict[str, Callable[[Tensor], list[View]]] = {
    "none": none,
    "flip": flip,
    "shift": shift,
}
