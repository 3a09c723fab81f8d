"""Class-activation maps against torch's gradients and against the definition, head by head."""

import numpy as np
import pytest
import torch
from tests.exporting.trained_networks import as_trained, varied
from torch import nn

from seefar.errors import UsageError
from seefar.networks.class_maps import WithMaps, predict_maps
from seefar.networks.layers import Network
from seefar.recipes import Fast, Vgg

WIDTHS = ((4,), (6, 8))
PLAIN = Vgg(widths=WIDTHS)
HEADS = {
    "flattened": PLAIN,
    "flattened and normed": Vgg(widths=WIDTHS, batch_norm=True, dropout=(0.3, 0.0)),
    "hidden": Vgg(widths=WIDTHS, dense=12, dropout=(0.1, 0.5)),
    "hidden and normed": Vgg(widths=WIDTHS, dense=12, batch_norm=True),
}


def last_maps(network: Network, pixels: np.ndarray) -> torch.Tensor:
    """What the last stage gives: `(n, channels, h, w)`."""
    return network.stages(network.stem(network.scale(torch.tensor(pixels).permute(0, 3, 1, 2))))


@pytest.mark.parametrize("name", HEADS)
def test_maps_of_a_flattening_head_are_gradient_times_feature_map(name: str) -> None:
    network, pixels = as_trained(HEADS[name], classes=5, size=16), varied(6, 16)
    last = last_maps(network, pixels).detach().requires_grad_()
    logits = network.head(last)
    found = predict_maps(network, pixels)
    assert found.shape == (6, 5, 4, 4)
    for label in range(5):
        (gradient,) = torch.autograd.grad(logits[:, label].sum(), last, retain_graph=True)
        expected = (gradient * last).sum(1).detach().numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(found[:, label], expected, rtol=1e-4, atol=1e-4)


def test_maps_of_a_flattening_head_sum_to_the_logit_but_for_the_bias() -> None:
    network, pixels = as_trained(PLAIN, classes=3, size=32), varied(4, 32)
    with torch.inference_mode():
        logits = network(torch.tensor(pixels).permute(0, 3, 1, 2)) - network.classifier.bias
    np.testing.assert_allclose(predict_maps(network, pixels).sum((2, 3)), logits, rtol=1e-4, atol=1e-4)


def test_maps_of_a_pooling_head_are_what_the_head_says_of_each_place_alone() -> None:
    network, pixels = as_trained(Fast(widths=((8, 8), (16, 16))), classes=4, size=16), varied(3, 16)
    found = predict_maps(network, pixels)
    with torch.inference_mode():
        last = last_maps(network, pixels)
        for row in range(last.shape[2]):
            for column in range(last.shape[3]):
                alone = network.head(last[:, :, row : row + 1, column : column + 1])
                np.testing.assert_allclose(found[:, :, row, column], alone, rtol=1e-4, atol=1e-5)


def test_maps_of_a_head_that_takes_means_sum_to_the_logit() -> None:
    network, pixels = as_trained(Fast(widths=((8, 8), (16, 16))), classes=4, size=16), varied(3, 16)
    network.head[0] = nn.AdaptiveAvgPool2d(1)
    with torch.inference_mode():
        logits = network(torch.tensor(pixels).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(predict_maps(network, pixels).sum((2, 3)), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_logits_and_features_of_the_one_pass_are_those_of_the_network(name: str) -> None:
    network, pixels = as_trained(HEADS[name], classes=5, size=16), torch.tensor(varied(6, 16)).permute(0, 3, 1, 2)
    seen: list[torch.Tensor] = []
    network.classifier.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        logits, features, _ = WithMaps(network)(pixels)
        assert torch.equal(logits, network(pixels))
    assert torch.equal(features, seen[-1])


def test_no_images_have_no_maps_and_the_mode_stays() -> None:
    network = as_trained(PLAIN, classes=3, size=16)
    network.train()
    assert predict_maps(network, np.zeros((0, 16, 16, 3), np.uint8)).shape == (0, 3, 4, 4)
    assert network.training


def test_a_head_with_another_layer_is_refused() -> None:
    network = as_trained(PLAIN, classes=3, size=16)
    network.head.append(nn.Sigmoid())
    with pytest.raises(UsageError, match="not defined for a head with Sigmoid"):
        WithMaps(network)
