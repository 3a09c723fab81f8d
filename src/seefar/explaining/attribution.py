"""Where a network looked: one map an image, from captum where it has the method."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seefar.errors import UsageError, did_you_mean
from seefar.explaining.capture import as_input, capture, find_layer, last_stage, undisturbed
from seefar.networks.global_randomness import global_randomness
from seefar.networks.layers import Network
from seefar.seeds import derive

BATCH = 32  # images at a time for the maps of layers, whose gradients are held (chosen by hand)
AT_ONCE = 128 * 32 * 32  # pixels of changed copies of an image in one pass: 0.5 GB for `fast` of 128 to 512 channels (measured)
STEPS = 128  # of integrated gradients; with them the parts add up to the whole within 0.3 % on trained networks (measured)
SAMPLES = 16  # noisy copies for gradient SHAP; 5 agree less with integrated gradients, 64 hardly more (measured on a vgg)
NOISE = 0.05 * 255  # deviation of their noise in grey values: seen, but not in the way (chosen by hand)
SQUARE = 1 / 8  # side of the occluding square, as a share of the image's (chosen by hand: a wheel, an ear)
GREY = 127.5  # the colour of nothing for networks that do not know the mean of their images: the middle of 0..255

Explainer = Callable[[Network, np.ndarray, np.ndarray, str], np.ndarray]
"""(network, images uint8 `(n, h, w, 3)`, classes to explain int64 `(n,)`, name of a layer or "") to maps float32 `(n, h, w)`.

The name is one of `Network.layer_names`; "" is the method's own choice. Call them through `attribute`, which sees to the mode of the
network, to float32 and to gradients.
"""


def attribute(
    network: Network, images: np.ndarray, targets: np.ndarray, method: str, layer: str = "", batch: int = BATCH
) -> np.ndarray:
    """Maps of what speaks for a class, in float32 and in evaluation mode; the network is afterwards as it was.

    The map of an image does not depend on the other images, nor on `batch`, but for the last digits.

    Args:
        network: takes raw pixels.
        images: uint8 `(n, h, w, 3)`.
        targets: the class to explain for each image, int64 `(n,)`.
        method: a key of EXPLAINERS.
        layer: whose maps the CAM methods use; "" is the last stage, for layer_cam all stages. Methods on pixels do without.
        batch: images at a time; it changes speed and memory, not the maps.

    Returns:
        float32 `(n, h, w)`. CAM maps are 0 or more, the others signed; all are in units of the target's logit, unscaled.

    Raises:
        UsageError: the method, the layer or a class does not exist, or the targets are not one an image.
    """
    if method not in EXPLAINERS:
        raise UsageError(f"no method is called {method!r}{did_you_mean(method, EXPLAINERS)}; there are {', '.join(EXPLAINERS)}")
    if layer:
        find_layer(network, layer)
    check_targets(network, images, targets)
    maps = [np.zeros((0, *images.shape[1:3]), np.float32)]
    # A caller may have switched gradients off or autocast on
    with (
        undisturbed(network),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(network.scale.mean.device.type, enabled=False),
    ):
        for start in range(0, len(images), batch):
            part = slice(start, start + batch)
            maps.append(EXPLAINERS[method](network, images[part], targets[part], layer))
    return np.concatenate(maps)


def check_targets(network: Network, images: np.ndarray, targets: np.ndarray) -> None:
    """Raise UsageError unless `targets` is one class of the network for each image."""
    classes = network.classes
    if targets.shape != (len(images),):
        raise UsageError(f"targets has the shape {targets.shape} for {len(images)} images; give one class number an image")
    if odd := [int(target) for target in targets if not 0 <= target < classes]:
        raise UsageError(f"class {odd[0]} is asked for, and the network knows {classes}; allowed is 0 to {classes - 1}")


def mean_colour(network: Network) -> Tensor:
    """What stands for "nothing to see": the mean colour of the training images, 0..255, float32 `(1, 3, 1, 1)`.

    A network whose recipe leaves pixels in [0, 1] does not know it; there it is grey.
    """
    scale = network.scale
    standard = bool((scale.deviation != 1).any())
    colour = scale.mean * 255 if standard else torch.full_like(scale.mean, GREY)
    return colour.view(1, 3, 1, 1)


# Maps of layers


def _captum() -> Any:
    """captum's methods. One of its imports warns in notebooks that ipywidgets is missing, which is not needed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        import captum.attr
    return captum.attr


