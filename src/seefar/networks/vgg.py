"""The VGG-like network, from the plain one of every course to a deep one: each technique is one field."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from seefar import recipes
from seefar.errors import UsageError
from seefar.networks.layers import Dropout, Network, SpatialDropout

SMALLEST_MAP = 4  # pixels a side; below, the last convolutions see mostly their own padding (chosen by hand)


class Vgg(Network):
    """Conv 3x3 and ReLU, as often as `widths` says, with max-pooling once a stage; then one or two dense layers.

    Pooling comes right after a stage's last convolution. Before ReLU this gives the same result as behind it, because ReLU
    keeps the order of values, and a quarter of them is left to do (a step of 64 images: 19.4 to 15.6 ms on two cores,
    docs/log.md). With batch norm it is a choice, as in airbench: a norm whose scale turned negative would reverse the order,
    and it now sees only the largest of each four values; but normalising a quarter of the values is cheaper.

    Source: Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556; batch norm: Ioffe and Szegedy 2015,
    https://arxiv.org/abs/1502.03167

    Args:
        how: the fields of the recipe; the layers before a norm need no bias of their own.
        classes: how many classes to tell apart.
        size: height and width of the images in pixels.

    Raises:
        UsageError: the images are too small for that many stages.
    """

    def __init__(self, how: recipes.Vgg, classes: int, size: int) -> None:
        super().__init__()
        stages = len(how.widths)
        side = size // 2**stages
        if side < SMALLEST_MAP:
            raise UsageError(
                f"{stages} stages halve {size}x{size} images to {side}x{side}, and at least "
                f"{SMALLEST_MAP}x{SMALLEST_MAP} must be left; use --size {SMALLEST_MAP * 2**stages} "
                "or fewer stages (--set widths=...)"
            )
        inputs = [3, *(stage[-1] for stage in how.widths)]
        self.stages = nn.Sequential(
            *(
                _stage([before, *channels], how.batch_norm, how.spatial_dropout * stage / stages)
                for stage, (before, channels) in enumerate(zip(inputs, how.widths, strict=False), start=1)
            )
        )
        features = inputs[-1] * side * side
        layers: list[nn.Module] = [nn.Flatten(), Dropout(how.dropout[0])]
        if how.dense:
            layers += [nn.Linear(features, how.dense, bias=not how.batch_norm)]
            layers += [nn.BatchNorm1d(how.dense)] if how.batch_norm else []
            layers += [nn.ReLU(), Dropout(how.dropout[1])]
        self.head = nn.Sequential(*layers, nn.Linear(how.dense or features, classes))


def _stage(channels: Sequence[int], batch_norm: bool, share: float) -> nn.Sequential:
    """Convolutions from channels[0] over ... to channels[-1], the last one followed by pooling; `share` of the result dropped."""
    layers: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(channels), start=1):
        layers += [nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=not batch_norm)]
        layers += [nn.MaxPool2d(2)] if number == len(channels) - 1 else []
        layers += [nn.BatchNorm2d(outputs)] if batch_norm else []
        layers += [nn.ReLU()]
    layers += [SpatialDropout(share)] if share else []
    return nn.Sequential(*layers)
