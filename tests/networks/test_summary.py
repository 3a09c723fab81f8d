"""The table of layers against arithmetic and torch's own counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.networks.summary import summarise
from seefar.recipes import AnyNetwork, Fast, Vgg

TWO = ((8,), (16, 16))


def plain(*widths: tuple[int, ...]) -> Network:
    return build_network(Vgg(widths=widths, dense=32, dropout=(0.1, 0.1)), 10, 32)


@pytest.mark.parametrize(
    "how",
    [
        Vgg(widths=TWO, dense=32, dropout=(0.1, 0.1)),
        Vgg(widths=TWO, batch_norm=True, spatial_dropout=0.2, dense=32, dropout=(0.1, 0.1)),
        Vgg(widths=TWO, batch_norm=True, spatial_dropout=0.2, dropout=(0.1, 0.0)),
        Fast(widths=((8, 16), (16, 16))),
        Fast(widths=((8, 8, 8), (16, 16, 16))),
        Fast(widths=((8, 8), (16, 16)), residual=True, patterns=8),
    ],
)
def test_parameters_and_multiply_adds_are_those_torch_counts(how: AnyNetwork) -> None:
    network = build_network(how, 10, 32).eval()
    rows = summarise(network, 32)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    assert 2 * sum(row.multiply_adds for row in rows) == counter.get_total_flops()


def test_the_rows_stand_in_the_order_of_the_image_with_its_shapes() -> None:
    rows = summarise(plain((8,), (16,)), 32)
    assert [(row.kind, row.shape) for row in rows[:4]] == [
        ("Scale", (3, 32, 32)),
        ("Conv2d", (8, 32, 32)),
        ("MaxPool2d", (8, 16, 16)),
        ("ReLU", (8, 16, 16)),
    ]
    assert rows[-1].shape == (10,)


def test_the_whitening_and_the_sum_of_a_residual_stage_have_their_place() -> None:
    rows = summarise(build_network(Fast(widths=((8, 8, 8),)), 10, 32), 32)
    assert [(row.kind, row.shape, row.parameters) for row in rows[:4]] == [
        ("Scale", (3, 32, 32), 0),
        ("Whitening", (24, 31, 31), 0),
        ("ReLU", (24, 31, 31), 0),
        ("Conv2d", (8, 31, 31), 24 * 9 * 8),
    ]
    assert rows[1].multiply_adds == 24 * 12 * 31 * 31


def test_the_network_is_left_as_it_was() -> None:
    network = plain((8,)).train()
    summarise(network, 32)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
