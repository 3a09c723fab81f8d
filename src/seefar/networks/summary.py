"""The table that says what a network is made of: layers, output shapes, parameters, multiply-adds."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seefar.display import Shown
from seefar.networks.fast import Whitening


@dataclass(frozen=True)
class Layer:
    """One row: `shape` is that of the output for one image, `multiply_adds` the products needed for it."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


class Layers(Shown, list[Layer]):
    """The layers of a network in the order in which an image passes them: a list that notebooks show as a table."""

    def __repr__(self) -> str:
        return f"Layers({len(self)} layers, {sum(layer.parameters for layer in self):,} parameters)"


def summarise(network: nn.Module, size: int) -> Layers:
    """The layers of `network` in the order in which an image of `size` x `size` pixels passes them.

    Multiply-adds are those of convolutions and dense layers; the rest is small beside them. What is fitted and not
    learned (scaling, whitening, running statistics) does not count as parameters. The network is left as it was.
    """
    rows = Layers()
    names = {module: name for name, module in network.named_modules()}

    def record(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        parameters = sum(p.numel() for p in layer.parameters(recurse=False))
        shape = tuple(output.shape[1:])
        products = 0
        if isinstance(layer, nn.Conv2d | Whitening):
            products = layer.weight.numel() * shape[1] * shape[2]
        elif isinstance(layer, nn.Linear):
            products = layer.weight.numel()
        rows.append(Layer(names[layer], type(layer).__name__, shape, parameters, products))

    was_training = network.training
    layers = [layer for layer in network.modules() if not list(layer.children()) and not isinstance(layer, nn.Identity)]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        network.eval()
        with torch.inference_mode():
            network(torch.zeros(1, 3, size, size, device=next(network.parameters()).device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return rows
