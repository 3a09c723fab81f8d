"""Optimisers hold every parameter and make a step downhill."""

import pytest
import torch

from seefar.models.plain import Plain
from seefar.training.optimisers import OPTIMISERS


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_holds_every_parameter_once_and_reduces_the_loss(name: str) -> None:
    network = Plain(3, 16, ((4,),), 8, (0.0, 0.0))
    optimiser = OPTIMISERS[name](network, 1e-2)
    held = [p for group in optimiser.param_groups for p in group["params"]]
    assert sorted(map(id, held)) == sorted(map(id, network.parameters()))
    pixels, labels = torch.randint(0, 256, (16, 3, 16, 16)), torch.arange(16) % 3
    losses = []
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(network(pixels), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_adam_is_the_published_first_step() -> None:
    """The first step of Adam is the learning rate, against the sign of the gradient (Kingma and Ba 2015, section 2.1)."""
    network = torch.nn.Linear(2, 1, bias=False)
    before = network.weight.detach().clone()
    optimiser = OPTIMISERS["adam"](network, 0.1)
    (network.weight * torch.tensor([[3.0, -5.0]])).sum().backward()
    optimiser.step()
    assert torch.allclose(network.weight, before - torch.tensor([[0.1, -0.1]]), atol=1e-6)
