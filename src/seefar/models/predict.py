"""A network's answers for images, a batch at a time."""

import numpy as np
import torch
from torch import nn

BATCH = 500  # images; a compromise between speed and memory on CPUs (chosen by hand)


def predict(network: nn.Module, pixels: np.ndarray, precision: torch.dtype, batch: int = BATCH) -> np.ndarray:
    """Logits for images. The network is in evaluation mode meanwhile, and as it was before afterwards.

    Args:
        network: takes raw pixels `(n, 3, h, w)`.
        pixels: uint8 `(n, h, w, 3)`, 0..255.
        precision: number format of the arithmetic.
        batch: images at a time; it changes speed and memory, not the answers.

    Returns:
        float32 `(n, classes)`.
    """
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision != torch.float32):
            parts = [
                network(torch.tensor(block).to(device).permute(0, 3, 1, 2)).float().cpu()
                for block in (pixels[start : start + batch] for start in range(0, len(pixels), batch))
            ]
    finally:
        network.train(was_training)
    logits: np.ndarray = torch.cat(parts).numpy()
    return logits
