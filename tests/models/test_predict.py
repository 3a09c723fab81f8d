"""Prediction: batches change nothing, the network is left as it was."""

import numpy as np
import pytest
import torch

from seefar.models.layers import initialise
from seefar.models.plain import Plain
from seefar.models.predict import predict


@pytest.fixture
def network() -> Plain:
    made = Plain(4, 16, ((8,), (8,)), 16, (0.5, 0.5))
    initialise(made, torch.Generator().manual_seed(0))
    return made


PIXELS = np.random.default_rng(0).integers(0, 256, (23, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 7, 512])
def test_the_answers_do_not_depend_on_the_batch(network: Plain, batch: int) -> None:
    assert np.allclose(predict(network, PIXELS, torch.float32, batch), predict(network, PIXELS, torch.float32, 23), atol=1e-5)


def test_pixels_arrive_in_the_right_place(network: Plain) -> None:
    by_hand = network.eval()(torch.tensor(PIXELS).permute(0, 3, 1, 2)).detach().numpy()
    assert np.allclose(predict(network, PIXELS, torch.float32), by_hand, atol=1e-5)


def test_the_mode_is_as_before_even_after_an_error(network: Plain) -> None:
    network.train()
    predict(network, PIXELS, torch.float32)
    assert network.training
    with pytest.raises(RuntimeError):
        predict(network, PIXELS[:, :8], torch.float32)
    assert network.training
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_read_only_pixels_are_fine(network: Plain) -> None:
    pixels = PIXELS.copy()
    pixels.setflags(write=False)
    assert predict(network, pixels, torch.float32).dtype == np.float32
