"""Is the explanation true? Deletion and insertion curves, and the sanity check with random weights."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seefar.errors import UsageError
from seefar.explaining.attribution import attribute, check_targets, mean_colour
from seefar.explaining.capture import undisturbed
from seefar.metrics import softmax
from seefar.networks.inference import BATCH, predict
from seefar.networks.layers import Network
from seefar.seeds import derive

STEPS = 16  # in which all pixels are removed; with 256 areas differ by less than 0.02 (measured on random networks)
BLUR = 1 / 4  # deviation of the blur as a share of the image's side: what is left is colours without shapes (chosen by hand)
COARSE = 4  # values a side from which a random map is drawn: as coarse as the maps of the last stages


@dataclass(frozen=True)
class Faithfulness:
    """What the probability of the target does when pixels go or come in the order of a map, the most important first.

    Attributes:
        deletion: area under the curve when they are replaced by the mean colour, 0..1, mean over images; smaller is better.
        insertion: likewise when they come back into a blurred image; larger is better.
        random_deletion, random_insertion: the same for random smooth maps, for scale.
        steps: the shares of pixels replaced, 0 to 1.
        deletion_curve, insertion_curve: the mean probability at each of them.
        random_deletion_curve, random_insertion_curve: likewise for the random maps.
        deletion_by_image, insertion_by_image: the areas of each image.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    steps: list[float]
    deletion_curve: list[float]
    insertion_curve: list[float]
    random_deletion_curve: list[float]
    random_insertion_curve: list[float]
    deletion_by_image: list[float]
    insertion_by_image: list[float]


@dataclass(frozen=True)
class Sanity:
    """Whether maps depend on what the network has learned.

    Attributes:
        similarity: rank correlation of a map's absolute values with those of the same network with random weights, -1..1, mean
            over images; near 1 the map shows the image and not the network. A map that is the same everywhere counts as 0.
        insertion: the area under the insertion curve of the trained network, in the order of the random network's maps.
        random_insertion: likewise in the order of random smooth maps. Insertion should be no better.
    """

    similarity: float
    insertion: float
    random_insertion: float


def faithfulness(network: Network, images: np.ndarray, targets: np.ndarray, maps: np.ndarray, seed: int = 0) -> Faithfulness:
    """Score maps by deletion and insertion. The network is in evaluation mode meanwhile, and afterwards as it was.

    Source: Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421

    Args:
        network: takes raw pixels.
        images: uint8 `(n, h, h, 3)`.
        targets: the class that each map explains, int64 `(n,)`.
        maps: larger is more important, float `(n, h, h)`; equal values go in random order.
        seed: of that order and of the random maps.

    Raises:
        UsageError: there are no images, a class does not exist, or the maps are not one finite number a pixel.
    """
    if not len(images):
        raise UsageError("there are no images to score maps on; give at least one")
    check_targets(network, images, targets)
    if maps.shape != images.shape[:3]:
        raise UsageError(f"the maps have the shape {maps.shape}, and the images need {images.shape[:3]}: one number a pixel")
    if not np.isfinite(maps).all():
        raise UsageError("the maps hold numbers that are not finite, which have no order; look at the network's weights")
    with undisturbed(network):
        deletion, insertion = _curves(network, images, targets, maps, seed)
        noise = random_maps(len(images), images.shape[1], seed)
        random_deletion, random_insertion = _curves(network, images, targets, noise, seed)
    return Faithfulness(
        deletion=float(_area(deletion).mean()),
        insertion=float(_area(insertion).mean()),
        random_deletion=float(_area(random_deletion).mean()),
        random_insertion=float(_area(random_insertion).mean()),
        steps=_shares().tolist(),
        deletion_curve=deletion.mean(0).tolist(),
        insertion_curve=insertion.mean(0).tolist(),
        random_deletion_curve=random_deletion.mean(0).tolist(),
        random_insertion_curve=random_insertion.mean(0).tolist(),
        deletion_by_image=_area(deletion).tolist(),
        insertion_by_image=_area(insertion).tolist(),
    )


