"""The network of the CIFAR speed runs: whitened patches, few wide convolutions, batch norm without a scale, GELU."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seefar import recipes
from seefar.errors import UsageError
from seefar.networks.layers import Network

LOGIT_SCALE = 1 / 9  # airbench94 and 96
FITTED = 5000  # images the whitening is fitted to; airbench
FLOOR = 5e-4  # added to the eigenvalues before division, so that directions without signal are not blown up; airbench
BLOCK = 50  # images whose patches are held at once: 5 MB at 32 pixels, 43 MB at 96


class Fast(Network):
    """Whitening convolution 2x2 and ReLU; stages of conv 3x3, batch norm and GELU; the largest value of each channel; dense.

    A stage pools right after its first convolution. In a stage of three equal convolutions, the first one's result is added
    before the last GELU; with `residual` in one of two equal ones, too (worth 0.2 points in runs of a minute; docs/log.md). Each
    3x3 convolution starts as the identity in its first filters, so that signals pass a new network unharmed. Batch norm trains
    its shift alone; its running statistics follow fast (0.4) in stages of one or two convolutions, meant for few steps, and
    slowly (0.1) in longer ones.

    Source: Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", https://arxiv.org/abs/2404.00498: airbench94 for
    stages of two convolutions, airbench96 for three. Unlike there, the whitening has no bias: trained for the first three
    epochs alone it is worth about 0.1 points, and without it no gradient need ever reach the first layer.

    Args:
        how: the fields of the recipe.
        classes: how many classes to tell apart.
        size: height and width of the images in pixels.

    Raises:
        UsageError: the images are too small for that many stages.
    """

    any_size = True

    def __init__(self, how: recipes.Fast, classes: int, size: int) -> None:
        super().__init__()
        least = 2 ** len(how.widths) + 1
        if size < least:
            raise UsageError(
                f"{len(how.widths)} stages leave nothing of {size}x{size} images; use --size {least} or fewer stages "
                "(--set widths=...)"
            )
        inputs = [2 * how.patterns, *(stage[-1] for stage in how.widths)]
        self.stem = nn.Sequential(Whitening(how.patterns), nn.ReLU(inplace=True))
        self.stages = nn.Sequential(
            *(_stage([before, *stage], how.is_residual(stage)) for before, stage in zip(inputs, how.widths, strict=False))
        )
        self.head = nn.Sequential(
            nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs[-1], classes, bias=False), Multiply(LOGIT_SCALE)
        )

    def initialise(self, generator: torch.Generator, pixels: np.ndarray) -> None:
        """Torch's own uniform numbers, then the identity in the first filters of each convolution; the whitening is fitted.

        Source of the identity: Zagoruyko and Komodakis 2017, https://arxiv.org/abs/1706.00388, as in airbench.

        Args:
            generator: where the numbers come from; it lives on the network's device.
            pixels: the training images, uint8 `(n, h, w, 3)`; the first 5000 set the whitening. `scale` must be set before.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight.data[: layer.in_channels])
            if isinstance(layer, Whitening):
                layer.fit(self.patch_moments(pixels[:FITTED]))

    def patch_moments(self, pixels: np.ndarray) -> Tensor:
        """Mean products of the 12 values in each 2x2 patch of the scaled images, uint8 `(n, h, w, 3)`: float64 `(12, 12)`."""
        total, patches = torch.zeros(12, 12, dtype=torch.float64, device=self.scale.mean.device), 0
        for start in range(0, len(pixels), BLOCK):
            block = torch.tensor(pixels[start : start + BLOCK]).to(total.device).permute(0, 3, 1, 2)
            found = F.unfold(self.scale(block).double(), 2)
            total += (found @ found.transpose(1, 2)).sum(0)
            patches += found.shape[0] * found.shape[2]
        return total / patches


class Whitening(nn.Module):
    """A 2x2 convolution whose outputs on the training images are uncorrelated and of size 1, and the negatives of the same.

    A patch of three colours has 12 numbers, so 12 such outputs. Of photographs saved as JPEG the weakest four hold little but
    noise: without them accuracy stays and a step is 7 % shorter, as the next layer has two thirds of the channels (docs/log.md).

    ReLU keeps nothing of negative values; with both signs nothing is lost. (airbench has GELU here, which is three times as slow
    and made no difference; docs/log.md.)

    The weights are a buffer: saved, never trained. It works in float32 even under autocast: some builds of torch compute 2x2
    convolutions in bf16 wrongly (https://github.com/pytorch/pytorch/issues/163347), and float32 costs 0.7 ms of one core's
    time for 128 images of 32 pixels (docs/log.md).

    Source: Page 2019, https://github.com/davidcpage/cifar10-fast/blob/master/bag_of_tricks.ipynb
    """

    weight: Tensor

    def __init__(self, patterns: int) -> None:
        super().__init__()
        self.patterns = patterns  # how many outputs there are, the strongest ones, without the negatives
        self.register_buffer("weight", torch.zeros(2 * patterns, 3, 2, 2))

    def fit(self, moments: Tensor) -> None:
        """Set the weights from the mean products of patches, float64 `(12, 12)`: eigenvectors by the root of their values."""
        eigenvalues, eigenvectors = torch.linalg.eigh(moments)
        filters = (eigenvectors / (eigenvalues + FLOOR).sqrt()).T.reshape(-1, 3, 2, 2)[-self.patterns :]
        self.weight.copy_(torch.cat([filters, -filters]))

    def forward(self, values: Tensor) -> Tensor:
        """Scaled pixels `(n, 3, h, w)` to `(n, 2 * patterns, h - 1, w - 1)`, in the number format that the next layer works in."""
        kind = values.device.type
        with torch.autocast(kind, enabled=False):
            whitened = F.conv2d(values.float(), self.weight)
        return whitened.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else whitened


class Residual(nn.Sequential):
    """Layers whose result is added to what came in. Source: He et al. 2016, https://arxiv.org/abs/1512.03385"""

    def forward(self, values: Tensor) -> Tensor:
        """Any tensor, to one of the same shape."""
        change: Tensor = super().forward(values)  # type: ignore[no-untyped-call] # torch does not declare it
        return values + change


class Multiply(nn.Module):
    """Multiplies by a constant: with small logits the last layer can learn at a high rate."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        """Any tensor, to one of the same shape."""
        return values * self.factor

    def extra_repr(self) -> str:
        return f"factor={self.factor:.4g}"


def _stage(channels: Sequence[int], residual: bool) -> nn.Sequential:
    """Convolutions from channels[0] over ... to channels[-1], the first one followed by pooling."""
    momentum = 0.4 if len(channels) <= 3 else 0.1
    blocks = [
        [nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False), _norm(outputs, momentum), nn.GELU()]
        for inputs, outputs in pairwise(channels)
    ]
    blocks[0].insert(1, nn.MaxPool2d(2))
    first, rest = blocks[0], [layer for block in blocks[1:] for layer in block]
    if residual:
        rest = [Residual(*rest[:-1]), rest[-1]]
    return nn.Sequential(*first, *rest)


def _norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    """Batch norm that trains its shift alone."""
    norm = nn.BatchNorm2d(channels, eps=1e-12, momentum=momentum)
    norm.weight.requires_grad_(False)
    return norm
