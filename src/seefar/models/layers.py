"""What the networks are made of: the shape they share, the layer that takes raw pixels, dropout with its own random numbers."""

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """What every network of seefar looks like from outside: raw pixels in, one number a class out, in three parts.

    Attributes:
        scale: turns raw pixels into what the first convolution sees.
        stages: the convolutional stages in order, each leaving a feature map of half the height and width.
        head: turns the last feature map into logits.
    """

    scale: "Scale"
    stages: nn.Sequential
    head: nn.Sequential

    def forward(self, pixels: Tensor) -> Tensor:
        """Raw pixels, uint8 or float `(n, 3, h, w)` in 0..255, to logits `(n, classes)`."""
        logits: Tensor = self.head(self.stages(self.scale(pixels)))
        return logits


class Scale(nn.Module):
    """The first layer: `(pixels / 255 - mean) / deviation`, a channel at a time.

    It is part of the network so that training, prediction and export cannot prepare images differently. Mean and deviation are
    buffers, saved with the weights: 0 and 1 leave the pixels in [0, 1].
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("deviation", torch.ones(3))

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 or float `(n, 3, h, w)` in 0..255 to float32 of the same shape."""
        return (pixels.float() / 255 - self.mean.view(3, 1, 1)) / self.deviation.view(3, 1, 1)


class Dropout(nn.Module):
    """Drops each value with probability `share` while training and scales the others up; does nothing otherwise.

    Unlike torch's own layer it can draw from a generator of ours (see `use_generator`), so that a run does not depend on the
    global random state. Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Any floating tensor, to one of the same shape."""
        if not self.training or self.share == 0:
            return values
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self.generator)
        return values * kept / (1 - self.share)

    def extra_repr(self) -> str:
        return f"share={self.share}"


def use_generator(network: nn.Module, generator: torch.Generator) -> None:
    """Let every Dropout of the network draw from `generator`, which must live on the network's device."""
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Fill the weights of all convolutions and dense layers with Glorot's uniform numbers, and their biases with zeros.

    Of the usual three it leaves chance soonest on unscaled pixels (against He's and torch's own; docs/log.md).
    Source: Glorot and Bengio 2010, equation 16, https://proceedings.mlr.press/v9/glorot10a.html
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
