"""The loop against the same steps written out with torch's own pieces."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.conftest import SMALL, images
from torch import nn

from seefar import recipes
from seefar.data.augment import Augmentation
from seefar.data.batches import Batches
from seefar.models.layers import Network
from seefar.training.loop import Step, train_epoch
from seefar.training.network import new_network
from seefar.training.optimisers import OPTIMISERS, parameter_groups

CPU = torch.device("cpu")
OFF = Augmentation("none", 0, 0.0, 0.0, 0, 0.0, 0.0, 0.0, 0.0)
RECIPE = recipes.change(recipes.find("tiny"), SMALL | {"dropout": [0, 0]})


def epoch(
    network: Network,
    batches: Batches,
    optimiser: torch.optim.Optimizer,
    rate_at: Callable[[int], float] = lambda n: 1e-3,
    number: int = 1,
    skip: int = 0,
    clip: float = 0.0,
    smoothing: float = 0.0,
) -> list[Step]:
    criterion = functools.partial(F.cross_entropy, reduction="none", label_smoothing=smoothing)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return list(train_epoch(network, batches, criterion, optimiser, rate_at, None, torch.float32, scaler, clip, number, skip))


def adam(network: Network, rate: float = 1e-3) -> torch.optim.Optimizer:
    return OPTIMISERS["adam"](parameter_groups(network, 1.0, 1.0, 0.0), rate, 0.9)


@pytest.mark.parametrize("clip", [0.0, 0.1])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_an_epoch_is_the_textbook_loop(clip: float, smoothing: float) -> None:
    data = images(40, 0, "train")
    ours, theirs = new_network(RECIPE, 3, data), new_network(RECIPE, 3, data)
    batches = Batches(data, 16, 3, CPU, OFF)
    losses = [step.loss.item() for step in epoch(ours, batches, adam(ours), clip=clip, smoothing=smoothing)]

    optimiser = torch.optim.Adam(theirs.parameters(), lr=1e-3)
    expected = []
    for batch in batches.epoch(1):
        optimiser.zero_grad()
        loss = F.cross_entropy(theirs(batch.pixels), batch.labels, label_smoothing=smoothing)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(theirs.parameters(), clip)
        optimiser.step()
        expected.append(loss.item())
    assert torch.allclose(torch.tensor(losses), torch.tensor(expected), atol=1e-6)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_clipping_keeps_the_step_of_plain_gradient_descent_short() -> None:
    data = images(40, 0, "train")
    moved = {}
    for clip in (0.0, 0.01):
        network = new_network(RECIPE, 0, data)
        before = [p.detach().clone() for p in network.parameters()]
        epoch(
            network,
            Batches(data, 40, 0, CPU, OFF),
            torch.optim.SGD([{"params": network.parameters(), "multiple": 1.0}]),
            clip=clip,
        )
        length = torch.stack([(a - b).norm() for a, b in zip(before, network.parameters(), strict=True)]).norm()
        moved[clip] = length.item() / 1e-3
    assert moved[0.0] > 0.1
    assert moved[0.01] == pytest.approx(0.01, rel=1e-3)


def test_steps_carry_number_rate_and_counts() -> None:
    data = images(40, 0, "train")
    network = new_network(RECIPE, 0, data)
    optimiser = adam(network, 1.0)
    steps = epoch(network, Batches(data, 16, 0, CPU, OFF), optimiser, lambda n: 1e-3 / n, number=2)
    assert [(step.number, step.images) for step in steps] == [(4, 16), (5, 16), (6, 8)]
    assert [step.rate for step in steps] == [1e-3 / 4, 1e-3 / 5, 1e-3 / 6]
    assert optimiser.param_groups[0]["lr"] == 1e-3 / 6
    assert all(0 <= step.correct.item() <= step.images for step in steps)


def test_an_epoch_taken_up_in_the_middle_goes_on_as_if_it_had_not_been_left() -> None:
    data = images(40, 0, "train")
    recipe = recipes.change(RECIPE, {"dropout": [0.3, 0.3]})
    losses: dict[int, list[Any]] = {}
    for first in (0, 2):
        network = new_network(recipe, 0, data)
        batches, optimiser = Batches(data, 16, 0, CPU, OFF), adam(network)
        steps = []
        for step in _some(network, batches, optimiser, 0):
            steps.append(step)
            if len(steps) == first:
                break
        if first:
            steps += _some(network, batches, optimiser, first)
        losses[first] = [(step.number, step.loss.item()) for step in steps]
    assert losses[0] == losses[2]


def _some(network: Network, batches: Batches, optimiser: torch.optim.Optimizer, skip: int) -> Any:
    criterion = functools.partial(F.cross_entropy, reduction="none")
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return train_epoch(network, batches, criterion, optimiser, lambda n: 1e-3, None, torch.float32, scaler, 0.0, 1, skip)


def test_dropout_draws_anew_each_step_and_the_same_each_time() -> None:
    data = images(16, 0, "train")
    recipe = recipes.change(RECIPE, {"dropout": [0.5, 0.5]})

    def losses() -> list[float]:
        network = new_network(recipe, 0, data)
        frozen = torch.optim.SGD([{"params": network.parameters(), "multiple": 0.0}], lr=0)
        batches = Batches(data, 16, 0, CPU, OFF)
        return [step.loss.item() for number in (1, 2) for step in epoch(network, batches, frozen, number=number)]

    first, second = losses(), losses()
    assert first == second
    assert first[0] != first[1]
