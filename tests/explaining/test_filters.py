"""Filters in their colours, and planted faults that are found where they were planted."""

import numpy as np
import pytest
import torch
from tests.explaining.small_networks import noise, small_network, state
from torch import nn

from seefar.errors import UsageError
from seefar.explaining.filters import LayerHealth, first_filters, health, roughness
from seefar.networks.fast import Whitening
from seefar.networks.layers import Network
from seefar.recipes import NETWORKS

WIDTHS = ((8, 8), (8,))


def smooth(built: Network) -> Network:
    """All its filters made of slow waves, each another mixture of channels: none is noise, none like another."""
    rng = np.random.default_rng(1)
    rise = np.array([-1.0, 0.0, 1.0])
    waves = np.stack([np.ones((3, 3)), np.tile(rise, (3, 1)), np.tile(rise[:, None], (1, 3))])
    for layer in built.stages.modules():
        if isinstance(layer, nn.Conv2d):
            mixture = rng.normal(size=(layer.out_channels, layer.in_channels, 3))
            mixture[:, :, 0] = np.abs(mixture[:, :, 0])  # else ReLU switches some off for good
            layer.weight.data = torch.tensor(np.einsum("oiw,wab->oiab", mixture, waves) / 10, dtype=torch.float32)
    return built


def test_whitening_filters_are_the_buffer_in_colours() -> None:
    built = small_network("fast", widths=WIDTHS)
    built.scale.deviation.copy_(torch.tensor([0.1, 0.2, 0.4]))
    found = first_filters(built)
    assert found.kind == "whitening"
    assert found.pixels.shape == (24, 2, 2, 3)
    stem = built.stem[0]  # type: ignore[index]
    assert isinstance(stem, Whitening)
    weights = stem.weight.numpy() / np.array([0.1, 0.2, 0.4], np.float32).reshape(3, 1, 1)
    assert found.scale == pytest.approx(np.abs(weights).max())
    shown = (found.pixels.astype(float) - 128) / 127 * found.scale
    assert np.abs(shown - weights[found.order].transpose(0, 2, 3, 1)).max() <= found.scale / 127
    lengths = np.linalg.norm(weights.reshape(24, -1), axis=1)[found.order]
    assert (np.diff(lengths) <= 1e-4 * lengths[0]).all()


def test_the_colours_are_those_that_excite_the_filter() -> None:
    built = small_network("vgg", widths=WIDTHS)
    built.scale.mean.fill_(0.5)
    built.scale.deviation.copy_(torch.tensor([1.0, 0.1, 1.0]))
    first = built.stages[0][0]  # type: ignore[index]
    first.weight.data.zero_()
    # Its green counts twice its red once the scale is undone
    first.weight.data[2] = torch.tensor([1.0, 0.2, 0.0]).view(3, 1, 1)
    found = first_filters(built)
    assert (found.kind, found.order[0], found.scale) == ("learned", 2, pytest.approx(2))
    assert found.pixels[0, 1, 1].tolist() == [192, 255, 128]
    assert (found.pixels[1:] == 128).all()


@pytest.mark.parametrize("model", NETWORKS)
def test_a_smooth_network_of_different_filters_is_healthy(model: str) -> None:
    found = health(smooth(small_network(model, widths=WIDTHS)), noise(12))
    assert [row.filters for row in found] == [8, 8, 8]
    assert all(not row.dead and not row.duplicates and not row.noisy for row in found), found


@pytest.mark.parametrize("model", NETWORKS)
def test_planted_faults_are_found_where_they_are(model: str) -> None:
    built = smooth(small_network(model, widths=WIDTHS))
    second = [name for name, layer in built.named_modules() if isinstance(layer, nn.Conv2d)][1]
    layer = built.get_submodule(second)
    assert isinstance(layer, nn.Conv2d)
    board = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]])
    layer.weight.data[1] = 0
    layer.weight.data[4] = 3 * layer.weight.data[2] + 1e-4
    if model == "fast":  # the negative is a duplicate, too; with a high shift GELU lets it through
        layer.weight.data[4] *= -1
        built.get_submodule("stages.0.5").bias.data[4] = 1000  # type: ignore[union-attr, operator, index]
    layer.weight.data[6] = board * torch.linspace(-0.3, 0.3, 8).view(8, 1, 1)
    found = {row.layer: row for row in health(built, noise(12))}
    assert found.pop(second) == LayerHealth(second, 8, [1], [[2, 4]], [6])
    assert all(not row.dead and not row.duplicates and not row.noisy for row in found.values())


def test_a_filter_that_a_shift_switches_off_is_dead_whatever_its_weights() -> None:
    built = smooth(small_network("fast", widths=WIDTHS))
    norm = built.get_submodule("stages.1.2")
    assert isinstance(norm, nn.BatchNorm2d)
    norm.bias.data[5] = -1e4
    assert [row.dead for row in health(built, noise(12))] == [[], [], [5]]


def test_behind_a_residual_the_filter_itself_is_judged_not_what_is_added() -> None:
    built = smooth(small_network("fast", widths=((8, 8, 8), (8,))))
    last = [name for name, layer in built.stages[0].named_modules() if isinstance(layer, nn.Conv2d)][-1]
    built.stages[0].get_submodule(last).weight.data[3] = 0  # type: ignore[union-attr, operator, index]
    assert [row.dead for row in health(built, noise(12))] == [[], [], [3], []]


def test_noise_is_as_rough_as_a_third_and_hardly_ever_called_noisy() -> None:
    rough = roughness(np.random.default_rng(0).normal(size=(2000, 3, 3, 3)))
    assert rough.mean() == pytest.approx(1 / 3, abs=0.01)
    assert roughness(np.ones((1, 1, 3, 3)))[0] == pytest.approx(0, abs=1e-12)
    delta = np.zeros((1, 1, 3, 3))
    delta[0, 0, 1, 1] = 1
    assert roughness(delta)[0] == pytest.approx(4 / 9)


@pytest.mark.parametrize("size", [16, 32, 48])
@pytest.mark.parametrize("model", NETWORKS)
def test_every_model_can_be_looked_at_and_is_as_it_was(model: str, size: int) -> None:
    built = small_network(model, size, WIDTHS).train()
    before = state(built)
    found = health(built, noise(3, size))
    first_filters(built)
    assert [row.layer for row in found] == [n for n, layer in built.named_modules() if isinstance(layer, nn.Conv2d)]
    assert state(built) == before


def test_without_images_nothing_can_be_said() -> None:
    with pytest.raises(UsageError, match="give at least one"):
        health(small_network("vgg", widths=WIDTHS), noise(0))
