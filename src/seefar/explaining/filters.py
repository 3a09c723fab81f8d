"""What a layer's filters look for, by their weights, and which of them are dead, duplicates or noise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import UsageError
from seefar.explaining.capture import as_input, undisturbed
from seefar.networks.fast import Whitening
from seefar.networks.layers import Network
from seefar.networks.passes import ends, passes

BATCH = 250  # images at a time: the maps of a first layer of 64 channels at 32 pixels are 65 MB (chosen by hand)
STILL = 0.01  # of the widest range of values in its layer: what changes less is dead (chosen by hand)
ALIKE = 0.95  # cosine of two filters' weights, without its sign, from which they are duplicates (chosen by hand)
ROUGH = 2 / 3  # of the energy in the finest third of the frequencies, where noise has a third (chosen by hand: twice that)
LUCKY = 1e-3  # share of filters of pure noise that are rougher than the bar (chosen by hand); it matters for few input channels


@dataclass(frozen=True)
class FirstFilters:
    """The filters that see the pixels themselves, as small pictures.

    Attributes:
        kind: "whitening" where they were fitted to patches and never trained, "learned" otherwise.
        pixels: uint8 `(k, fh, fw, 3)`, strongest first: 128 is weight 0, 255 is `scale` and 1 is `-scale`, in all of them.
        order: which filter of the layer each is.
        scale: the largest weight, for a colour value that goes from 0 to 1.
    """

    kind: Literal["whitening", "learned"]
    pixels: np.ndarray
    order: list[int]
    scale: float


@dataclass(frozen=True)
class LayerHealth:
    """The filters of one convolution that do no work, by number; a dead one is in neither of the other lists.

    Attributes:
        layer: its name.
        filters: how many it has.
        dead: what follows from them is the same (nearly always zero) for all images and all places.
        duplicates: groups of filters with the same weights but for size and sign.
        noisy: 3x3 filters rougher than noise: their neighbouring weights contradict each other.
    """

    layer: str
    filters: int
    dead: list[int]
    duplicates: list[list[int]]
    noisy: list[int]


def first_filters(network: Network) -> FirstFilters:
    """The filters of the first convolution in the colours that excite them.

    The weights act on scaled pixels; divided by the deviations they are those that act on the colours as they are.
    """
    first = next(layer for layer in network.leaves().values() if isinstance(layer, nn.Conv2d | Whitening))
    weight = _weight(first)
    weight = weight if weight.shape[1] == 3 else weight.mean(1, keepdims=True)  # the network made something else of the colours
    colours = weight / network.scale.deviation.cpu().numpy().reshape(1, 3, 1, 1)
    order = strongest_first(colours)
    scale = float(np.abs(colours).max())
    pixels = np.rint(128 + 127 * colours[order] / max(scale, 1e-12)).astype(np.uint8)
    kind: Literal["whitening", "learned"] = "whitening" if isinstance(first, Whitening) else "learned"
    return FirstFilters(kind, np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), order.tolist(), scale)


def health(network: Network, images: np.ndarray) -> list[LayerHealth]:
    """Look for filters that do no work in each learned convolution; the network is afterwards as it was.

    A filter is judged dead by what its activation gives, or by the last layer before something is added to its result.

    Source of the look at frequencies: Wang et al. 2020, section 5 (smooth filters and robustness), https://arxiv.org/abs/1905.13545

    Args:
        network: trained.
        images: uint8 `(n, h, w, 3)`, at least one; a filter that only rare images excite looks dead where those are missing.

    Raises:
        UsageError: there are no images.
    """
    if not len(images):
        raise UsageError("only images show whether a filter is dead, and there are none; give at least one")
    judged = _judged(network, images)
    ranges = _ranges(network, list(judged.values()), images)
    return [_judge(name, _weight(network.layer(name)), spread) for name, spread in zip(judged, ranges, strict=True)]


def strongest_first(weight: np.ndarray) -> np.ndarray:
    """The filters of weights `(out, in, fh, fw)` by their length, the longest first: int64 `(out,)`."""
    order: np.ndarray = np.argsort(-np.linalg.norm(weight.reshape(len(weight), -1), axis=1), kind="stable")
    return order


def roughness(weight: np.ndarray) -> np.ndarray:
    """The share of each 3x3 filter's energy in the finest three of its nine frequencies: 0..1, a third for noise, float64 `(out,)`.

    Frequencies are those of the cosine transform; the finest are those that change along both directions, and along at least
    one of them with every pixel.
    """
    from scipy.fft import dctn

    energy = (dctn(weight.astype(np.float64), axes=(2, 3), norm="ortho") ** 2).sum(1)
    finest = np.add.outer(np.arange(3), np.arange(3)) >= 3
    share: np.ndarray = energy[:, finest].sum(1) / np.maximum(energy.sum((1, 2)), 1e-30)
    return share


def _judge(name: str, weight: np.ndarray, spread: np.ndarray) -> LayerHealth:
    """What is wrong with filters of these weights `(out, in, fh, fw)` whose activations range as widely as `spread`, `(out,)`."""
    dead = spread <= STILL * spread.max()
    noisy = np.zeros(len(weight), bool)
    if weight.shape[2:] == (3, 3):
        noisy = (roughness(weight) > _bar(weight.shape[1])) & ~dead
    return LayerHealth(name, len(weight), np.flatnonzero(dead).tolist(), _groups(weight, ~dead), np.flatnonzero(noisy).tolist())


def _bar(channels: int) -> float:
    """The roughness from which a filter is noisy: with few input channels chance alone can go beyond ROUGH."""
    from scipy.stats import beta

    # Energies of Gaussian noise are sums of squares: 3 of 9 numbers a channel give a beta law
    return max(ROUGH, float(beta.isf(LUCKY, 3 * channels / 2, 6 * channels / 2)))


def _groups(weight: np.ndarray, alive: np.ndarray) -> list[list[int]]:
    """Living filters that are alike, directly or by way of others."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = weight.reshape(len(weight), -1).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows / np.maximum(lengths, 1e-12)[:, None]
    alike = (np.abs(rows @ rows.T) > ALIKE) & np.outer(alive, alive)
    _, group = connected_components(csr_array(alike), directed=False)
    members = [np.flatnonzero(group == number).tolist() for number in dict.fromkeys(group.tolist())]
    return [found for found in members if len(found) > 1]


