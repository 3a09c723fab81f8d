"""The running average against its formula, and what it must leave alone."""

import copy

import torch
from torch import Tensor, nn

from seefar.networks.layers import Dropout
from seefar.training.averaging import Average


def small() -> nn.Sequential:
    """With float and integer buffers, a frozen layer, and a dropout that draws from a generator."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), Dropout(0.5), nn.Linear(4, 2))
    network[3].requires_grad_(False)
    network[2].generator = torch.Generator().manual_seed(5)
    return network


def disturb(network: nn.Module, seed: int) -> None:
    """Other weights and running statistics."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in [*network.parameters(), *network.buffers()]:
            if value.is_floating_point():
                value.normal_(generator=generator)
            else:
                value += 1


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_decay_0_is_the_weights_themselves() -> None:
    network = small()
    average = Average(network, 0.0)
    for seed in range(3):
        disturb(network, seed)
        average.update()
        assert same(state(average.network), state(network))


def test_the_average_follows_the_formula() -> None:
    network = small()
    average = Average(network, 0.4)
    expected = {name: value.double() for name, value in state(network).items()}
    for t in range(12):
        disturb(network, t)
        average.update()
        decay = min(0.4, (1 + t) / (10 + t))
        expected = {name: decay * expected[name] + (1 - decay) * value.double() for name, value in state(network).items()}
    assert average.updates == 12
    for name, value in state(average.network).items():
        if value.is_floating_point():
            assert torch.allclose(value.double(), expected[name], rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(value, network.state_dict()[name])


def test_a_young_average_has_forgotten_the_first_weights() -> None:
    network = nn.Linear(1, 1)
    nn.init.ones_(network.weight)
    average = Average(network, 0.9999)
    nn.init.zeros_(network.weight)
    for _ in range(20):
        average.update()
    assert average.network.weight.item() < 1e-4


def test_the_network_and_the_global_random_state_are_untouched() -> None:
    network = small().train()
    before, random_state = state(network), torch.get_rng_state()
    average = Average(network, 0.9)
    average.update()
    assert same(state(network), before)
    assert network.training
    assert torch.equal(torch.get_rng_state(), random_state)


def test_the_copy_shares_nothing_and_is_in_evaluation_mode() -> None:
    network = small().train()
    average = Average(network, 0.9)
    assert not any(layer.training for layer in average.network.modules())
    places = {value.data_ptr() for value in network.state_dict().values()}
    assert not places & {value.data_ptr() for value in average.network.state_dict().values()}
    drawn = network[2].generator.get_state()
    assert average.network[2].generator is not network[2].generator
    average.network.train()(torch.ones(4, 3))
    assert torch.equal(network[2].generator.get_state(), drawn)
    assert all(value.requires_grad is False for value in average.network[3].parameters())


def test_it_can_be_copied_in_the_middle_of_a_training() -> None:
    network = small().train()
    network(torch.ones(4, 3)).sum().backward()
    Average(network, 0.9).update()
    assert network[0].weight.grad is not None


def test_channels_last_weights_are_averaged_as_they_are() -> None:
    network = nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)
    average = Average(network, 0.0)
    nn.init.normal_(network.weight)
    average.update()
    assert torch.equal(average.network.weight, network.weight)
    assert average.network.weight.stride() == network.weight.stride()


def test_a_restored_average_goes_on_to_the_bit() -> None:
    network = small()
    average = Average(network, 0.6)
    for seed in range(3):
        disturb(network, seed)
        average.update()
    again = copy.deepcopy(network)
    restored = Average(again, 0.6)
    restored.network.load_state_dict(state(average.network))
    restored.updates = average.updates
    for seed in range(3, 6):
        disturb(network, seed)
        disturb(again, seed)
        average.update()
        restored.update()
    assert same(state(average.network), state(restored.network))
