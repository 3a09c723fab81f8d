"""A run computes with torch: its network, with the weights of its best epoch or of its last."""

import numpy as np
import torch
from torch import Tensor

from seefar.errors import ModelFileError
from seefar.networks.build import build_network
from seefar.networks.class_maps import predict_maps
from seefar.networks.device import choose_device, choose_precision
from seefar.networks.inference import predict, predict_with_features
from seefar.networks.layers import Network
from seefar.recipes import Recipe
from seefar.runs.folder import Run


class TorchEngine:
    """Computes with a network on its device, in a number format."""

    def __init__(self, network: Network, precision: torch.dtype) -> None:
        self.network = network
        self.precision = precision
        self.name = f"torch, {str(precision).removeprefix('torch.')} on {network.scale.mean.device.type}"

    def logits(self, pixels: np.ndarray, tta: str) -> np.ndarray:
        """See `Engine`."""
        return predict(self.network, pixels, self.precision, tta=tta)

    def compute(self, pixels: np.ndarray, maps: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, None]:
        """See `Engine`. Maps take a second pass, in float32."""
        logits, features = predict_with_features(self.network, pixels, self.precision)
        return logits, features, predict_maps(self.network, pixels) if maps else None, None


def torch_engine(
    run: Run, weights: dict[str, Tensor], recipe: Recipe, classes: int, size: int, device: str, precision: str | None
) -> TorchEngine:
    """The network of a run, in evaluation mode.

    Args:
        run: the run.
        weights: of its network.
        recipe: its recipe.
        classes: how many it tells apart.
        size: height and width of its images in pixels.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "fp32", "bf16", "fp16" or "auto"; None: as the recipe says.

    Raises:
        ModelFileError: the weights are those of another network.
    """
    where = choose_device(device)
    network = build_network(recipe.network, classes, size)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelFileError(f"the weights of {run.path} are not those of its recipe: {error}; train again") from error
    return TorchEngine(network.to(where).eval(), choose_precision(precision or recipe.optimisation.precision, where))
