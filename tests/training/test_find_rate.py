"""The learning-rate finder: it finds a rate that works, and touches nothing."""

import importlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DivergedError
from seefar.training.events import Step
from seefar.training.find_rate import BELOW, HIGHEST, LOWEST, RateCurve

MODULE = importlib.import_module("seefar.training.find_rate")
FIELDS = SMALL | {"batch_norm": True, "flip": "random"}


def test_rates_grow_evenly_and_the_suggestion_is_below_the_lowest_loss(small_data: Dataset) -> None:
    state = torch.get_rng_state()
    curve = sf.find_rate(small_data, "tiny", **FIELDS)
    rates = torch.tensor(curve.rates)
    assert len(curve.rates) == len(curve.losses) > 20
    assert LOWEST == curve.rates[0] < curve.rates[-1] <= HIGHEST * 1.001
    assert torch.allclose(rates[1:] / rates[:-1], rates[1] / rates[0], rtol=1e-3)
    assert curve.suggestion == curve.rates[curve.losses.index(min(curve.losses))] / BELOW
    assert min(curve.losses) < curve.losses[0]
    assert curve.title.startswith("colours, recipe tiny+")
    assert torch.equal(state, torch.get_rng_state())
    assert sf.find_rate(small_data, "tiny", **FIELDS) == curve, "it repeats exactly"


def test_a_run_trained_with_the_suggestion_learns(small_data: Dataset, tmp_path: Path) -> None:
    rate = sf.find_rate(small_data, "tiny", **SMALL).suggestion
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"learning_rate": rate, "epochs": 8}))
    assert run.history()[-1]["validation_accuracy"] > 0.9


def trial_with(losses: list[float], data: Dataset, monkeypatch: pytest.MonkeyPatch) -> RateCurve:
    """What the finder makes of a training with these losses."""

    def epoch(_learner: object, _batches: object, _epoch: int, rate_at: Callable[[int], float]) -> Iterator[Step]:
        for number, loss in enumerate(losses, start=1):
            yield Step(number, torch.tensor(loss), torch.tensor(0), 16, rate_at(number))

    monkeypatch.setattr(MODULE, "train_epoch", epoch)
    return sf.find_rate(data, "tiny", **FIELDS)


@pytest.mark.parametrize("end", [math.nan, math.inf, 1000.0])
def test_the_trial_ends_where_the_loss_leaves_the_numbers_or_doubles(
    small_data: Dataset, end: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = trial_with([2.0, 1.0, 0.5, end, 0.1], small_data, monkeypatch)
    assert len(curve.rates) == len(curve.losses) == 3
    assert all(math.isfinite(loss) for loss in curve.losses)
    assert curve.suggestion == curve.rates[2] / BELOW


def test_a_first_loss_that_is_no_number_is_not_blamed_on_the_rate(small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DivergedError, match=r"the loss is nan in the first step.*precision=fp32"):
        trial_with([math.nan], small_data, monkeypatch)