def _judged(network: Network, images: np.ndarray) -> dict[str, nn.Module]:
    """Each learned convolution's name with the layer whose output it is judged by: see `ends`."""
    with undisturbed(network):
        _, found = passes(network, as_input(network, images[:2]))
    named, leaves = [(one.name.removeprefix(network.prefix), judge) for one, judge in ends(found)], network.leaves()
    return {name: judge for name, judge in named if name in leaves}


def _ranges(network: Network, layers: list[nn.Module], images: np.ndarray) -> list[np.ndarray]:
    """For each layer the difference between its channels' largest and smallest values: float32 `(channels,)` each."""
    low: dict[int, Tensor] = {}
    high: dict[int, Tensor] = {}

    def note(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        least, most = output.float().amin((0, 2, 3)), output.float().amax((0, 2, 3))
        low[id(layer)] = torch.minimum(low.get(id(layer), least), least)
        high[id(layer)] = torch.maximum(high.get(id(layer), most), most)

    with undisturbed(network), _hooked(layers, note), torch.inference_mode():
        for start in range(0, len(images), BATCH):
            network.pass_to(network.stage_names[-1], as_input(network, images[start : start + BATCH]))
    return [(high[id(layer)] - low[id(layer)]).cpu().numpy() for layer in layers]


@contextmanager
def _hooked(layers: list[nn.Module], note: Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]) -> Iterator[None]:
    """Within the block `note` is called with the output of each layer."""
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _weight(layer: nn.Module) -> np.ndarray:
    """The weights of a convolution, learned or fitted: float32 `(out, in, fh, fw)`."""
    found: np.ndarray = layer.state_dict()["weight"].float().cpu().contiguous().numpy().copy()
    return found
