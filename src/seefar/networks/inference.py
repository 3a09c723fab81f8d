"""A network's answers for images, a batch at a time."""

import numpy as np
import torch
from torch import Tensor, nn

from seefar.networks.layers import Network
from seefar.networks.tta import VIEWS

BATCH = 500  # images; a compromise between speed and memory on CPUs (chosen by hand)


def predict(
    network: nn.Module, pixels: np.ndarray, precision: torch.dtype, batch: int = BATCH, tta: str = "none"
) -> np.ndarray:
    """Logits for images. The network is in evaluation mode meanwhile, and as it was before afterwards.

    Args:
        network: takes raw pixels `(n, 3, h, w)`.
        pixels: uint8 `(n, h, w, 3)`, 0..255; n may be 0.
        precision: number format of the arithmetic.
        batch: images at a time; it changes speed and memory, and the answers in their last digits only.
        tta: a key of VIEWS: the mean is taken over the logits of these views.

    Returns:
        float32 `(n, classes)`.
    """
    device = next(network.parameters()).device
    was_training = network.training
    some = pixels if len(pixels) else np.zeros((1, *pixels.shape[1:]), pixels.dtype)  # not every network takes none
    network.eval()

    def answers(images: Tensor) -> Tensor:
        return torch.stack([weight * network(view).float() for weight, view in VIEWS[tta](images)]).sum(0)

    try:
        with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision != torch.float32):
            parts = [
                answers(torch.tensor(block).to(device).permute(0, 3, 1, 2)).cpu()
                for block in (some[start : start + batch] for start in range(0, len(some), batch))
            ]
    finally:
        network.train(was_training)
    logits: np.ndarray = torch.cat(parts)[: len(pixels)].numpy()
    return logits


def predict_with_features(
    network: Network, pixels: np.ndarray, precision: torch.dtype, batch: int = BATCH
) -> tuple[np.ndarray, np.ndarray]:
    """Logits as `predict` gives them, and what the last layer makes them from: float32 `(n, classes)` and `(n, features)`."""
    seen: list[Tensor] = []
    hook = network.classifier.register_forward_pre_hook(lambda _, inputs: seen.append(as_features(inputs[0]).float().cpu()))
    try:
        logits = predict(network, pixels, precision, batch)
    finally:
        hook.remove()
    features: np.ndarray = torch.cat(seen)[: len(pixels)].numpy()
    return logits, features


def as_features(values: Tensor) -> Tensor:
    """What a last layer gets, `(n, d)` or, where it is a convolution, `(n, d, h, w)`, as one row an image."""
    return values if values.ndim == 2 else values.flatten(2).mean(2)
