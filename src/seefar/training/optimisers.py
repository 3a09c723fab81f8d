"""Optimisers by name, and which parameters learn how fast. To add one, write a function and add a line to the dict."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seefar.networks.layers import Network
from seefar.recipes import Optimisation


def parameter_groups(network: Network, how: Optimisation) -> list[dict[str, Any]]:
    """The parameters that learn, each of them once, in groups of one rate and decay; groups without any are left out.

    Args:
        network: a parameter of it that needs no gradient is in no group.
        how: rates and decay. Biases and norms are not decayed; source: He et al. 2019, section 3.1,
            https://arxiv.org/abs/1812.01187

    Returns:
        Groups as torch's optimisers take them, each with its "multiple" of the learning rate (see `set_rate`).
    """
    head = network.classifier.weight
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learning if p.ndim > 1 and p is not head], "multiple": 1.0, "weight_decay": how.weight_decay},
        {"params": [p for p in learning if p is head], "multiple": how.head_rate, "weight_decay": how.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "multiple": how.bias_rate, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its multiple of the learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["multiple"]


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal: the change of a convolution is as large in every direction. The rest is SGD with Nesterov momentum.

    A convolution's weights are seen as a matrix `(out, in * height * width)`. In each step they are first scaled to length
    sqrt(out), without which airbench's network loses some 0.4 points; decay, which only shortens them, is not applied to them.
    All other parameters are stepped and decayed as by torch's SGD, to the bit.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the form for convolutions is that of airbench94_muon,
    https://github.com/KellerJordan/cifar10-airbench

    Args:
        groups: as `parameter_groups` makes them.
        learning_rate: of a group with multiple 1; for convolutions about the share of the weights that a step changes, 0.05 to 0.3.
        momentum: 0 to below 1.
    """

    # What is inside torch's wrappers: these import its compiler at their first use, for a second of a budget
    add_param_group, zero_grad, state_dict, load_state_dict = (
        inspect.unwrap(getattr(torch.optim.Optimizer, name))
        for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    )

    def __init__(self, groups: list[dict[str, Any]], learning_rate: float, momentum: float) -> None:
        super().__init__(groups, {"lr": learning_rate, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # no closure is used here
        """Change every parameter that has a gradient."""
        for group in self.param_groups:
            rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                change, state, is_convolution = weights.grad, self.state[weights], weights.ndim == 4
                if decay and not is_convolution:
                    change = change.add(weights, alpha=decay)
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = change.clone()
                else:
                    state["momentum_buffer"].mul_(momentum).add_(change)
                change = change.add(state["momentum_buffer"], alpha=momentum)
                if is_convolution:
                    weights.mul_(len(weights) ** 0.5 / (weights.norm() + 1e-7))
                    change = orthogonal(change.flatten(1)).view_as(weights)
                weights.add_(change, alpha=-rate)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Nearly the matrix with the same singular vectors whose singular values are all 1: Newton-Schulz iteration.

    With 3 steps, singular values from 0.0175 of the matrix's length up land in 0.67 to 1.21; smaller ones are raised up to 41-fold.

    The published loop passes through the whole matrix X in each step: X <- (a + b XX' + c (XX')^2) X. Since all its factors are
    polynomials of one XX', they are gathered in a small square matrix here, and X is passed through twice in all: 0.7 instead of
    1.2 ms for 128 x 1152 in float32 on two cores (bf16: 0.5 ms, but 0.22 instead of 0.15 for 64 x 576; not worth its rounding).

    Args:
        matrix: float32 `(rows, columns)`.
        steps: iterations.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, the coefficients too
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    is_tall = len(matrix) > matrix.shape[1]
    wide: Tensor = matrix.T if is_tall else matrix
    wide = wide / (wide.norm() + 1e-7)  # no singular value above 1
    square, factors = wide @ wide.T, torch.eye(len(wide), device=wide.device)
    for _ in range(steps):
        factor = torch.addmm(square, square, square, beta=b, alpha=c)
        factor.diagonal().add_(a)
        factors, square = factor @ factors, factor @ square @ factor  # all commute: their order is free
    wide = factors @ wide
    return wide.T if is_tall else wide


def _ready(optimiser: torch.optim.Optimizer, learning_rate: float) -> torch.optim.Optimizer:
    """The optimiser with its groups' rates, and with a memory that can be loaded in any layout."""
    set_rate(optimiser, learning_rate)
    optimiser.register_load_state_dict_post_hook(_lay_out)
    return optimiser


def _lay_out(optimiser: torch.optim.Optimizer) -> None:
    """Lay what was loaded out in memory as the parameters are, in copies of its own.

    torch's fused kernels walk parameter and state in the order in which they lie in memory. Our convolutions are channels last;
    files are not, and the steps after loading one would silently be wrong (torch 2.13).
    """
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter).copy_(value)


def sgd(groups: list[dict[str, Any]], learning_rate: float, momentum: float) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov momentum; weight decay is added to the gradient.

    Source: Sutskever et al. 2013, section 2, https://proceedings.mlr.press/v28/sutskever13.html, in torch's form
    """
    return _ready(torch.optim.SGD(groups, learning_rate, momentum, nesterov=momentum > 0, fused=True), learning_rate)


def adam(groups: list[dict[str, Any]], learning_rate: float, _momentum: float) -> torch.optim.Optimizer:
    """Adam with its usual constants; weight decay is added to the gradient.

    Source: Kingma and Ba 2015, algorithm 1, https://arxiv.org/abs/1412.6980
    """
    return _ready(torch.optim.Adam(groups, learning_rate, fused=True), learning_rate)


def adamw(groups: list[dict[str, Any]], learning_rate: float, _momentum: float) -> torch.optim.Optimizer:
    """Adam whose weight decay, times the rate, is taken off the weights themselves.

    Source: Loshchilov and Hutter 2019, algorithm 2, https://arxiv.org/abs/1711.05101
    """
    return _ready(torch.optim.AdamW(groups, learning_rate, fused=True), learning_rate)


def muon(groups: list[dict[str, Any]], learning_rate: float, momentum: float) -> torch.optim.Optimizer:
    """See `Muon`."""
    return _ready(Muon(groups, learning_rate, momentum), learning_rate)


OPTIMISERS: dict[str, Callable[[list[dict[str, Any]], float, float], torch.optim.Optimizer]] = {
    "sgd": sgd,
    "adam": adam,
    "adamw": adamw,
    "muon": muon,
}
