"""The plain network: convolutions and max-pooling in stages, then a hidden dense layer with dropout."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from seefar.errors import UsageError
from seefar.models.layers import Dropout, Network, Scale

SMALLEST_MAP = 4  # pixels a side; below, the last convolutions see mostly their own padding (chosen by hand)


class Plain(Network):
    """Conv 3x3 and ReLU, as often as `widths` says; max-pooling after each stage; dense, ReLU, dropout, dense.

    ReLU stands behind the pooling: the result is the same, because both keep the order of values, and it has a quarter of the
    values to do (a step of 64 images: 19.4 to 15.6 ms on two cores, docs/log.md).

    Args:
        classes: how many classes to tell apart.
        size: height and width of the images in pixels.
        widths: channels of each convolution, stage by stage.
        dense: units of the hidden dense layer.
        dropout: share dropped before and after the hidden dense layer.

    Raises:
        UsageError: the images are too small for that many stages.
    """

    def __init__(
        self, classes: int, size: int, widths: Sequence[Sequence[int]], dense: int, dropout: tuple[float, float]
    ) -> None:
        super().__init__()
        side = size // 2 ** len(widths)
        if side < SMALLEST_MAP:
            raise UsageError(
                f"{len(widths)} stages halve {size}x{size} images to {side}x{side}, and at least "
                f"{SMALLEST_MAP}x{SMALLEST_MAP} must be left; use --size {SMALLEST_MAP * 2 ** len(widths)} "
                "or fewer stages (--set widths=...)"
            )
        inputs = [3, *(stage[-1] for stage in widths)]
        self.scale = Scale()
        self.stages = nn.Sequential(*(_stage([before, *stage]) for before, stage in zip(inputs, widths, strict=False)))
        self.head = nn.Sequential(
            nn.Flatten(),
            Dropout(dropout[0]),
            nn.Linear(inputs[-1] * side * side, dense),
            nn.ReLU(),
            Dropout(dropout[1]),
            nn.Linear(dense, classes),
        )


def _stage(channels: Sequence[int]) -> nn.Sequential:
    """Convolutions from channels[0] over ... to channels[-1], the last one followed by pooling."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), nn.ReLU()]
    layers.insert(-1, nn.MaxPool2d(2))
    return nn.Sequential(*layers)
