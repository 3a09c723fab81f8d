"""The training loop: forward, loss, backward, step."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import nn

from seefar.data.batches import Batches
from seefar.networks.global_randomness import global_randomness
from seefar.networks.layers import use_generator
from seefar.seeds import derive
from seefar.training.events import Step
from seefar.training.learner import Learner
from seefar.training.optimisers import set_rate


def train_epoch(
    learner: Learner,
    batches: Batches,
    epoch: int,
    rate_at: Callable[[int], float],
    side_at: Callable[[int], int] | None = None,
    skip: int = 0,
) -> Iterator[Step]:
    """Pass over the training images once, yielding after each step.

    Args:
        learner: the network and what changes it; all of it is changed in place.
        batches: where the images come from.
        epoch: number of the epoch from 1; order, augmentation and dropout depend on it, the step and the seed alone.
        rate_at: the learning rate of a step, by its number from 1.
        side_at: how many pixels a side the images have in a step; None: as many as they have.
        skip: steps of the epoch that are done already.
    """
    network, optimiser, scaler, precision = learner.wrapped, learner.optimiser, learner.scaler, learner.precision
    device = batches.labels.device
    noise = torch.Generator(device)
    network.train()
    for number, batch in enumerate(batches.epoch(epoch, skip, side_at), start=batches.lengths.steps_before(epoch) + skip + 1):
        noise.manual_seed(derive(batches.seed, "dropout", number))
        use_generator(network, noise, (batch.start, batch.stop, batch.total))
        set_rate(optimiser, rate := rate_at(number))
        with _noise_of_others(learner, derive(batches.seed, "global", number, batch.start), device):
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                logits = network(batch.pixels)
            losses = learner.criterion(logits.float(), batch.targets)
            batches.note(batch, losses.detach(), logits.detach().float(), epoch)
            loss = losses.sum() / batch.total
            optimiser.zero_grad()
            scaler.scale(loss * batches.processes).backward()  # processes average their gradients
        if learner.clip:
            scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(network.parameters(), learner.clip)
        scaler.step(optimiser)
        scaler.update()
        if learner.average:
            learner.average.update()
        correct = (logits.detach().argmax(1) == batch.labels).sum()
        yield Step(number, loss.detach(), correct, batch.total, rate)


def _noise_of_others(learner: Learner, seed: int, device: torch.device) -> contextlib.AbstractContextManager[None]:
    """What a network from outside draws from the global random state follows from the seed, too; ours draw nothing from it."""
    return global_randomness(seed, device) if learner.network.draws_globally else contextlib.nullcontext()
