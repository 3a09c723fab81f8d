"""What the networks are made of: the shape they share, the layer that takes raw pixels, dropout with its own random numbers."""

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import UsageError

ACTIVATIONS = (
    nn.ReLU,
    nn.GELU,
    nn.SiLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.Hardswish,
    nn.ELU,
    nn.Mish,
    nn.PReLU,
    nn.SELU,
    nn.CELU,
    nn.Softplus,
    nn.Hardtanh,
)


class Network(nn.Module):
    """What every network of seefar looks like from outside: raw pixels in, one number a class out, in four parts.

    Attributes:
        scale: turns raw pixels into what the first convolution sees.
        stem: what the image passes at full size, before the stages; nothing in it is trained, and most networks have none.
        stages: the convolutional stages in order, each leaving a feature map of half the height and width.
        head: turns the last feature map into logits.
        frozen: how many stages, from the first on, do not learn (see `freeze`).
        any_size: whether images of another size than the network was built for are taken, too.
        prefix: what stands before the names of its layers in `state_dict`, and not where people see them.
        parts: its parts in the order in which an image passes them.
        size: of networks from outside, the side of the images that they were built for.
        in_a_row: whether its layers follow each other in a row, so that kernels and strides tell what a place of a map sees.
        draws_globally: whether it may draw from the global random state while training, as torch's own dropout does.

    Whoever looks into a network asks it by the methods below; networks/outside.py answers for those that are not built of the parts.
    """

    scale: "Scale"
    stem: nn.Module
    stages: nn.Sequential
    head: nn.Sequential
    frozen: int
    size: int
    any_size = False
    prefix = ""
    parts: tuple[str, ...] = ("scale", "stem", "stages", "head")
    in_a_row = True
    draws_globally = False

    def __init__(self) -> None:
        super().__init__()
        self.scale = Scale()
        self.stem = nn.Identity()
        self.frozen = 0

    def forward(self, pixels: Tensor) -> Tensor:
        """Raw pixels, uint8 or float `(n, 3, h, w)` in 0..255, to logits `(n, classes)`."""
        logits: Tensor = self.head(self.stages(self.stem(self.scale(pixels))))
        return logits

    @property
    def classifier(self) -> nn.Linear:
        """The last layer: one row of weights a class."""
        return [layer for layer in self.head.modules() if isinstance(layer, nn.Linear)][-1]

    @property
    def classes(self) -> int:
        """How many it tells apart."""
        return self.classifier.out_features

    @property
    def head_names(self) -> str:
        """How the names of the layers that depend on the classes begin, in `state_dict`."""
        return "head."

    @property
    def stage_names(self) -> list[str]:
        """The layers that end a stage, in order."""
        return [f"stages.{place}" for place in range(len(self.stages))]

    def layer_names(self) -> list[str]:
        """The layers whose feature maps can be looked at, in the order in which an image passes them: whole stages and convolutions.

        "stages.0" is what the first stage gives; "stages.0.3" is a convolution within it.
        """
        names = ["stem.0"] if isinstance(self.stem, nn.Sequential) else []
        for stage in self.stage_names:
            inside = [name for name, layer in self.layer(stage).named_modules() if isinstance(layer, nn.Conv2d)]
            names += [*(f"{stage}.{name}" for name in inside), stage]
        return names

    def layer(self, name: str) -> nn.Module:
        """The layer of that name."""
        return self.get_submodule(self.prefix + name)

    def leaves(self) -> dict[str, nn.Module]:
        """The layers without layers inside, up to the last stage, by name, in the order in which an image passes them."""
        parts = [(part, layer) for part in ("stem", "stages") for layer in [getattr(self, part)]]
        named = [(f"{part}.{name}".rstrip("."), layer) for part, whole in parts for name, layer in whole.named_modules()]
        return {name: layer for name, layer in named if not list(layer.children())}

    def last_activation(self, name: str) -> nn.Module | None:
        """The ReLU or the like that makes what the layer of that name gives; None where it ends otherwise."""
        found = [part for part in self.layer(name).modules() if isinstance(part, ACTIVATIONS)]
        return found[-1] if found else None

    def pass_to(self, name: str, pixels: Tensor) -> None:
        """Pixels `(n, 3, h, w)` through the network, at least as far as the layer of that name; what it gives is left to hooks."""
        place = name.split(".")
        stages = 0 if place[0] == "stem" else int(place[1]) + 1
        self.stages[:stages](self.stem(self.scale(pixels)))

    def takes(self, size: int) -> bool:
        """Whether images of `size` pixels can be looked at, too."""
        return self.any_size

    def lie_plainly(self) -> None:
        """Before export: where a layout in memory that is only faster would show in the graph, take the usual one."""

    def first_layers(self, stages: int) -> list[nn.Module]:
        """What the first `stages` stages consist of."""
        return [*self.stages[:stages].children()]

    def initialise(self, generator: torch.Generator, pixels: np.ndarray) -> None:
        """Fill the weights of all convolutions and dense layers with Glorot's uniform numbers, and their biases with zeros.

        Of the usual three it leaves chance soonest on unscaled pixels (against He's and torch's own; docs/log.md). Norms stay at
        scale 1 and shift 0; before a norm any first weights do, as it takes out their size.
        Source: Glorot and Bengio 2010, equation 16, https://proceedings.mlr.press/v9/glorot10a.html

        Args:
            generator: where the numbers come from; it lives on the network's device.
            pixels: the training images, uint8 `(n, h, w, 3)`, for layers that are fitted to them; `scale` must be set before.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def freeze(self, stages: int) -> None:
        """Let the first `stages` stages learn no more, for good: weights fixed, norms and dropout as in evaluation.

        Raises:
            UsageError: the network has fewer stages.
        """
        most = len(self.stage_names)
        if not 0 <= stages <= most:
            raise UsageError(f"cannot freeze {stages} stages of a network that has {most}; allowed is 0 to {most}")
        self.frozen = max(self.frozen, stages)
        for layer in self.first_layers(stages):
            layer.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Training or evaluation mode for all but the frozen stages, whose running statistics must stay."""
        super().train(mode)
        for layer in self.first_layers(self.frozen):
            layer.eval()
        return self


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
        self.part: tuple[int, int, int] | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Any floating tensor `(n, ...)`, to one of the same shape."""
        if not self.training or self.share == 0:
            return values
        start, stop, total = self.part or (0, len(values), len(values))
        # In float32 whatever the values are, so that a seed drops the same in every precision
        kept = torch.empty((total, *self.one_mask(values)), device=values.device).bernoulli_(
            1 - self.share, generator=self.generator
        )
        return values * kept[start:stop].div_(1 - self.share).to(values.dtype)

    def one_mask(self, values: Tensor) -> tuple[int, ...]:
        """The shape of what is drawn for one image."""
        return tuple(values.shape[1:])

    def extra_repr(self) -> str:
        return f"share={self.share}"


class SpatialDropout(Dropout):
    """Dropout of whole channels: in a feature map neighbours say nearly the same, so that dropping single values hides little.

    Source: Tompson et al. 2015, section 3.2, https://arxiv.org/abs/1411.4280
    """

    def one_mask(self, values: Tensor) -> tuple[int, ...]:
        """One number a channel, for values `(n, c, h, w)`."""
        return (values.shape[1], 1, 1)


def use_generator(network: nn.Module, generator: torch.Generator, part: tuple[int, int, int] | None = None) -> None:
    """Let every Dropout of the network draw from `generator`, which must live on the network's device.

    Args:
        network: holds the layers.
        generator: where they draw from, in the order in which values pass them.
        part: `(start, stop, total)`: the network's batches are images start:stop of batches of `total` images that several
            processes share. Each draws for all and keeps its own, so that together they drop what one process would.
            None: a batch is the whole.
    """
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator
            layer.part = part
