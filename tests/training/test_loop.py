"""The loop against the same steps written out with torch's own pieces."""

import torch
import torch.nn.functional as F
from tests.conftest import SMALL, images

from seefar import recipes
from seefar.data.batches import Batches
from seefar.training.loop import train_epoch
from seefar.training.network import new_network
from seefar.training.optimisers import OPTIMISERS

CPU = torch.device("cpu")
RECIPE = recipes.change(recipes.find("tiny"), SMALL | {"dropout": [0, 0]})


def test_an_epoch_is_the_textbook_loop() -> None:
    data = images(40, 0, "train")
    ours, theirs = new_network(RECIPE, 3, data), new_network(RECIPE, 3, data)
    batches = Batches(data, 16, 3, CPU)
    losses = [
        step.loss.item()
        for step in train_epoch(ours, batches, OPTIMISERS["adam"](ours, 1e-3), lambda n: 1e-3, torch.float32, 1)
    ]

    optimiser = torch.optim.Adam(theirs.parameters(), lr=1e-3)
    expected = []
    for pixels, labels in batches.epoch(1):
        optimiser.zero_grad()
        loss = F.cross_entropy(theirs(pixels), labels)
        loss.backward()
        optimiser.step()
        expected.append(loss.item())
    assert torch.allclose(torch.tensor(losses), torch.tensor(expected), atol=1e-6)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_steps_carry_number_rate_and_counts() -> None:
    data = images(40, 0, "train")
    network = new_network(RECIPE, 0, data)
    batches = Batches(data, 16, 0, CPU)
    optimiser = OPTIMISERS["adam"](network, 1.0)
    steps = list(train_epoch(network, batches, optimiser, lambda n: 1e-3 / n, torch.float32, epoch=2))
    assert [(step.number, step.images) for step in steps] == [(4, 16), (5, 16), (6, 8)]
    assert [step.rate for step in steps] == [1e-3 / 4, 1e-3 / 5, 1e-3 / 6]
    assert optimiser.param_groups[0]["lr"] == 1e-3 / 6
    assert all(0 <= step.correct.item() <= step.images for step in steps)


def test_dropout_draws_anew_each_step_and_the_same_each_time() -> None:
    data = images(16, 0, "train")
    recipe = recipes.change(RECIPE, {"dropout": [0.5, 0.5]})

    def losses() -> list[float]:
        network = new_network(recipe, 0, data)
        batches = Batches(data, 16, 0, CPU)
        frozen = torch.optim.SGD(network.parameters(), lr=0)
        return [
            step.loss.item()
            for epoch in (1, 2)
            for step in train_epoch(network, batches, frozen, lambda n: 0, torch.float32, epoch)
        ]

    first, second = losses(), losses()
    assert first == second
    assert first[0] != first[1]
