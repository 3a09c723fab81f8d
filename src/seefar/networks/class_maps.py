"""Class-activation maps of the last stage: for each class, what every place of the last feature maps says for it.

`M[class, place]` is what the head would make of that place alone: the last feature maps at the place, weighted as the head weights
them on the way to the class's logit, without biases (Zhou et al. 2016, section 2, https://arxiv.org/abs/1512.04150). In detail:

- A head that takes the mean of each channel: the weights of the dense layer, divided by the number of places. The sum over places is
  the logit (but for the bias).
- A head that takes the largest value of each channel: the weights of the dense layer. The map is what the logit would be if the place
  held the largest value of every channel; the sum over places means nothing.
- A head that flattens the maps: the weights that the dense layer has for that place. The sum over places is the logit (but for the
  bias).
- Any other head of a network from outside, and one that goes on otherwise: by how much the logit falls when the place is emptied, with
  the places of a grid of at most 8x8 emptied one after the other. Where the logit is a sum over places, that is the same.
- Further dense layers pass on what comes to them, without biases; batch norm its scale; ReLU lets pass the units that are above 0 for
  the whole image. So for a head that flattens, the map is gradient times feature map, summed over channels (Draelos and Carin 2020,
  HiResCAM, https://arxiv.org/abs/2011.08891).
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import UsageError
from seefar.networks.fast import Multiply
from seefar.networks.inference import as_features
from seefar.networks.layers import Dropout, Network
from seefar.networks.outside import Outside

GRID = 8  # cells a side, at most, that are emptied: each takes a pass through the whole network (chosen by hand)
BATCH = 32  # images at a time: a hidden dense layer has a value for each of its units at each place (chosen by hand)
POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


class WithMaps(nn.Module):
    """A network that answers with all it knows in one pass: logits `(n, classes)`, features `(n, d)`, maps `(n, classes, h, w)`.

    Args:
        network: in evaluation mode.

    Raises:
        UsageError: its head has a layer for which no map is defined above.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        known = (*POOLS, nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Identity, Dropout, Multiply)
        if not isinstance(network, Outside) and (odd := [layer for layer in network.head if not isinstance(layer, known)]):
            raise UsageError(
                f"class-activation maps are not defined for a head with {type(odd[0]).__name__}; networks/class_maps.py says for "
                "which layers they are"
            )
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Raw pixels `(n, 3, h, w)` in 0..255 to logits, features and maps."""
        network = self.network
        if isinstance(network, Outside):
            return _from_outside(network, pixels)
        last = network.stages(network.stem(network.scale(pixels)))
        places = last.flatten(2).permute(2, 0, 1)  # (places, n, channels): every place goes its own way through the head
        values, features, pooled = last, last, False
        for layer in network.head:
            pooled = pooled or isinstance(layer, POOLS)
            if isinstance(layer, nn.AdaptiveAvgPool2d):
                places = places / len(places)
            elif isinstance(layer, nn.Linear):
                features = values if layer is network.classifier else features
                by_place = pooled or places.shape[2] == layer.in_features
                places = places @ (layer.weight.T if by_place else _at_places(layer.weight, len(places)))
                pooled = True  # from here on all places have the same weights
            elif isinstance(layer, nn.BatchNorm1d):
                assert layer.running_var is not None  # noqa: S101 # seefar's norms keep statistics
                places = places * (layer.weight / (layer.running_var + layer.eps).sqrt())
            elif isinstance(layer, nn.ReLU):
                places = places * (values > 0).to(places.dtype)
            elif isinstance(layer, Multiply):
                places = places * layer.factor
            values = layer(values)
        maps = places.permute(1, 2, 0).unflatten(2, last.shape[2:])
        return values, features, maps


def _from_outside(network: Outside, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, features and maps of a network that is not built of our parts."""
    with network.with_last_maps() as seen:
        logits = network(pixels)
    last, features = seen["maps"], as_features(seen["features"])
    height, width = last.shape[2:]
    if not network.pool:
        return logits, features, _emptied(network, pixels, logits, last)
    weight, places = network.classifier.weight.flatten(1), last.flatten(2).permute(2, 0, 1)
    weights = _at_places(weight, height * width) if network.pool == "flatten" else weight.T
    maps = (places @ weights).permute(1, 2, 0).unflatten(2, (height, width))
    return logits, features, maps / (height * width) if network.pool == "mean" else maps


def _emptied(network: Outside, pixels: Tensor, logits: Tensor, last: Tensor) -> Tensor:
    """By how much the logits fall when a cell of the last maps is emptied, shared by its places: `(n, classes, h, w)`."""
    height, width = last.shape[2:]
    rows, columns = ([*range(0, side, -(-side // GRID)), side] for side in (height, width))
    maps: Tensor | float = 0.0
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            cell = torch.zeros(height, width, device=last.device, dtype=last.dtype)
            cell[top:bottom, left:right] = 1
            with network.with_last_maps(last * (1 - cell)):
                fall = logits - network(pixels)
            maps = maps + fall[:, :, None, None] * (cell / cell.sum())
    assert isinstance(maps, Tensor)  # noqa: S101 # every map has a place
    return maps


def _at_places(weight: Tensor, places: int) -> Tensor:
    """The weights of a dense layer behind flattened maps `(units, channels * places)`, place by place: `(places, channels, units)`."""
    by_place: Tensor = weight.unflatten(1, (-1, places)).permute(2, 1, 0)
    return by_place


def predict_maps(network: Network, pixels: np.ndarray) -> np.ndarray:
    """The maps of images uint8 `(n, h, w, 3)`, in float32 and in evaluation mode: float32 `(n, classes, h', w')`."""
    device, was_training, whole = network.scale.mean.device, network.training, WithMaps(network)
    network.eval()
    some = pixels if len(pixels) else np.zeros((1, *pixels.shape[1:]), pixels.dtype)
    blocks = [some[start : start + BATCH] for start in range(0, len(some), BATCH)]
    try:
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            parts = [whole(torch.tensor(block).to(device).permute(0, 3, 1, 2))[2].cpu() for block in blocks]
    finally:
        network.train(was_training)
    result: np.ndarray = torch.cat(parts)[: len(pixels)].numpy()
    return result
