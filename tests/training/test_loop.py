"""The loop against the same steps written out with torch's own pieces."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.conftest import images
from tests.training.plans import CPU, TINY
from torch import nn

from seefar.data.batches import Batches
from seefar.data.images import ImageSet
from seefar.recipe_fields import change
from seefar.recipes import Recipe
from seefar.training.learner import Learner, new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.new_network import new_network

DATA = images(40, 0, "train")


def made(seed: int = 0, data: ImageSet = DATA, **fields: Any) -> tuple[Recipe, Learner, Batches]:
    """What learns and from what; no dropout unless the fields say so."""
    recipe = change(TINY, {"dropout": [0, 0], **fields})
    learner = new_learner(recipe, new_network(recipe, seed, data), data, CPU)
    return recipe, learner, new_batches(recipe, seed, data, CPU)


@pytest.mark.parametrize("clip", [0.0, 0.1])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_an_epoch_is_the_textbook_loop(clip: float, smoothing: float) -> None:
    recipe, ours, batches = made(3, gradient_clip=clip, label_smoothing=smoothing)
    losses = [step.loss.item() for step in train_epoch(ours, batches, 1, lambda n: 1e-3)]

    theirs = new_network(recipe, 3, DATA)
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
    for a, b in zip(ours.network.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_clipping_keeps_the_step_of_plain_gradient_descent_short() -> None:
    moved = {}
    for clip in (0.0, 0.01):
        _, learner, batches = made(optimiser="sgd", momentum=0, batch_size=40, gradient_clip=clip)
        before = [p.detach().clone() for p in learner.network.parameters()]
        list(train_epoch(learner, batches, 1, lambda n: 1e-3))
        length = torch.stack([(a - b).norm() for a, b in zip(before, learner.network.parameters(), strict=True)]).norm()
        moved[clip] = length.item() / 1e-3
    assert moved[0.0] > 0.1
    assert moved[0.01] == pytest.approx(0.01, rel=1e-3)


def test_steps_carry_number_rate_and_counts() -> None:
    _, learner, batches = made()
    steps = list(train_epoch(learner, batches, 2, lambda n: 1e-3 / n))
    assert [(step.number, step.images) for step in steps] == [(4, 16), (5, 16), (6, 8)]
    assert [step.rate for step in steps] == [1e-3 / 4, 1e-3 / 5, 1e-3 / 6]
    assert learner.optimiser.param_groups[0]["lr"] == 1e-3 / 6
    assert all(0 <= step.correct.item() <= step.images for step in steps)


def test_the_average_follows_every_step() -> None:
    _, learner, batches = made(averaging=0.9)
    assert learner.average
    seen = [learner.average.updates for _ in train_epoch(learner, batches, 1, lambda n: 1e-3)]
    assert seen == [1, 2, 3]


def test_an_epoch_taken_up_in_the_middle_goes_on_as_if_it_had_not_been_left() -> None:
    losses: dict[int, list[Any]] = {}
    for first in (0, 2):
        _, learner, batches = made(dropout=[0.3, 0.3])
        steps = []
        for step in train_epoch(learner, batches, 1, lambda n: 1e-3):
            steps.append(step)
            if len(steps) == first:
                break
        if first:
            steps += train_epoch(learner, batches, 1, lambda n: 1e-3, skip=first)
        losses[first] = [(step.number, step.loss.item()) for step in steps]
    assert losses[0] == losses[2]


def test_dropout_draws_anew_each_step_and_the_same_each_time() -> None:
    def losses() -> list[float]:
        _, learner, batches = made(data=images(16, 0, "train"), dropout=[0.5, 0.5])
        return [step.loss.item() for number in (1, 2) for step in train_epoch(learner, batches, number, lambda n: 0.0)]

    first, second = losses(), losses()
    assert first == second
    assert first[0] != first[1]
