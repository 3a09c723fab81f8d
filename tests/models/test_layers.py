"""Scale, Dropout and the first weights."""

import math

import pytest
import torch
from torch import nn

from seefar.models.layers import Dropout, Scale, initialise, use_generator


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


def test_dropout_does_nothing_in_evaluation() -> None:
    values = torch.randn(10)
    assert torch.equal(Dropout(0.9).eval()(values), values)
    assert torch.equal(Dropout(0.0).train()(values), values)


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


def test_first_weights_depend_on_the_generator_alone_and_fill_glorots_range() -> None:
    layers = [nn.Sequential(nn.Conv2d(8, 16, 3), nn.Linear(50, 40)) for _ in range(2)]
    for layer in layers:
        initialise(layer, torch.Generator().manual_seed(5))
    assert all(torch.equal(a, b) for a, b in zip(layers[0].parameters(), layers[1].parameters(), strict=True))
    for layer, inputs, outputs in ((layers[0][0], 8 * 9, 16 * 9), (layers[0][1], 50, 40)):
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.9 * bound < layer.weight.abs().max().item() <= bound
        assert not layer.bias.any()
