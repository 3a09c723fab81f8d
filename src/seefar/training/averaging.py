"""A running average of the weights, which wobbles less than the weights do and is often the better network."""

import copy

import torch
from torch import nn

from seefar.networks.layers import Network


class Average:
    """Keeps an exponential moving average of a network's parameters and floating buffers: `a <- decay a + (1 - decay) w`.

    While it is young it forgets faster, with decay `(1 + t) / (10 + t)` after `t` updates: else a short run would be an average with
    its first weights, which knew nothing (the rule of TensorFlow's ExponentialMovingAverage). Buffers of whole numbers are copied.
    Source: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046; Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780

    To go on where another left off, load its network's `state_dict` and set `updates`.

    Args:
        network: on its device already; it is read, never changed. Its tensors are to stay the same objects.
        decay: share that a step keeps of the average, 0 to below 1; 0 is the weights themselves.

    Attributes:
        network: a copy with averaged weights, in evaluation mode, with generators of its own.
        updates: how many there were.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.updates = 0
        # Gathered once: walking the modules takes longer than the update
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        self._floating = [pair for pair in pairs if pair[0].is_floating_point()]
        self._whole = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights as they are now into the average; to be called after each step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages, weights = zip(*self._floating, strict=True)
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, now in self._whole:
            average.copy_(now)
        self.updates += 1


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]
