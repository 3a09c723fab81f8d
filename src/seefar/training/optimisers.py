"""Optimisers by name. To add one, write a function from (network, learning rate) to an optimiser and add a line to the dict."""

from collections.abc import Callable

import torch
from torch import nn


def adam(network: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Adam with its usual constants. Source: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980"""
    return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)


OPTIMISERS: dict[str, Callable[[nn.Module, float], torch.optim.Optimizer]] = {
    "adam": adam,
}
