"""How long a step of the model alone takes: forward, backward, optimiser, on one batch that lies ready."""

import time

import torch

from seefar.data.images import ImageSet
from seefar.models.device import choose_precision
from seefar.recipes import Recipe
from seefar.training.network import new_network
from seefar.training.prepare import new_batches, new_criterion, new_learner


def time_steps(recipe: Recipe, images: ImageSet, device: torch.device, count: int) -> tuple[list[float], int]:
    """Time steps of a new network, one after the other. The first ones are slower.

    Args:
        recipe: whose network and optimiser; the batch is the first of its first epoch.
        images: to train on.
        device: where.
        count: how many steps.

    Returns:
        Seconds of each step, and how many images each of them had.
    """
    learner = new_learner(recipe, new_network(recipe, 0, images).train(), device)
    batch = next(new_batches(recipe, 0, images, device).epoch(1))
    criterion, precision = new_criterion(recipe, images, device), choose_precision(recipe.precision, device)
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = learner.network(batch.pixels)
        learner.optimiser.zero_grad()
        criterion(logits.float(), batch.targets).mean().backward()
        learner.optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return seconds, len(batch.labels)
