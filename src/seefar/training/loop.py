"""The training loop: forward, loss, backward, step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seefar.data.batches import Batches
from seefar.models.layers import Network, use_generator
from seefar.seeds import derive


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser. `loss` and `correct` stay on the device, so that nobody waits for them who does not look.

    Attributes:
        number: steps since the start of the run, this one included.
        loss: mean cross-entropy of the batch in nats, float32 scalar, before the step.
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
    network: Network,
    batches: Batches,
    optimiser: torch.optim.Optimizer,
    rate_at: Callable[[int], float],
    precision: torch.dtype,
    epoch: int,
) -> Iterator[Step]:
    """Pass over the training images once, yielding after each step.

    Args:
        network: on its device; it is changed in place.
        batches: where the images come from.
        optimiser: holds the network's parameters.
        rate_at: the learning rate of a step, by its number from 1.
        precision: number format of convolutions and products; weights and loss are float32.
        epoch: number of the epoch from 1; order and dropout depend on it and the seed alone.
    """
    device = batches.labels.device
    noise = torch.Generator(device)
    use_generator(network, noise)
    network.train()
    for number, (pixels, labels) in enumerate(batches.epoch(epoch), start=(epoch - 1) * len(batches) + 1):
        noise.manual_seed(derive(batches.seed, "dropout", number))
        rate = rate_at(number)
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = network(pixels).float()
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        correct = (logits.detach().argmax(1) == labels).sum()
        yield Step(number, loss.detach(), correct, len(labels), rate)
