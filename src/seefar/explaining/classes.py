"""What a class is for the network: its typical and odd images, and what turns an image of it into one of another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seefar.errors import UsageError
from seefar.explaining.capture import as_input, undisturbed
from seefar.explaining.space import nearest
from seefar.networks.inference import predict
from seefar.networks.layers import Network

AVERAGED = 50  # images behind a mean image; a few show those images rather than the class (chosen by hand)
BLOCK = 100  # images that are changed at once; a compromise between speed and memory on CPUs (chosen by hand)
# A logit by which the wanted class must lead while a change is sought, so that the answer is the same in batches of other sizes,
# whose sums differ in the last digits (8e-6 among logits of 40; chosen by hand)
LEAD = 1e-3
# Length of a step in radii, and by how much the radius shrinks or grows after it: at the first and at the last step. Chosen by hand
# among 18 pairs on three small networks: the median change was much the same with all, but with larger first numbers single images
# went astray (RMS of 50 to 160 levels instead of 15)
STRIDE, SHRINK = (0.3, 0.03), (0.1, 0.01)
BISECTIONS = 10  # halvings of the way back to the image: less than a thousandth of the change is then left to gain


@dataclass(frozen=True, eq=False)
class ClassPortrait:
    """One class as the network sees it.

    Attributes:
        name: the class.
        images: how many images it has here.
        confident: how many of them the mean image is made of: those that are right and most confident, 50 at most.
        mean_image: their mean, uint8 `(h, w, 3)`; black if there is none.
        typical: positions of the right images with the largest probability of their class, most confident first.
        atypical: positions of other images of the class: right ones, the least confident first; then wrong ones, those with the
            lowest probability of their class first. Half of each kind where there are enough.
    """

    name: str
    images: int
    confident: int
    mean_image: np.ndarray
    typical: list[int]
    atypical: list[int]


@dataclass(frozen=True, eq=False)
class SmallestChange:
    """What the smallest change that was found makes of `n` images.

    Attributes:
        pixels: uint8 `(n, h, w, 3)`: the changed images; one that could not be turned is as it was.
        turned: bool `(n,)`: whether the network calls exactly these pixels what was wanted.
        size: float32 `(n,)`: root mean square of the change over all pixels and colours, in levels of 0..255.
    """

    pixels: np.ndarray
    turned: np.ndarray
    size: np.ndarray


def portraits(
    logits: np.ndarray, labels: np.ndarray, pixels: np.ndarray, classes: Sequence[str], most: int = 8
) -> list[ClassPortrait]:
    """A portrait of each class.

    Args:
        logits: `(n, classes)`.
        labels: int64 `(n,)`.
        pixels: uint8 `(n, h, w, 3)`.
        classes: the names.
        most: how many typical and how many atypical images to choose.
    """
    sureness = log_odds(logits, labels)
    right = logits.argmax(1) == labels
    found = []
    for label, name in enumerate(classes):
        members = np.flatnonzero(labels == label)
        best = members[np.argsort(-sureness[members], kind="stable")]
        good, bad = best[right[best]], best[~right[best]][::-1]
        typical, odd = good[:most], good[most:][::-1]
        of_bad = min(len(bad), max(most // 2, most - len(odd)))
        of_good = min(len(odd), most - of_bad)
        shown = good[:AVERAGED]
        mean = pixels[shown].mean(0) if len(shown) else np.zeros(pixels.shape[1:])
        found.append(
            ClassPortrait(
                name=name,
                images=len(members),
                confident=len(shown),
                mean_image=np.rint(mean).astype(np.uint8),
                typical=typical.tolist(),
                atypical=[*odd[:of_good].tolist(), *bad[:of_bad].tolist()],
            )
        )
    return found


def log_odds(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The logarithm of p / (1 - p) for the probability p of each image's class, float64 `(n,)`.

    It orders images as p does, and still tells those apart whose p is rounded to 1.
    """
    from scipy.special import logsumexp

    rows = np.arange(len(labels))
    others = logits.astype(np.float64)
    own = others[rows, labels]
    others[rows, labels] = -np.inf
    odds: np.ndarray = own - logsumexp(others, axis=1)
    return odds


