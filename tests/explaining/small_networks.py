"""Small networks with random weights, images for them, and all that a look inside must leave as it was."""

import numpy as np
import torch
from torch import nn

from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.recipes import NETWORKS


def noise(n: int, size: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def small_network(model: str, size: int = 16, widths: tuple[tuple[int, ...], ...] = ((8, 8), (12,)), **fields: bool) -> Network:
    """For three classes, in evaluation mode."""
    built = build_network(NETWORKS[model](widths=widths, **fields), 3, size)
    built.initialise(torch.Generator().manual_seed(0), noise(20, size))
    return built.eval()


def hooks(network: nn.Module) -> int:
    return sum(
        len(layer._forward_hooks) + len(layer._forward_pre_hooks) + len(layer._backward_hooks) for layer in network.modules()
    )


def unsettle(network: Network) -> None:
    """Modes and gradients as nobody would set them again by chance."""
    network.train()
    network.stages[0].eval()
    first = next(parameter for parameter in network.parameters() if parameter.requires_grad)
    first.grad = torch.ones_like(first)


def state(network: Network) -> list[object]:
    """What must be as it was: hooks, modes, weights, gradients, the state of the global generators."""
    return [
        hooks(network),
        [(layer.training, getattr(layer, "inplace", None)) for layer in network.modules()],
        {name: value.numpy().tobytes() for name, value in network.state_dict().items()},
        [
            (parameter.requires_grad, None if parameter.grad is None else parameter.grad.numpy().tobytes())
            for parameter in network.parameters()
        ],
        torch.random.get_rng_state().tolist(),
        [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],  # noqa: NPY002
    ]
