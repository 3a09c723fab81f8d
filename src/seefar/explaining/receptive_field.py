"""What a place of a feature map sees of the image."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from seefar.explaining.capture import capture, find_layer, undisturbed
from seefar.networks.fast import Whitening
from seefar.networks.layers import Network


@dataclass(frozen=True)
class Field:
    """The pixels that a place of a layer's maps depends on: from `start + place * jump` on, `size` of them, in each direction."""

    size: int
    jump: int
    start: int


def receptive_field(network: Network, layer: str) -> Field:
    """What a place of this layer's maps sees of the image, by the kernels, strides and paddings before it.

    Where the layers do not follow each other in a row, by trial: see `_by_trial`.

    Source: Araujo et al. 2019, equations 1 to 4, https://distill.pub/2019/computing-receptive-fields

    Raises:
        UsageError: there is no such layer.
    """
    inside = {id(part) for part in find_layer(network, layer).modules()}
    if not network.in_a_row:
        return _by_trial(network, layer)
    leaves = list(network.leaves().values())
    last = max(place for place, leaf in enumerate(leaves) if id(leaf) in inside)
    size, jump, start = 1, 1, 0
    for leaf in leaves[: last + 1]:
        kernel, stride, padding = _window(leaf)
        size, start, jump = size + (kernel - 1) * jump, start - padding * jump, jump * stride
    return Field(size, jump, start)


def _by_trial(network: Network, layer: str) -> Field:
    """What a place in the middle of the maps depends on: which of them become NaN where a row of pixels is NaN.

    A place that depends on all rows (some networks look at the whole image at once) has a field that covers the image from everywhere.
    """
    trial = copy.deepcopy(network).cpu().float()
    side = trial.size
    rows = torch.full((side, 3, side, side), 128.0)
    rows[torch.arange(side), :, torch.arange(side)] = torch.nan
    reached = []
    with undisturbed(trial), torch.no_grad(), _one_by_one(), capture(trial, [layer]) as seen:
        for part in rows.split(16):
            trial(part)
            reached.append(seen[layer].isnan().any(1).any(2))
    depends = torch.cat(reached).numpy()  # (rows of the image, rows of the map)
    places = depends.shape[1]
    jump, middle = max(round(side / places), 1), places // 2
    low, high = (int(found) for found in np.flatnonzero(depends[:, middle])[[0, -1]])
    if low == 0 and high == side - 1:
        return Field(2 * side, jump, -side)
    return Field(high - low + 1, jump, low - middle * jump)


@contextmanager
def _one_by_one() -> Iterator[None]:
    """Within the block convolutions add up products: fast ones work in tiles, where NaN reaches neighbours that see nothing of it."""
    before = torch.backends.mkldnn.set_flags(False), torch.backends.nnpack.set_flags(False)
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(before[0][0])
        torch.backends.nnpack.set_flags(before[1][0])


def _window(layer: nn.Module) -> tuple[int, int, int]:
    """Kernel, stride and padding of a layer, in pixels a side; those of a layer that works on each place alone are 1, 1, 0."""
    if isinstance(layer, Whitening):
        return layer.weight.shape[-1], 1, 0
    if isinstance(layer, nn.Conv2d):
        return (layer.kernel_size[0] - 1) * layer.dilation[0] + 1, layer.stride[0], int(layer.padding[0])
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        kernel, stride, padding = (
            side if isinstance(side, int) else side[0] for side in (layer.kernel_size, layer.stride, layer.padding)
        )
        return kernel, stride, padding
    return 1, 1, 0