def counterfactual_neighbours(
    queries: np.ndarray, predicted: np.ndarray, known: np.ndarray, known_predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each image the nearest known one that the network calls otherwise: what it would have to look like.

    Args:
        queries: features `(q, d)`.
        predicted: what the network calls them, int64 `(q,)`.
        known: features `(m, d)`.
        known_predicted: what the network calls those, int64 `(m,)`.

    Returns:
        positions among the known, int64 `(q,)`, and cosines, float32 `(q,)`; both -1 where no known image is called otherwise.
    """
    positions, cosines = np.full(len(queries), -1, np.int64), np.full(len(queries), -1, np.float32)
    for label in np.unique(predicted):
        mine, others = np.flatnonzero(predicted == label), np.flatnonzero(known_predicted != label)
        if len(others):
            place, cosine = nearest(queries[mine], known[others], 1)
            positions[mine], cosines[mine] = others[place[:, 0]], cosine[:, 0]
    return positions, cosines


def smallest_change(network: Network, images: np.ndarray, wanted: np.ndarray, steps: int = 60) -> SmallestChange:
    """The smallest change of pixels, by its length, after which the network calls each image what is wanted.

    Gradients lead towards the wanted class on a sphere around the image, whose radius shrinks while the network says so and grows
    while it does not; then the way back is bisected. The network is always asked about rounded pixels in 0..255, so what is found
    is an image; it need not be the smallest there is. An image that is called so already stays as it is. In float32, without
    random numbers; the network is afterwards as it was.

    Sources: Rony et al. 2019 (the sphere), https://arxiv.org/abs/1811.09600; Pintor et al. 2021 (its first radius, and that its
    growth fades), https://arxiv.org/abs/2102.12827

    Args:
        network: says what an image is.
        images: uint8 `(n, h, w, 3)`.
        wanted: class of each, int64 `(n,)`.
        steps: gradients to follow; more find smaller changes.

    Raises:
        UsageError: the network has no such class.
    """
    classes = network.classes
    if len(wanted) and not 0 <= wanted.min() <= wanted.max() < classes:
        raise UsageError(f"wanted classes must be 0..{classes - 1}; found {wanted.min()}..{wanted.max()}")
    pixels, turned = images.copy(), np.zeros(len(images), bool)
    if len(images):
        with undisturbed(network):
            turned = _says(network, images, wanted)
            open_ones = np.flatnonzero(~turned)
            for start in range(0, len(open_ones), BLOCK):
                block = open_ones[start : start + BLOCK]
                pixels[block] = _search(network, images[block], wanted[block], steps)
            # Asked once more, as anybody would ask: nothing is called turned because the search thought so
            turned = _says(network, pixels, wanted)
            pixels[~turned] = images[~turned]
    difference = (pixels.astype(np.float64) - images) ** 2
    return SmallestChange(pixels, turned, np.sqrt(difference.mean((1, 2, 3))).astype(np.float32))


def _says(network: Network, images: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether the network calls each image what is wanted: bool `(n,)`."""
    found: np.ndarray = predict(network, images, torch.float32).argmax(1) == wanted
    return found


def _search(network: Network, images: np.ndarray, wanted: np.ndarray, steps: int) -> np.ndarray:
    """The nearest images found that are called what is wanted, uint8 `(n, h, w, 3)`; where none was found, the image itself."""
    original = as_input(network, images)
    target = torch.tensor(wanted).to(original.device)
    change = torch.zeros_like(original)
    best, shortest = original.clone(), torch.full((len(images),), math.inf, device=original.device)
    radius = torch.zeros_like(shortest)

    def keep(tried: Tensor, ahead: Tensor) -> Tensor:
        """Take note of images that lead and are nearer than the best; says which lead."""
        leads = ahead > LEAD
        length = _length(tried - original)
        better = leads & (length < shortest)
        best[better], shortest[better] = tried[better], length[better]
        return leads

    for step in range(steps):
        fade = 0.5 * (1 + math.cos(math.pi * step / steps))
        stride, shrink = (low + (high - low) * fade for high, low in (STRIDE, SHRINK))
        with torch.enable_grad():
            tried = _rounded(original + change).requires_grad_()
            ahead = _lead(network(tried), target)
            (slope,) = torch.autograd.grad(ahead.sum(), tried)
        tried, ahead = tried.detach(), ahead.detach()
        leads = keep(tried, ahead)
        steepness = _length(slope).clamp(min=1e-12)
        # First as far as it would be if the lead grew evenly; then the radius follows the answers
        guess = _length(change) + (LEAD - ahead).clamp(min=1) / steepness if step == 0 else radius * (1 + shrink)
        radius = torch.where(leads, torch.minimum(radius, shortest) * (1 - shrink), guess)
        radius = radius.clamp(max=255 * math.sqrt(original[0].numel()))
        change = change + _wide(stride * radius / steepness) * slope
        change = change * _wide(radius / _length(change).clamp(min=1e-12))
        change = (original + change).clamp(0, 255) - original

    with torch.no_grad():
        keep(tried := _rounded(original + change), _lead(network(tried), target))
        whole = best - original
        low, high = torch.zeros_like(shortest), torch.ones_like(shortest)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            tried = _rounded(original + _wide(middle) * whole)
            leads = keep(tried, _lead(network(tried), target))
            low, high = torch.where(leads, low, middle), torch.where(leads, middle, high)
    return best.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)


def _lead(logits: Tensor, wanted: Tensor) -> Tensor:
    """By how much the logit of the wanted class exceeds the largest other one: `(n, classes)` to `(n,)`."""
    own = logits.gather(1, wanted[:, None])[:, 0]
    return own - logits.scatter(1, wanted[:, None], -math.inf).amax(1)


def _rounded(values: Tensor) -> Tensor:
    """The nearest whole levels in 0..255: a tensor of its own."""
    return values.detach().round().clamp(0, 255)


def _length(changes: Tensor) -> Tensor:
    """The Euclidean length of each: `(n, ...)` to `(n,)`."""
    length: Tensor = changes.flatten(1).norm(dim=1)
    return length


def _wide(numbers: Tensor) -> Tensor:
    """One number an image, so shaped that it multiplies images: `(n,)` to `(n, 1, 1, 1)`."""
    return numbers.view(-1, 1, 1, 1)