def grad_cam(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """Grad-CAM: the layer's feature maps, each weighted by its mean gradient, summed; what is negative is cut off.

    Source: Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391; computed by captum's LayerGradCam.
    """
    inputs = as_input(network, images).requires_grad_()
    method = _captum().LayerGradCam(network, find_layer(network, layer or last_stage(network)))
    with _out_of_place(network):
        found = method.attribute(inputs, target=torch.tensor(targets).to(inputs.device), relu_attributions=True)
    return _enlarged(found[:, 0], images)


def grad_cam_plus_plus(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """Grad-CAM++: as Grad-CAM, but within a map places with a rising gradient count, each by how much of the map it explains.

    The score is the exponential of the logit, as in the paper. Its value is left out: it scales the whole map of an image, and
    may be too large for float32. The paper has maps after ReLU; where those of a layer sum to less than 0 (convolutions before
    their ReLU), they count as 0, because the quotient has a pole there.

    Source: Chattopadhay et al. 2018, equations 13, 15 and 19, https://arxiv.org/abs/1710.11063
    """
    [(maps, gradients)] = _maps_and_gradients(network, images, targets, [layer or last_stage(network)])
    rising = gradients.relu()
    # g^2 / (2 g^2 + g^3 sum(A)), shortened by g^2: where g is 0, so is what is weighted
    alpha = 1 / (2 + rising * maps.sum((2, 3), keepdim=True).relu())
    weights = (alpha * rising).sum((2, 3), keepdim=True)
    return _enlarged((weights * maps).sum(1).relu(), images)


def layer_cam(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """LayerCAM: each value of a feature map times its own gradient where that is positive, summed. It is sharp in early layers, too.

    Without a layer: the mean over all stages, each image's map first divided by its largest value, so that no stage outshouts
    the others. (The paper scales early layers by a tanh, with a factor chosen by hand, and joins layers by their largest value.)

    Source: Jiang et al. 2021, equations 6 to 8, https://doi.org/10.1109/TIP.2021.3089943
    """
    names = [layer] if layer else network.stage_names
    found = [
        _enlarged((maps * gradients.relu()).sum(1).relu(), images)
        for maps, gradients in _maps_and_gradients(network, images, targets, names)
    ]
    if layer:
        return found[0]
    mean: np.ndarray = np.stack([_to_one(maps) for maps in found]).mean(0)
    return mean


def _maps_and_gradients(
    network: Network, images: np.ndarray, targets: np.ndarray, names: Sequence[str]
) -> list[tuple[Tensor, Tensor]]:
    """Feature maps `(n, channels, h, w)` of layers, and the gradients of each image's target logit by them."""
    inputs = as_input(network, images).requires_grad_()
    with _out_of_place(network), capture(network, names) as seen:
        logits = network(inputs)
    chosen = logits.gather(1, torch.tensor(targets).to(inputs.device)[:, None])
    maps = [seen[name] for name in names]
    # In evaluation mode no image takes part in another's logit, so that the sum has each one's own gradient
    gradients = torch.autograd.grad(chosen.sum(), maps)
    return [(values.detach(), gradient) for values, gradient in zip(maps, gradients, strict=True)]


@contextmanager
def _out_of_place(network: Network) -> Iterator[None]:
    """Within the block no layer writes over its input: `fast` has a ReLU that would change what was captured before it."""
    layers = [layer for layer in network.modules() if getattr(layer, "inplace", False) is True]
    try:
        for layer in layers:
            layer.inplace = False  # type: ignore[assignment] # torch takes every attribute for a tensor
        yield
    finally:
        for layer in layers:
            layer.inplace = True  # type: ignore[assignment]


def _enlarged(maps: Tensor, images: np.ndarray) -> np.ndarray:
    """Maps `(n, a, b)` in the size of the images, bilinearly: float32 `(n, h, w)`."""
    large = F.interpolate(maps.detach()[:, None].float(), images.shape[1:3], mode="bilinear", align_corners=False)
    result: np.ndarray = large[:, 0].cpu().numpy()
    return result


def _to_one(maps: np.ndarray) -> np.ndarray:
    """Each map `(n, h, w)`, 0 or more, divided by its largest value; one of zeros stays so."""
    largest = maps.max((1, 2), keepdims=True)
    result: np.ndarray = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    return result


# Maps of pixels: an image at a time, with many changed copies of it in one pass, so that no image can depend on the others


def integrated_gradients(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """Integrated gradients: each pixel's share of the difference in logit between the image and a plain one in the mean colour.

    Source: Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365; computed by captum's IntegratedGradients.
    """
    method, baseline, room = _captum().IntegratedGradients(network), mean_colour(network), _room(images)

    def attribute(image: Tensor, target: int) -> Tensor:
        found: Tensor = method.attribute(
            image, baseline.expand_as(image), target=target, n_steps=STEPS, internal_batch_size=room
        )
        return found.sum(1)

    return _one_by_one(network, images, targets, attribute)


def gradient_shap(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """Gradient SHAP: as integrated gradients, but at one random point of the way for each of a few noisy copies of the image.

    The noise is the same for every image and every call (on one kind of device).

    Source: Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874, and Smilkov et al. 2017 for the noise,
    https://arxiv.org/abs/1706.03825; computed by captum's GradientShap.
    """
    method, baseline = _captum().GradientShap(network), mean_colour(network)

    def attribute(image: Tensor, target: int) -> Tensor:
        with global_randomness(derive(0, "gradient shap"), image.device):
            found: Tensor = method.attribute(image, baseline.expand_as(image), n_samples=SAMPLES, stdevs=NOISE, target=target)
        return found.sum(1)

    return _one_by_one(network, images, targets, attribute)


def occlusion(network: Network, images: np.ndarray, targets: np.ndarray, layer: str) -> np.ndarray:
    """Occlusion: by how much the logit falls when a square in the image's own mean colour hides the pixel.

    A pixel's value is the mean over the squares that hide it.

    Source: Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901; computed by captum's Occlusion.
    """
    side = max(2, round(min(images.shape[1:3]) * SQUARE))
    stride, room = max(1, side // 2), _room(images)

    def attribute(image: Tensor, target: int) -> Tensor:
        own = network(image).detach()

        def logits(copies: Tensor) -> Tensor:
            # A square that changes nothing has no effect at all. Its logits, computed in a pass with others, could differ in
            # the last digits from those computed alone.
            same = (copies == image).flatten(1).all(1, keepdim=True)
            return torch.where(same, own, network(copies))

        found: Tensor = (
            _captum()
            .Occlusion(logits)
            .attribute(
                image,
                sliding_window_shapes=(3, side, side),
                strides=(3, stride, stride),
                baselines=image.double().mean((2, 3), keepdim=True).float().expand_as(image),
                target=target,
                perturbations_per_eval=room,
            )
        )
        return found[:, 0]  # captum repeats it for each colour

    return _one_by_one(network, images, targets, attribute)


def _one_by_one(
    network: Network, images: np.ndarray, targets: np.ndarray, attribute: Callable[[Tensor, int], Tensor]
) -> np.ndarray:
    """The maps that `attribute` gives, `(1, h, w)`, for each image `(1, 3, h, w)` and its class: float32 `(n, h, w)`."""
    maps = [
        attribute(as_input(network, image[None]).requires_grad_(), int(target)).detach().float().cpu()
        for image, target in zip(images, targets, strict=True)
    ]
    result: np.ndarray = torch.cat(maps).numpy()
    return result


def _room(images: np.ndarray) -> int:
    """How many copies of one image go through the network at once."""
    height, width = images.shape[1:3]
    return int(max(1, AT_ONCE // (height * width)))


EXPLAINERS: dict[str, Explainer] = {
    "grad_cam": grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "layer_cam": layer_cam,
    "integrated_gradients": integrated_gradients,
    "gradient_shap": gradient_shap,
    "occlusion": occlusion,
}