def random_maps(n: int, size: int, seed: int) -> np.ndarray:
    """Smooth maps that know nothing of any image: a few random values a side, enlarged. float32 `(n, size, size)`, 0..1."""
    rng = np.random.default_rng(derive(seed, "random maps"))
    coarse = torch.from_numpy(rng.random((n, 1, COARSE, COARSE), dtype=np.float32))
    if n == 0:
        return np.zeros((0, size, size), np.float32)
    maps: np.ndarray = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)[:, 0].numpy()
    return maps


def sanity(network: Network, images: np.ndarray, targets: np.ndarray, method: str, layer: str = "", seed: int = 0) -> Sanity:
    """Compare a method's maps with those that it gives for the same network with random weights.

    Source: Adebayo et al. 2018, https://arxiv.org/abs/1810.03292: there a method whose maps stay alike fails.

    Args:
        network: trained; it is left as it is.
        images: uint8 `(n, h, h, 3)`.
        targets: int64 `(n,)`.
        method: a key of attribution.EXPLAINERS.
        layer: as in `attribution.attribute`.
        seed: of the random weights and maps.

    Raises:
        UsageError: as `attribution.attribute` and `faithfulness`.
    """
    own = attribute(network, images, targets, method, layer)
    theirs = attribute(randomised(network, images, seed), images, targets, method, layer)
    scores = faithfulness(network, images, targets, theirs, seed)
    alike = [_rank_correlation(np.abs(one), np.abs(other)) for one, other in zip(own, theirs, strict=True)]
    return Sanity(float(np.mean(alike)), scores.insertion, scores.random_insertion)


def randomised(network: Network, images: np.ndarray, seed: int) -> Network:
    """A copy with new weights, as before training: all that is learned is drawn anew, and norms have seen nothing.

    What is only computed from the training images, scaling and whitening, stays.
    """
    copy = deepcopy(network)
    generator = torch.Generator(network.scale.mean.device).manual_seed(derive(seed, "random weights"))
    copy.initialise(generator, images)
    for kept, buffer in zip(network.buffers(), copy.buffers(), strict=True):
        buffer.copy_(kept)
    for layer in copy.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_parameters()
    return copy


def _curves(
    network: Network, images: np.ndarray, targets: np.ndarray, maps: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The target's probability after each step of deletion and of insertion: float64 `(n, STEPS + 1)` twice."""
    n, height, width, _ = images.shape
    ties = np.random.default_rng(derive(seed, "ties")).random((n, height * width))
    rank = np.lexsort((ties, -maps.reshape(n, -1)), axis=1).argsort(1)  # 0 is the most important pixel
    counts = np.round(_shares() * height * width)
    colour = mean_colour(network).cpu().numpy().reshape(3)
    deletion: list[np.ndarray] = []
    insertion: list[np.ndarray] = []
    block = max(1, BATCH // (STEPS + 1))
    for start in range(0, n, block):
        part = slice(start, start + block)
        chosen = (rank[part] < counts[:, None, None]).reshape(len(counts), -1, height, width, 1)
        for curves, pictures in (
            (deletion, np.where(chosen, colour, images[part])),
            (insertion, np.where(chosen, images[part], _blurred(images[part]))),
        ):
            logits = predict(network, pictures.reshape(-1, height, width, 3), torch.float32)
            probabilities = softmax(logits).reshape(*pictures.shape[:2], -1)
            curves.append(probabilities[:, np.arange(probabilities.shape[1]), targets[part]].T)
    return np.concatenate(deletion), np.concatenate(insertion)


def _shares() -> np.ndarray:
    """The shares of pixels replaced at each step, 0 to 1."""
    return np.linspace(0, 1, STEPS + 1)


def _area(curves: np.ndarray) -> np.ndarray:
    """Areas under curves `(n, STEPS + 1)`."""
    areas: np.ndarray = np.trapezoid(curves, _shares(), axis=1)
    return areas


def _blurred(images: np.ndarray) -> np.ndarray:
    """Images uint8 `(n, h, w, 3)` of which only soft colours are left, float32."""
    from scipy.ndimage import gaussian_filter

    deviation = BLUR * images.shape[1]
    result: np.ndarray = gaussian_filter(images.astype(np.float32), (0, deviation, deviation, 0))
    return result


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, -1..1, over all pixels; 0 if either is the same everywhere and so has no order."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)
