"""Maps that are those of a direct forward, strongest first, and a path that ends where the prediction does."""

import numpy as np
import pytest
import torch
from torch import nn

from seefar.explaining.feature_maps import default_layers, path
from seefar.models import MODELS
from seefar.models.layers import Network
from seefar.models.predict import predict_with_features

SIZES = [16, 32, 48]


def network(model: str, size: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        built = MODELS[model](3, size, ((8, 20), (24,)), True, (0.0, 0.0), 0, (0.0, 0.0))
    built.initialise(torch.Generator().manual_seed(0), pictures(size))
    return built


def pictures(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", MODELS)
def test_maps_are_those_of_a_direct_forward(model: str, size: int) -> None:
    built = network(model, size).train()
    image = pictures(size)[0]
    found = path(built, image).stages
    assert built.training
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
            assert (np.diff(sizes) <= 1e-6).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", MODELS)
def test_the_path_ends_where_the_prediction_does(model: str, size: int) -> None:
    built = network(model, size).train()
    state = torch.random.get_rng_state()
    image = pictures(size)[1]
    found = path(built, image)
    logits, features = predict_with_features(built, image[None], torch.float32)
    np.testing.assert_allclose(found.logits, logits[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.features, features[0], rtol=1e-5, atol=1e-5)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.probabilities.argmax() == logits.argmax()
    assert built.training
    assert all(parameter.requires_grad for parameter in built.classifier.parameters())
    assert torch.equal(state, torch.random.get_rng_state())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in built.modules())


def test_planted_channels_come_first() -> None:
    built = network("fast", 16).eval()
    norm = [layer for layer in built.stages[1].modules() if isinstance(layer, nn.BatchNorm2d)][-1]
    norm.bias.data[5], norm.bias.data[9] = 300, 200
    stage = path(built, pictures(16)[0], most=2).stages[-1]
    assert stage.order[:2] == [5, 9]
    assert len(stage.maps) == 2
