"""Maps that are those of a direct forward, strongest first, and a path that ends where the prediction does."""

import numpy as np
import pytest
import torch
from tests.explaining.small_networks import noise, small_network, state
from torch import nn

from seefar.explaining.feature_maps import default_layers, path
from seefar.metrics import softmax
from seefar.networks.inference import predict_with_features
from seefar.networks.layers import Network
from seefar.recipes import NETWORKS

SIZES = [16, 32, 48]


def network(model: str, size: int) -> Network:
    return small_network(model, size, ((8, 20), (24,)), **({"batch_norm": True} if model == "vgg" else {}))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", NETWORKS)
def test_maps_are_those_of_a_direct_forward(model: str, size: int) -> None:
    built = network(model, size).train()
    image = noise(4, size)[0]
    found = path(built, image).stages
    assert [stage.layer for stage in found] == default_layers(built)
    assert [stage.layer for stage in found if stage.layer == "stem.0"] == (["stem.0"] if model == "fast" else [])
    built.eval()
    with torch.no_grad():
        values = built.stem(built.scale(torch.tensor(image).permute(2, 0, 1)[None]))
        expected = [values.clone()] if model == "fast" else []
        for stage in built.stages:
            values = stage(values)
            expected.append(values)
    for stage, whole in zip(found, expected, strict=True):
        maps = whole[0].numpy()
        assert stage.shape == maps.shape
        assert stage.maps.dtype == np.float32
        assert len(stage.maps) == min(16, len(maps))
        assert sorted(stage.order) == list(range(len(maps)))
        kept = stage.maps.clip(0) if stage.layer == "stem.0" else stage.maps  # the stem's own ReLU may follow or not
        np.testing.assert_allclose(kept, maps[stage.order[: len(kept)]], rtol=1e-5, atol=1e-5)
        if stage.layer != "stem.0":
            sizes = np.abs(maps[stage.order]).mean((1, 2))
            assert (np.diff(sizes) <= 1e-5 * sizes[0]).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", NETWORKS)
def test_the_path_ends_where_the_prediction_does(model: str, size: int) -> None:
    built = network(model, size).train()
    image, before = noise(4, size)[1], state(built)
    found = path(built, image)
    logits, features = predict_with_features(built, image[None], torch.float32)
    np.testing.assert_allclose(found.features, features[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, softmax(logits)[0], rtol=1e-4)
    assert state(built) == before


def test_planted_channels_come_first() -> None:
    built = network("fast", 16).eval()
    norm = [layer for layer in built.stages[1].modules() if isinstance(layer, nn.BatchNorm2d)][-1]
    norm.bias.data[5], norm.bias.data[9] = 300, 200
    stage = path(built, noise(4)[0], most=2).stages[-1]
    assert stage.order[:2] == [5, 9]
    assert len(stage.maps) == 2
