"""What single units look for: the real images that excite them most, and images made to excite them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seefar.errors import UsageError
from seefar.explaining.capture import as_input, capture, find_layer, undisturbed
from seefar.explaining.receptive_field import Field, receptive_field
from seefar.networks.layers import Network
from seefar.seeds import derive

BATCH = 250  # images at a time: the maps of a first layer of 64 channels at 32 pixels are 65 MB (chosen by hand)
UNITS = 8  # where no units are named (chosen by hand)
# Values nearer than this share of the layer's largest are equal: batches of another size, and other processors, round otherwise, by
# up to 3.3e-6 of it (measured in all layers of four recipes' networks; of a unit's own largest value it can be a thousandth)
SAME = 1e-5
RATE = 0.05  # Adam's, as in Lucid
DECAY = 1e-3  # on the squared coefficients: contrast that does not help fades (chosen by hand)
# Weight of the mean step from pixel to pixel, beside the activation in its own spread. From 2.5 to 30 images of fast on CIFAR-10
# excited more than all real ones (8 units a layer), with fewer speckles the higher it was; at 30 not so in a plain first layer
ROUGHNESS = 10
# One in so many places of the map is raised: a filter that sees an edge cannot be excited everywhere (chosen by hand)
PLACES = 4
JITTER = 1 / 8  # of the side, by which the image is moved at most at each step; about as in Lucid, 16 of 128 pixels
START = 0.01  # size of the first coefficients, as in Lucid
# How the three colours of natural images go together: the root of their covariance, from Lucid
# (https://github.com/tensorflow/lucid/blob/master/lucid/optvis/param/color.py), divided by its longest column
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]) / np.linalg.norm([0.26, 0.27, 0.27])


@dataclass(frozen=True)
class Exciting:
    """The images that excite units most, and what the units see of them.

    Attributes:
        layer: its name.
        units: channels of the layer.
        positions: which images, the most exciting first, of equally exciting ones the first, int64 `(u, k)`.
        values: the largest value of the unit's map for each of them, float32 `(u, k)`; they fall but for rounding.
        patches: for each unit uint8 `(k, ph, pw, 3)`, what it sees around the place of that value. Where it sees beyond the
            image, and of an image that is smaller than what it could see where it sees nothing, stands the mean colour.
    """

    layer: str
    units: list[int]
    positions: np.ndarray
    values: np.ndarray
    patches: list[np.ndarray]


def exciting(
    network: Network,
    images: np.ndarray,
    layer: str,
    units: Sequence[int] | None = None,
    most: int = 9,
    batch: int = BATCH,
    labels: np.ndarray | None = None,
) -> Exciting:
    """For each unit the images that contain its largest values. An image counts once, with its most exciting place.

    What is equal but for rounding comes in its order, images and units alike: see `largest_first`.

    Args:
        network: trained; it is afterwards as it was.
        images: uint8 `(n, h, w, 3)`, at least one.
        layer: as `Network.layer_names` lists them.
        units: channels of the layer; none: 8 of those with the largest mean size of their values.
        most: images a unit, fewer if there are not so many.
        batch: images at a time; it changes speed and memory, and values in their last digits.
        labels: classes of the images, int64 `(n,)`; with them, units that are not named are chosen so that they differ: see `differing`.

    Raises:
        UsageError: no images, or no such layer or unit.
    """
    if not len(images):
        raise UsageError("the most exciting of no images cannot be found; give at least one")
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    strengths, width = np.zeros(1), 0
    with undisturbed(network), capture(network, [layer]) as seen, torch.inference_mode():
        for first in range(0, len(images), batch):
            network.pass_to(layer, as_input(network, images[first : first + batch]))
            maps = seen[layer].float().contiguous()
            width = maps.shape[3]
            largest, where = maps.flatten(2).max(2)
            parts.append((largest.cpu().numpy(), where.cpu().numpy()))
            strengths = strengths + maps.abs().double().mean((2, 3)).sum(0).cpu().numpy()
    values, places = (np.concatenate(part) for part in zip(*parts, strict=True))  # (images, channels)
    same = SAME * float(np.abs(values).max())
    chosen = list(units) if units else largest_first(strengths, SAME * strengths.max()).tolist()
    if not units:
        chosen = (chosen if labels is None else differing(chosen, values, labels, most, same))[:UNITS]
    _check_units(layer, chosen, values.shape[1])
    positions = np.stack([largest_first(values[:, unit], same)[:most] for unit in chosen])
    field = receptive_field(network, layer)
    colour = np.rint(images.mean((0, 1, 2))).astype(np.uint8)
    patches = [
        np.stack([patch(images[i], field, divmod(int(places[i, unit]), width), colour) for i in row])
        for unit, row in zip(chosen, positions, strict=True)
    ]
    return Exciting(layer, chosen, positions, values[positions, np.array(chosen)[:, None]], patches)


def differing(units: Sequence[int], values: np.ndarray, labels: np.ndarray, most: int, same: float) -> list[int]:
    """Units in another order: the first whose most exciting images are mostly of one class, the first of the next class, and so on.

    When every class that excites a unit has had its turn, the second units of the classes follow. So the first few do not all mean
    one class, as the largest ones of a small network often do.

    Args:
        units: the strongest first.
        values: the largest value of each unit for each image, `(n, channels)`.
        labels: classes of the images, int64 `(n,)`.
        most: how many of its most exciting images tell what a unit means.
        same: values as near as this are equal.
    """
    seen: dict[int, int] = {}
    turns = []
    for unit in units:
        meant = int(np.bincount(labels[largest_first(values[:, unit], same)[:most]]).argmax())
        turns.append(seen.get(meant, 0))
        seen[meant] = turns[-1] + 1
    return [units[place] for place in np.argsort(turns, kind="stable")]


def largest_first(values: np.ndarray, same: float) -> np.ndarray:
    """Positions of values `(n,)`, int64 `(n,)`: the largest first, and what is equal in its order.

    Equal are values of which each lies within `same` of the next smaller one. So those that differ by rounding alone are never torn
    apart, as they would be at the border of a grid; in return a dense row of values is taken for equal from end to end.
    """
    order = np.argsort(-values, kind="stable")
    group = np.cumsum(-np.diff(values[order], prepend=values[order[:1]]) > same)
    return order[np.lexsort((order, group))]


def patch(image: np.ndarray, field: Field, place: tuple[int, int], colour: np.ndarray) -> np.ndarray:
    """What a place of a map sees of an image, uint8 `(ph, pw, 3)`, never larger than the image.

    A field larger than the image is cut to the image, and what it does not see of it is painted over.
    """
    height, width = image.shape[:2]
    top, left = (field.start + field.jump * number for number in place)
    framed = np.empty((height + 2 * field.size, width + 2 * field.size, 3), np.uint8)
    framed[:] = colour
    seen_top, seen_left = max(top, 0), max(left, 0)
    seen = image[seen_top : max(top + field.size, 0), seen_left : max(left + field.size, 0)]
    framed[field.size + seen_top :, field.size + seen_left :][: seen.shape[0], : seen.shape[1]] = seen
    top, left = (0 if field.size >= side else start for start, side in ((top, height), (left, width)))
    return framed[field.size + top :, field.size + left :][: min(field.size, height), : min(field.size, width)].copy()


def maximise(network: Network, layer: str, units: Sequence[int], size: int, steps: int = 128, seed: int = 0) -> np.ndarray:
    """Images made from noise so that each excites one unit in many places of its map: uint8 `(u, size, size, 3)`.

    The gradient changes the coefficients of waves, so that coarse and fine ones learn alike, in colours that go together as in
    natural images; the image is moved a little at each step, and rough ones pay. What is raised is the value before the layer's
    last ReLU or GELU, which has a gradient where nothing passes, too.
    Source: Olah et al. 2017, "Feature Visualization", https://distill.pub/2017/feature-visualization; total variation:
    Mahendran and Vedaldi 2015, section 3, https://arxiv.org/abs/1412.0035

    Args:
        network: trained; it is afterwards as it was.
        layer: as `Network.layer_names` lists them.
        units: channels of the layer, at least one.
        size: side of the images in pixels; it need not be the network's own.
        steps: of Adam.
        seed: the first noise and the moves; a unit's start depends on no other unit.

    Raises:
        UsageError: no such layer or unit, or none named.
    """
    if not units:
        raise UsageError("there is no unit to make an image for; name at least one")
    device = network.scale.mean.device
    start = np.stack(
        [np.random.default_rng(derive(seed, "maximise", unit)).normal(0, START, (3, size, size // 2 + 1, 2)) for unit in units]
    ).astype(np.float32)
    moves = np.random.default_rng(derive(seed, "jitter"))
    reach = int(size * JITTER)
    waves = torch.tensor(start, device=device, requires_grad=True)
    weights = torch.tensor(_wave_weights(size), device=device)
    mixing = torch.tensor(COLOURS, dtype=torch.float32, device=device)
    optimiser = torch.optim.Adam([waves], lr=RATE)
    pick = torch.arange(len(units), device=device)
    with undisturbed(network), _before_activation(network, layer) as seen, torch.enable_grad():
        for step in range(steps):
            pixels = _picture(waves, weights, mixing, size)
            down, right = (int(number) for number in moves.integers(-reach, reach + 1, 2))
            network.pass_to(layer, pixels.roll((down, right), (2, 3)) * 255)
            maps = seen.pop()
            if not step:
                _check_units(layer, units, maps.shape[1])
                spread = maps.detach().std((0, 2, 3)).clamp(min=1e-6)[list(units)]  # so that layers of all sizes weigh the same
            values = maps[pick, list(units)].flatten(1)
            excited = values.topk(-(-values.shape[1] // PLACES), dim=1).values.mean(1) / spread
            rough = pixels.diff(dim=2).abs().mean((1, 2, 3)) + pixels.diff(dim=3).abs().mean((1, 2, 3))
            loss = (-excited + ROUGHNESS * rough + DECAY * waves.square().sum((1, 2, 3, 4))).sum()
            (waves.grad,) = torch.autograd.grad(loss, [waves])
            optimiser.step()
        with torch.no_grad():
            made = (_picture(waves, weights, mixing, size) * 255).round().to(torch.uint8)
    found: np.ndarray = made.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return found


def _picture(waves: Tensor, weights: Tensor, mixing: Tensor, size: int) -> Tensor:
    """Coefficients `(u, 3, size, size // 2 + 1, 2)` as an image, float32 `(u, 3, size, size)` in 0..1."""
    plain = torch.fft.irfft2(torch.view_as_complex(waves) * weights, s=(size, size), norm="ortho")
    return torch.einsum("kc,uchw->ukhw", mixing, plain).sigmoid()


def _wave_weights(size: int) -> np.ndarray:
    """What each wave counts, `(size, size // 2 + 1)`: one over its frequency, as in natural images; four times as in Lucid."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    weights: np.ndarray = (1 / np.maximum(frequency, 1 / size)).astype(np.float32)
    return weights


@contextmanager
def _before_activation(network: Network, layer: str) -> Iterator[list[Tensor]]:
    """Within the block, what the layer gave last, before its own ReLU or GELU if it ends with one."""
    seen: list[Tensor] = []
    whole = find_layer(network, layer)
    # Copies: the activation that follows may work in place. The last of them: a layer may be passed several times
    if activation := network.last_activation(layer):  # only dropout, which does nothing here, can follow it
        hook = activation.register_forward_pre_hook(lambda _, inputs: seen.__setitem__(slice(None), [inputs[0].clone()]))
    else:
        hook = whole.register_forward_hook(lambda _layer, _inputs, output: seen.__setitem__(slice(None), [output.clone()]))
    try:
        yield seen
    finally:
        hook.remove()


def _check_units(layer: str, units: Sequence[int], channels: int) -> None:
    """Raises UsageError for a unit that the layer does not have."""
    if odd := [unit for unit in units if not 0 <= unit < channels]:
        raise UsageError(f"{layer} has no unit {odd[0]}; its units are 0 to {channels - 1}")
