"""What passes through a network while it computes: feature maps by layer, and a network that is afterwards as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import UsageError, did_you_mean
from seefar.networks.layers import Network


def find_layer(network: Network, name: str) -> nn.Module:
    """The layer of that name. Raises UsageError, with the names, if there is none that gives feature maps."""
    known = network.layer_names()
    if name not in known:
        raise UsageError(f"no layer is called {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return network.layer(name)


def last_stage(network: Network) -> str:
    """The name of the last stage, whose maps have seen most of the image."""
    return network.stage_names[-1]


@contextmanager
def capture(network: Network, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Within the block, whatever the layers gave last, by name: floating `(n, channels, h, w)`, as part of the graph.

    Raises:
        UsageError: there is no such layer.
    """
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> "torch.utils.hooks.RemovableHandle":
        return find_layer(network, name).register_forward_hook(lambda _layer, _inputs, output: seen.__setitem__(name, output))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    try:
        for name in names:
            hooks.append(keep(name))
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def undisturbed(network: Network) -> Iterator[Network]:
    """Within the block the network is in evaluation mode and its parameters need no gradient; afterwards all is as it was.

    That holds for the mode of each layer, for which parameters need gradients, and for the gradients they had.
    """
    modes = [(layer, layer.training) for layer in network.modules()]
    parameters = [(parameter, parameter.requires_grad, parameter.grad) for parameter in network.parameters()]
    try:
        network.eval()
        network.requires_grad_(False)
        yield network
    finally:
        for layer, mode in modes:
            layer.training = mode
        for parameter, needs, gradient in parameters:
            parameter.requires_grad_(needs)
            parameter.grad = gradient


def as_input(network: Network, images: np.ndarray) -> Tensor:
    """Images uint8 `(n, h, w, 3)` as the network takes them: float32 `(n, 3, h, w)` in 0..255, on its device."""
    return torch.tensor(images).to(network.scale.mean.device).permute(0, 3, 1, 2).float()
