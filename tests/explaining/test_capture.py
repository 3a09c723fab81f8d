"""Hooks that are gone, modes and gradients that are as they were, names that are listed."""

import numpy as np
import pytest
import torch
from torch import nn

from seefar import recipes
from seefar.errors import UsageError
from seefar.explaining.capture import as_input, capture, find_layer, last_stage, layer_names, undisturbed
from seefar.models.layers import Network
from seefar.training.network import build_network


@pytest.fixture(params=["tiny", "deep", "fast"])
def network(request: pytest.FixtureRequest) -> Network:
    return build_network(recipes.find(request.param), 4, 32)


def hooks(network: nn.Module) -> int:
    return sum(
        len(layer._forward_hooks) + len(layer._forward_pre_hooks) + len(layer._backward_hooks) for layer in network.modules()
    )


def test_what_a_layer_gave_is_kept_and_the_hooks_are_gone(network: Network) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    names = layer_names(network)
    with capture(network, names) as seen:
        network(as_input(network, images))
        assert list(seen) == names
        assert all(maps.ndim == 4 and len(maps) == 2 for maps in seen.values())
    assert hooks(network) == 0
    expected = network.stages(network.stem(network.scale(as_input(network.eval(), images))))
    with capture(network, [last_stage(network)]) as seen:
        network(as_input(network, images))
    assert torch.equal(seen[last_stage(network)], expected)


def test_after_an_error_the_hooks_are_gone(network: Network) -> None:
    with pytest.raises(ZeroDivisionError), capture(network, layer_names(network)):
        raise ZeroDivisionError
    assert hooks(network) == 0
    wanted = ["stages.0", "stages.9"]
    with pytest.raises(UsageError, match=r"no layer is called 'stages.9'.*there are .*stages\.0"), capture(network, wanted):
        pass
    assert hooks(network) == 0
    with pytest.raises(UsageError, match="no layer is called 'head'"):
        find_layer(network, "head")


def test_mode_and_gradients_are_as_before_even_after_an_error(network: Network) -> None:
    network.train()
    network.stages[0].eval()
    first = next(p for p in network.parameters() if p.requires_grad)
    first.grad = torch.ones_like(first)
    needs = [p.requires_grad for p in network.parameters()]
    modes = [layer.training for layer in network.modules()]
    inside = []

    def look() -> None:
        inside.append(any(layer.training for layer in network.modules()) or any(p.requires_grad for p in network.parameters()))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), undisturbed(network):
        look()
    assert inside == [False]
    assert [p.requires_grad for p in network.parameters()] == needs
    assert [layer.training for layer in network.modules()] == modes
    assert first.grad is not None
    assert first.grad.eq(1).all()
