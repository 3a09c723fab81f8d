"""The learning-rate finder: it finds a rate that works, and touches nothing."""

import math
from collections.abc import Iterator

import pytest
import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar import recipes
from seefar.data.images import Dataset
from seefar.errors import DivergedError
from seefar.training import rate_finder
from seefar.training.loop import Step
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


def trial_with(losses: list[float], monkeypatch: pytest.MonkeyPatch) -> rate_finder.RateCurve:
    """What the finder makes of a training with these losses, again and again from epoch to epoch."""

    def epoch(*given: object) -> Iterator[Step]:
        rate_at = given[4]
        for number, loss in enumerate(losses, start=1):
            yield Step(number, torch.tensor(loss), torch.tensor(0), 16, rate_at(number))  # type: ignore[operator]

    monkeypatch.setattr(rate_finder, "train_epoch", epoch)
    data = images(120, 0, "train")
    return find_rate(RECIPE, 0, data, new_network(RECIPE, 0, data), CPU)


@pytest.mark.parametrize("end", [math.nan, math.inf, 1000.0])
def test_the_trial_ends_where_the_loss_leaves_the_numbers_or_doubles(end: float, monkeypatch: pytest.MonkeyPatch) -> None:
    curve = trial_with([2.0, 1.0, 0.5, end, 0.1], monkeypatch)
    assert len(curve.rates) == len(curve.losses) == 3
    assert all(math.isfinite(loss) for loss in curve.losses)
    assert curve.suggestion == curve.rates[2] / BELOW


def test_a_first_loss_that_is_no_number_is_not_blamed_on_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DivergedError, match=r"the loss is nan in the first step.*precision=fp32"):
        trial_with([math.nan], monkeypatch)
