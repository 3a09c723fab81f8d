"""The table of layers against arithmetic and torch's own counts."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from seefar.models.plain import Plain
from seefar.models.summary import summarise


def test_parameters_and_multiply_adds_are_those_torch_counts() -> None:
    network = Plain(10, 32, ((8,), (16, 16)), 32, (0.1, 0.1))
    rows = summarise(network, 32)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    assert 2 * sum(row.multiply_adds for row in rows) == counter.get_total_flops()


def test_the_rows_stand_in_the_order_of_the_image_with_its_shapes() -> None:
    rows = summarise(Plain(10, 32, ((8,), (16,)), 32, (0.1, 0.1)), 32)
    assert [(row.kind, row.shape) for row in rows[:4]] == [
        ("Scale", (3, 32, 32)),
        ("Conv2d", (8, 32, 32)),
        ("MaxPool2d", (8, 16, 16)),
        ("ReLU", (8, 16, 16)),
    ]
    assert rows[-1].shape == (10,)


def test_the_network_is_left_as_it_was() -> None:
    network = Plain(10, 32, ((8,),), 32, (0.1, 0.1)).train()
    summarise(network, 32)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
