"""Prediction: batches change nothing, the network is left as it was."""

import numpy as np
import pytest
import torch

from seefar import recipes
from seefar.networks.inference import predict, predict_with_features
from seefar.networks.vgg import Vgg


@pytest.fixture
def network() -> Vgg:
    """With everything that answers otherwise while training."""
    how = recipes.Vgg(widths=((8,), (8,)), batch_norm=True, spatial_dropout=0.2, dense=16, dropout=(0.5, 0.5))
    made = Vgg(how, 4, 16)
    made.initialise(torch.Generator().manual_seed(0), PIXELS)
    return made


PIXELS = np.random.default_rng(0).integers(0, 256, (23, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 7, 512])
def test_the_answers_do_not_depend_on_the_batch(network: Vgg, batch: int) -> None:
    assert np.allclose(predict(network, PIXELS, torch.float32, batch), predict(network, PIXELS, torch.float32, 23), atol=1e-5)


def test_pixels_arrive_in_the_right_place(network: Vgg) -> None:
    by_hand = network.eval()(torch.tensor(PIXELS).permute(0, 3, 1, 2)).detach().numpy()
    assert np.allclose(predict(network, PIXELS, torch.float32), by_hand, atol=1e-5)


def test_the_mode_is_as_before_even_after_an_error(network: Vgg) -> None:
    network.train()
    predict(network, PIXELS, torch.float32)
    assert network.training
    with pytest.raises(RuntimeError):
        predict(network, PIXELS[:, :8], torch.float32)
    assert network.training
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_read_only_pixels_are_fine(network: Vgg) -> None:
    pixels = PIXELS.copy()
    pixels.setflags(write=False)
    assert predict(network, pixels, torch.float32).dtype == np.float32


def test_features_are_what_the_last_layer_makes_the_logits_from(network: Vgg) -> None:
    logits, features = predict_with_features(network, PIXELS, torch.float32, batch=7)
    assert np.array_equal(logits, predict(network, PIXELS, torch.float32, batch=7))
    weights = network.classifier
    assert np.allclose(features @ weights.weight.detach().numpy().T + weights.bias.detach().numpy(), logits, atol=1e-4)
    assert not network.classifier._forward_pre_hooks
    assert predict_with_features(network, PIXELS[:1], torch.float32)[1].shape == (1, weights.in_features)


def test_after_an_error_no_hook_is_left(network: Vgg) -> None:
    with pytest.raises(RuntimeError):
        predict_with_features(network, PIXELS[:, :8], torch.float32)
    assert not network.classifier._forward_pre_hooks
