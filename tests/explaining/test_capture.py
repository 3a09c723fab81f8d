"""Hooks that are gone, modes and gradients that are as they were, names that are listed."""

import numpy as np
import pytest
import torch
from tests.explaining.small_networks import hooks, state, unsettle

from seefar.errors import UsageError
from seefar.explaining.capture import as_input, capture, find_layer, last_stage, undisturbed
from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.recipe_fields import find


@pytest.fixture(params=["tiny", "deep", "fast"])
def network(request: pytest.FixtureRequest) -> Network:
    return build_network(find(request.param).network, 4, 32)


def test_what_a_layer_gave_is_kept_and_the_hooks_are_gone(network: Network) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    names = network.layer_names()
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
    with pytest.raises(ZeroDivisionError), capture(network, network.layer_names()):
        raise ZeroDivisionError
    assert hooks(network) == 0
    wanted = ["stages.0", "stages.9"]
    with pytest.raises(UsageError, match=r"no layer is called 'stages.9'.*there are .*stages\.0"), capture(network, wanted):
        pass
    assert hooks(network) == 0
    with pytest.raises(UsageError, match="no layer is called 'head'"):
        find_layer(network, "head")


def test_mode_and_gradients_are_as_before_even_after_an_error(network: Network) -> None:
    unsettle(network)
    before, inside = state(network), []

    def look() -> None:
        inside.append(any(layer.training for layer in network.modules()) or any(p.requires_grad for p in network.parameters()))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), undisturbed(network):
        look()
    assert inside == [False]
    assert state(network) == before
