"""Test-time augmentation: weights sum to one, the views are those that the names say, and prediction takes their mean."""

import numpy as np
import pytest
import torch

from seefar import recipes
from seefar.networks.inference import predict
from seefar.networks.tta import VIEWS
from seefar.networks.vgg import Vgg

PIXELS = torch.randint(0, 256, (5, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize(("name", "views"), [("none", 1), ("flip", 2), ("shift", 6)])
def test_weights_sum_to_one_and_views_have_the_form_of_the_images(name: str, views: int) -> None:
    found = VIEWS[name](PIXELS)
    assert len(found) == views
    assert sum(weight for weight, _ in found) == pytest.approx(1)
    assert all(view.shape == PIXELS.shape and view.dtype == torch.uint8 for _, view in found)
    assert torch.equal(found[0][1], PIXELS)


def test_a_flip_shows_the_mirror_image() -> None:
    assert torch.equal(VIEWS["flip"](PIXELS)[1][1], PIXELS.flip(3))


def test_a_shift_shows_both_moved_by_a_pixel_each_way() -> None:
    views = VIEWS["shift"](PIXELS)
    assert [weight for weight, _ in views] == [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    up, down = views[2][1], views[4][1]
    assert torch.equal(up[:, :, :-1, :-1], PIXELS[:, :, 1:, 1:])
    assert torch.equal(up[:, :, -1, :-1], PIXELS[:, :, -2, 1:])  # reflected: the edge itself is not repeated
    assert torch.equal(down[:, :, 1:, 1:], PIXELS[:, :, :-1, :-1])
    assert torch.equal(views[3][1], up.flip(3))
    assert torch.equal(views[5][1], down.flip(3))


@pytest.mark.parametrize("name", VIEWS)
def test_prediction_takes_the_mean_over_the_views(name: str) -> None:
    network = Vgg(recipes.Vgg(widths=((8,), (8,)), batch_norm=True), 4, 16)
    network.initialise(torch.Generator().manual_seed(0), PIXELS.permute(0, 2, 3, 1).numpy())
    network.eval()
    with torch.inference_mode():
        expected = sum(weight * network(view) for weight, view in VIEWS[name](PIXELS))
    found = predict(network, PIXELS.permute(0, 2, 3, 1).numpy(), torch.float32, batch=2, tta=name)
    assert np.allclose(found, expected, atol=1e-5)
