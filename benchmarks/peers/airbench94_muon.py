"""A peer: airbench94_muon, the published speed run for one A100, on the CPU.

    .venv/bin/python benchmarks/peers/airbench94_muon.py ARRAYS.npz --form bf16

Written for this project from the recipe's published facts (network, rates, schedule, augmentation, test-time augmentation; Keller
Jordan, https://github.com/KellerJordan/cifar10-airbench). There it computes in half precision, which a CPU has no instructions for:
`--form published` computes in float32, the rest as published; `--form bf16` is the fastest form on a CPU that has bf16.
Every step of the schedule belongs to a run of 8 epochs, so only its end says how good it is.
"""

import math
from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from peer import Clock, finish, options, splits
from torch import Tensor, nn

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
WIDTHS = (64, 256, 256)
EPOCHS, BATCH = 8, 2000
MUON_RATE, MUON_MOMENTUM = 0.24, 0.6
BIAS_RATE, HEAD_RATE, MOMENTUM, DECAY = 0.053, 0.67, 0.85, 2e-6 * BATCH
SMOOTHING, SHIFT, WHITENING_EPOCHS = 0.2, 2, 3


class Airbench(nn.Module):
    """Whitening, three stages of two convolutions, the largest value of each channel, a dense layer."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        self.whitening.weight.data.copy_(whitening_filters(images[:5000]))
        self.whitening.weight.requires_grad_(False)
        self.whitening.bias.data.zero_()
        layers: list[nn.Module] = []
        for before, width in zip((24, *WIDTHS), WIDTHS, strict=False):
            layers += [convolution(before, width), nn.MaxPool2d(2), norm(width), nn.GELU()]
            layers += [convolution(width, width), norm(width), nn.GELU()]
        self.stages = nn.Sequential(*layers, nn.MaxPool2d(3))
        self.head = nn.Linear(WIDTHS[-1], 10, bias=False)
        self.head.weight.data /= self.head.weight.data.std()

    def forward(self, images: Tensor) -> Tensor:
        features = self.stages(F.gelu(self.whitening(images))).flatten(1)
        return self.head(features).float() / WIDTHS[-1]


def convolution(before: int, width: int) -> nn.Conv2d:
    """Its first filters are the identity."""
    layer = nn.Conv2d(before, width, 3, padding="same", bias=False)
    nn.init.dirac_(layer.weight.data[: layer.in_channels])
    return layer


def norm(width: int) -> nn.BatchNorm2d:
    """Its scale is not trained."""
    layer = nn.BatchNorm2d(width, momentum=0.4, eps=1e-12)
    layer.weight.requires_grad_(False)
    return layer


def whitening_filters(images: Tensor) -> Tensor:
    """Eigenvectors of 2x2 patches by the root of their eigenvalues, and their negatives: float32 `(24, 3, 2, 2)`."""
    patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
    values, vectors = torch.linalg.eigh((patches.T @ patches / len(patches)).double())
    filters = (vectors / (values + 5e-4).sqrt()).T.reshape(12, 3, 2, 2).float()
    return torch.cat([filters, -filters])


def orthogonal(gradient: Tensor) -> Tensor:
    """Three Newton-Schulz steps in bf16, as published."""
    a, b, c = 3.4445, -4.7750, 2.0315
    matrix = gradient.bfloat16() / (gradient.norm() + 1e-7)
    if tall := len(matrix) > matrix.shape[1]:
        matrix = matrix.T
    for _ in range(3):
        square = matrix @ matrix.T
        matrix = a * matrix + (b * square + c * square @ square) @ matrix
    return matrix.T if tall else matrix


@torch.no_grad()
def muon_step(weights: list[nn.Parameter], momenta: list[Tensor], rate: float) -> None:
    """Orthogonalised Nesterov momentum for convolutions, whose length is first set to sqrt(out)."""
    for weight, momentum in zip(weights, momenta, strict=True):
        gradient = cast(Tensor, weight.grad)
        momentum.mul_(MUON_MOMENTUM).add_(gradient)
        change = gradient.add(momentum, alpha=MUON_MOMENTUM)
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        weight.add_(orthogonal(change.flatten(1)).view_as(weight), alpha=-rate)


def epochs(images: Tensor, labels: Tensor, generator: torch.Generator) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """The batches of each epoch: shifted by reflection, every image mirrored in every other epoch."""
    mirrored = (torch.rand(len(images), generator=generator) < 0.5).view(-1, 1, 1, 1)
    images = torch.where(mirrored, images.flip(3), images)
    padded = F.pad(images, (SHIFT,) * 4, "reflect")
    for epoch in range(EPOCHS):
        down, right = torch.randint(2 * SHIFT + 1, (2, len(images)), generator=generator)
        steps = torch.arange(32)
        everything = torch.arange(len(images))[:, None, None]
        moved = padded.permute(0, 2, 3, 1)[
            everything, (down[:, None] + steps)[:, :, None], (right[:, None] + steps)[:, None, :]
        ]
        moved = moved.permute(0, 3, 1, 2)
        moved = moved.flip(3) if epoch % 2 else moved
        order = torch.randperm(len(images), generator=generator)
        yield ((moved[chosen], labels[chosen]) for chosen in order.split(BATCH) if len(chosen) == BATCH)


def answers(model: nn.Module, images: Tensor, autocast: torch.autocast, views: bool) -> np.ndarray:
    """The class of each image; with `views` by its six views."""

    def mirrored(block: Tensor) -> Tensor:
        return model(block) / 2 + model(block.flip(3)) / 2

    def look(block: Tensor) -> Tensor:
        if not views:
            return model(block)
        padded = F.pad(block, (1,) * 4, "reflect")
        return mirrored(block) / 2 + mirrored(padded[:, :, :-2, :-2]) / 4 + mirrored(padded[:, :, 2:, 2:]) / 4

    model.eval()
    with torch.inference_mode(), autocast:
        found = torch.cat([look(block).argmax(1) for block in images.split(500)]).numpy()
    model.train()
    return found


def main() -> None:
    """Train and print."""
    given = options(__doc__ or "", form=("published", "bf16"))
    torch.manual_seed(given.seed)
    generator = torch.Generator().manual_seed(given.seed)
    arrays = splits(given.arrays)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=given.form == "bf16")
    clock = Clock(math.inf)

    def normalised(pixels: np.ndarray) -> Tensor:
        values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        return (values - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)

    def accuracy(split: str, *, views: bool) -> float:
        pixels, labels = arrays[split]
        return float((answers(model, normalised(pixels), autocast, views) == labels).mean())

    images, labels = normalised(arrays["train"][0]), torch.from_numpy(arrays["train"][1]).long()
    model = Airbench(images).to(memory_format=torch.channels_last).train()
    convolutions = [layer.weight for layer in model.stages.modules() if isinstance(layer, nn.Conv2d)]
    biases = [layer.bias for layer in model.stages.modules() if isinstance(layer, nn.BatchNorm2d)]
    rates = [BIAS_RATE, BIAS_RATE, HEAD_RATE]
    groups = [
        {"params": params, "lr": rate, "weight_decay": DECAY / rate}
        for params, rate in zip(([model.whitening.bias], biases, [model.head.weight]), rates, strict=True)
    ]
    sgd = torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)
    momenta = [torch.zeros_like(weight) for weight in convolutions]
    steps, step = EPOCHS * (len(images) // BATCH), 0
    for epoch, batches in enumerate(epochs(images, labels, generator), start=1):
        for block, targets in batches:
            left = 1 - step / steps
            whitening_left = max(0.0, 1 - step / (WHITENING_EPOCHS * (len(images) // BATCH)))
            for group, rate, share in zip(sgd.param_groups, rates, (whitening_left, left, left), strict=True):
                group["lr"] = rate * share
            with autocast:
                logits = model(block)
            loss = F.cross_entropy(logits, targets, label_smoothing=SMOOTHING, reduction="sum")
            sgd.zero_grad()
            for weight in convolutions:
                weight.grad = None
            loss.backward()
            muon_step(convolutions, momenta, MUON_RATE * left)
            sgd.step()
            step += 1
        clock.look(epoch, lambda: accuracy("validation", views=False))
    finish(
        clock,
        validation_tta=accuracy("validation", views=True),
        test=accuracy("test", views=False),
        test_tta=accuracy("test", views=True),
    )


if __name__ == "__main__":
    main()
