"""The learning-rate finder: it finds a rate that works, and touches nothing."""

import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar import recipes
from seefar.data.images import Dataset
from seefar.training.network import new_network
from seefar.training.rate_finder import BELOW, HIGHEST, LOWEST, find_rate

CPU = torch.device("cpu")
RECIPE = recipes.change(recipes.find("tiny"), SMALL | {"batch_norm": True, "flip": "random"})


def test_the_network_and_the_global_random_state_are_left_alone() -> None:
    data = images(120, 0, "train")
    network = new_network(RECIPE, 0, data)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    find_rate(RECIPE, 0, data, network, CPU)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_rates_grow_evenly_and_the_suggestion_is_below_the_lowest_loss() -> None:
    data = images(120, 0, "train")
    curve = find_rate(RECIPE, 0, data, new_network(RECIPE, 0, data), CPU)
    rates = torch.tensor(curve.rates)
    assert len(curve.rates) == len(curve.losses) > 20
    assert LOWEST == curve.rates[0] < curve.rates[-1] <= HIGHEST * 1.001
    assert torch.allclose(rates[1:] / rates[:-1], rates[1] / rates[0], rtol=1e-3)
    assert curve.suggestion == curve.rates[curve.losses.index(min(curve.losses))] / BELOW
    assert min(curve.losses) < curve.losses[0]


def test_it_repeats_exactly(small_data: Dataset) -> None:
    first, second = (sf.find_rate(small_data, "tiny", **SMALL) for _ in range(2))
    assert first == second


def test_a_run_trained_with_the_suggestion_learns(small_data: Dataset, tmp_path: "object") -> None:
    rate = sf.find_rate(small_data, "tiny", **SMALL).suggestion
    run = sf.train(small_data, "tiny", out=f"{tmp_path}/run", quiet=True, **(SMALL | {"learning_rate": rate, "epochs": 8}))
    assert run.history()[-1]["validation_accuracy"] > 0.9
