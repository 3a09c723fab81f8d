"""Scale, the two kinds of dropout, and the first weights."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from seefar.networks.layers import Dropout, Network, Scale, SpatialDropout, use_generator


def test_scale_brings_pixels_to_zero_and_one_unless_told_otherwise() -> None:
    scale = Scale()
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    assert torch.allclose(scale(pixels)[0, 0, 0], torch.tensor([0.0, 0.2, 1.0]))
    scale.mean.fill_(0.2)
    scale.deviation.fill_(0.5)
    assert torch.allclose(scale(pixels)[0, 0, 0], torch.tensor([-0.4, 0.0, 1.6]))
    assert set(scale.state_dict()) == {"mean", "deviation"}


def test_dropout_drops_the_share_and_keeps_the_mean() -> None:
    layer = Dropout(0.3).train()
    use_generator(layer, torch.Generator().manual_seed(1))
    values = layer(torch.ones(100_000))
    assert values.eq(0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert values.mean().item() == pytest.approx(1, abs=0.01)
    assert values.unique().tolist() == pytest.approx([0, 1 / 0.7])


def test_whole_channels_are_dropped_and_the_mean_is_kept() -> None:
    layer = SpatialDropout(0.3).train()
    use_generator(layer, torch.Generator().manual_seed(1))
    values = layer(torch.ones(500, 40, 3, 2))
    kept = values[:, :, 0, 0]
    assert torch.equal(values, kept[:, :, None, None].expand(500, 40, 3, 2))
    assert kept.eq(0).float().mean().item() == pytest.approx(0.3, abs=0.015)
    assert kept.mean().item() == pytest.approx(1, abs=0.02)
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert 0.2 < kept.eq(0).float().mean(0).min() < kept.eq(0).float().mean(0).max() < 0.4  # each channel, each image its own


def test_gradients_pass_where_values_pass() -> None:
    for layer in (Dropout(0.5).train(), SpatialDropout(0.5).train()):
        use_generator(layer, torch.Generator().manual_seed(1))
        values = torch.ones(4, 8, 3, 3, requires_grad=True)
        result = layer(values)
        result.sum().backward()
        assert torch.equal(values.grad, result)


@pytest.mark.parametrize("kind", [Dropout, SpatialDropout])
def test_processes_together_drop_what_one_would(kind: type[Dropout]) -> None:
    """Two layers in a row, so that the order of drawing counts; parts of unequal size, as a last batch has."""
    network = nn.Sequential(kind(0.5), kind(0.3)).train()
    values = torch.rand(10, 6, 4, 4) + 1
    use_generator(network, torch.Generator().manual_seed(1))
    whole = network(values)
    parts = []
    for start, stop in ((0, 4), (4, 7), (7, 10)):
        use_generator(network, torch.Generator().manual_seed(1), (start, stop, 10))
        parts.append(network(values[start:stop]))
    assert torch.equal(torch.cat(parts), whole)
    use_generator(network, torch.Generator().manual_seed(1))
    assert torch.equal(network(values), whole)


@pytest.mark.parametrize("kind", [Dropout, SpatialDropout])
@pytest.mark.parametrize("form", [torch.bfloat16, torch.float64])
def test_a_seed_drops_the_same_in_every_number_format(kind: type[Dropout], form: torch.dtype) -> None:
    layer = kind(0.4).train()
    results = []
    for made in (torch.float32, form):
        use_generator(layer, torch.Generator().manual_seed(1))
        results.append(layer(torch.ones(8, 20, 3, 3, dtype=made)))
    assert results[1].dtype == form
    assert torch.equal(results[0] == 0, results[1] == 0)


def test_dropout_does_nothing_in_evaluation() -> None:
    values = torch.randn(10, 4, 2, 2)
    for kind in (Dropout, SpatialDropout):
        assert torch.equal(kind(0.9).eval()(values), values)
        assert torch.equal(kind(0.0).train()(values), values)


def test_dropout_depends_on_its_generator_and_leaves_the_global_one_alone() -> None:
    layer = nn.Sequential(Dropout(0.5)).train()
    before = torch.get_rng_state()
    outputs = []
    for seed in (1, 1, 2):
        use_generator(layer, torch.Generator().manual_seed(seed))
        outputs.append(layer(torch.ones(64)))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(before, torch.get_rng_state())


def test_first_weights_fill_glorots_range() -> None:
    network = Network()
    network.stages = nn.Sequential(nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16))
    network.head = nn.Sequential(nn.Linear(50, 40), nn.Linear(40, 4, bias=False))
    network.initialise(torch.Generator().manual_seed(5), np.zeros((1, 8, 8, 3), np.uint8))
    for layer, inputs, outputs in ((network.stages[0], 8 * 9, 16 * 9), (network.head[0], 50, 40)):
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.9 * bound < layer.weight.abs().max().item() <= bound
        assert not layer.bias.any()
