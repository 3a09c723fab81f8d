"""Networks whose every number matters, for tests of exports: biases, norms and running statistics differ from their neutral values."""

import numpy as np
import torch
from tests.networks.test_networks import pixels
from torch import nn

from seefar.model.model import Model
from seefar.model.torch_engine import TorchEngine
from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.recipes import RECIPES, AnyNetwork


def as_trained(how: AnyNetwork, classes: int, size: int, seed: int = 0) -> Network:
    """A network in evaluation mode with random weights, biases and statistics, and an uneven scaling of the colours."""
    made = build_network(how, classes, size)
    generator = torch.Generator().manual_seed(seed)
    made.scale.mean.copy_(torch.tensor([0.5, 0.4, 0.45]))
    made.scale.deviation.copy_(torch.tensor([0.25, 0.2, 0.3]))
    made.initialise(generator, pixels(20, size))
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3, generator=generator)
            layer.running_var.uniform_(0.3, 1.5, generator=generator)
            if layer.weight.requires_grad:
                nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
        if getattr(layer, "bias", None) is not None:
            nn.init.normal_(layer.bias, 0, 0.5, generator=generator)
    return made.eval()


def as_model(network: Network, size: int, temperature: float | None = 1.3) -> Model:
    """The network as `load_model` would give it."""
    classes = tuple(f"class {number}" for number in range(network.classifier.out_features))
    engine = TorchEngine(network, torch.float32)
    return Model(engine, classes, size, "white", temperature, None, None, {}, RECIPES["tiny"], network)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of the logits divided by the temperature."""
    return torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, 1).numpy()


def varied(n: int, size: int) -> np.ndarray:
    """Images uint8 `(n, size, size, 3)` that differ in brightness, colour and contrast."""
    strength = np.random.default_rng(5).uniform(0.1, 1, (n, 1, 1, 3))
    return (pixels(n, size) * strength).astype(np.uint8)
