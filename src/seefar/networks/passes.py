"""What happens when images pass a network of any make: which layers they pass, in which order, and who hands what to whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Pass:
    """One layer that was passed; layers stand in the order in which they end, so that what is inside of one stands before it.

    Attributes:
        name: of the layer within the network.
        layer: the layer itself.
        given: what it got, the first tensor of it.
        made: what it gave, likewise.
    """

    name: str
    layer: nn.Module
    given: Tensor | None
    made: Tensor | None

    @property
    def is_leaf(self) -> bool:
        """Whether it has no layers inside."""
        return next(self.layer.children(), None) is None


def passes(network: nn.Module, *inputs: Tensor) -> tuple[Any, list[Pass]]:
    """Let images pass, without gradients, in the mode that the network is in: what it gives, and the layers that were passed.

    All that was handed over is kept as long as the result is: whoever gets the same tensor object got it from the one that made it.
    """
    found: list[Pass] = []

    def note(name: str, layer: nn.Module) -> "torch.utils.hooks.RemovableHandle":
        def hook(_layer: nn.Module, positional: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            found.append(Pass(name, layer, _tensor([*positional, *named.values()]), _tensor(output)))

        return layer.register_forward_hook(hook, with_kwargs=True)

    hooks = [note(name, layer) for name, layer in network.named_modules() if name]
    try:
        with torch.no_grad():
            output = network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return output, found


def ends(found: Iterable[Pass]) -> list[tuple[Pass, nn.Module]]:
    """Each convolution that was passed once, with the layer by whose output it is judged.

    That is the activation which gets what the convolution gave, by way of norms and poolings; or the last of these, where what it gives
    goes on otherwise (something is added to it, say).
    """
    from seefar.networks.layers import ACTIVATIONS

    leaves = [one for one in found if one.is_leaf]
    times = [id(one.layer) for one in leaves]
    judged: list[tuple[Pass, nn.Module]] = []
    for start, one in enumerate(leaves):
        if not isinstance(one.layer, nn.Conv2d) or times.count(id(one.layer)) > 1:
            continue
        last = one
        for other in leaves[start + 1 :]:
            if other.given is not last.made or isinstance(other.layer, nn.Conv2d) or times.count(id(other.layer)) > 1:
                break
            last = other if other.made is not None and other.made.ndim == 4 else last
            if isinstance(other.layer, ACTIVATIONS):
                break
        judged.append((one, last.layer))
    return judged


def _tensor(value: Any) -> Tensor | None:
    """The first tensor of whatever a layer got or gave."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((found for found in map(_tensor, value) if found is not None), None)
    return None
