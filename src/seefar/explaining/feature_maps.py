"""The path of one image from pixels to probabilities: which channels of each stage answer to it, and where."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from seefar.explaining.capture import as_input, capture, undisturbed
from seefar.metrics import softmax
from seefar.networks.inference import as_features
from seefar.networks.layers import Network

MOST = 16  # maps a layer that are kept (chosen by hand: as many as can be looked at)


@dataclass(frozen=True)
class StageMaps:
    """What one layer gave for one image.

    Attributes:
        layer: its name.
        shape: channels, height and width of all that it gave.
        order: all its channels, the one with the largest mean size of its values first.
        maps: those of the first channels in that order, float32 `(k, h, w)`.
    """

    layer: str
    shape: tuple[int, int, int]
    order: list[int]
    maps: np.ndarray


@dataclass(frozen=True)
class Path:
    """Everything that lies between an image and its answer.

    Attributes:
        stages: the maps of the stages in order, and of what lies before them where there is something.
        features: what the last layer sees, float32 `(d,)`.
        probabilities: float64 `(classes,)`.
    """

    stages: list[StageMaps]
    features: np.ndarray
    probabilities: np.ndarray


def path(network: Network, image: np.ndarray, most: int = MOST) -> Path:
    """The path of one image, uint8 `(h, w, 3)` of the network's size, from pixels to probabilities."""
    names = default_layers(network)
    features: list[Tensor] = []
    hook = network.classifier.register_forward_pre_hook(lambda _, inputs: features.append(as_features(inputs[0])))
    try:
        with undisturbed(network), capture(network, names) as seen, torch.inference_mode():
            logits = network(as_input(network, image[None])).float().cpu().numpy()
            stages = [_strongest(name, seen[name][0], most) for name in names]
    finally:
        hook.remove()
    return Path(stages, features[0][0].float().cpu().numpy().copy(), softmax(logits)[0])


def default_layers(network: Network) -> list[str]:
    """The stages, and before them the stem where there is one."""
    stem = ["stem.0"] if isinstance(network.stem, nn.Sequential) else []
    return [*stem, *network.stage_names]


def _strongest(layer: str, values: Tensor, most: int) -> StageMaps:
    """Of values `(channels, h, w)` the maps of the strongest channels."""
    found = values.float().cpu().contiguous().numpy()
    # In float64: the order must not depend on how a sum is split
    order = np.argsort(-np.abs(found).mean((1, 2), dtype=np.float64), kind="stable")
    channels, height, width = found.shape
    return StageMaps(layer, (channels, height, width), order.tolist(), found[order[:most]])
