"""Bare steps are timed one by one, on batches of the recipe's size."""

import torch
from tests.conftest import images

from seefar import recipes
from seefar.training.bare_steps import time_steps


def test_every_step_takes_time_and_has_a_batch() -> None:
    recipe = recipes.change(recipes.find("tiny"), {"batch_size": 32})
    seconds, count = time_steps(recipe, images(64, 0, "train", size=32), torch.device("cpu"), 3)
    assert len(seconds) == 3
    assert all(value > 0 for value in seconds)
    assert count == 32
