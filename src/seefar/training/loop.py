"""The training loop: forward, loss, backward, step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seefar.data.batches import Batches
from seefar.models.layers import use_generator
from seefar.seeds import derive
from seefar.training.optimisers import set_rate


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser. `loss` and `correct` stay on the device, so that nobody waits for them who does not look.

    Attributes:
        number: steps since the start of the run, this one included.
        loss: mean loss of the batch in nats, float32 scalar, before the step.
        correct: images of the batch that were right, int64 scalar, before the step.
        images: images in the batch.
        rate: learning rate.
    """

    number: int
    loss: Tensor
    correct: Tensor
    images: int
    rate: float


def train_epoch(
    network: nn.Module,
    batches: Batches,
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
    rate_at: Callable[[int], float],
    side_at: Callable[[int], int] | None,
    precision: torch.dtype,
    scaler: torch.amp.GradScaler,
    clip: float,
    epoch: int,
    skip: int = 0,
) -> Iterator[Step]:
    """Pass over the training images once, yielding after each step.

    Args:
        network: on its device; it is changed in place.
        batches: where the images come from.
        criterion: the loss of each image of a batch, from logits and targets.
        optimiser: holds the network's parameters.
        rate_at: the learning rate of a step, by its number from 1.
        side_at: how many pixels a side the images have in a step; None: as many as they have.
        precision: number format of convolutions and products; weights and loss are float32.
        scaler: keeps small gradients from vanishing in fp16; does nothing if disabled.
        clip: largest length of the gradient; 0: any.
        epoch: number of the epoch from 1; order, augmentation and dropout depend on it, the step and the seed alone.
        skip: steps of the epoch that are done already.
    """
    device = batches.labels.device
    noise = torch.Generator(device)
    network.train()
    for number, batch in enumerate(batches.epoch(epoch, skip, side_at), start=batches.lengths.steps_before(epoch) + skip + 1):
        noise.manual_seed(derive(batches.seed, "dropout", number))
        use_generator(network, noise, batch.part)
        set_rate(optimiser, rate := rate_at(number))
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = network(batch.pixels)
        images = batch.part[2]
        losses = criterion(logits.float(), batch.targets)
        batches.note(batch, losses.detach(), logits.detach().float(), epoch)
        loss = losses.sum() / images
        optimiser.zero_grad()
        scaler.scale(loss * batches.processes).backward()  # processes average their gradients
        if clip:
            scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        scaler.step(optimiser)
        scaler.update()
        correct = (logits.detach().argmax(1) == batch.labels).sum()
        yield Step(number, loss.detach(), correct, images, rate)
