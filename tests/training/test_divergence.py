"""A loss that is NaN or infinite is found, named with step, rate and last finite loss, and never saved."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DivergedError
from seefar.training import loop
from seefar.training.divergence import EVERY, Watch, check_epoch
from seefar.training.events import Step


def step(number: int, loss: float) -> Step:
    return Step(number, torch.tensor(loss), torch.tensor(0), 1, 0.1)


def test_the_first_bad_step_is_named_with_the_loss_before_it() -> None:
    watch = Watch()
    for number, loss in enumerate([1.0, 0.5, math.nan, 0.4, math.inf], start=1):
        watch.see(step(number, loss))
    with pytest.raises(
        DivergedError, match=r"the loss is nan in step 3, at learning rate 0.1; the last before it was 0.5;"
    ) as caught:
        watch.look()
    assert caught.value.exit_code == 5


def test_bad_from_the_start_there_is_none_before() -> None:
    watch = Watch()
    watch.see(step(1, math.inf))
    with pytest.raises(DivergedError, match=r"the loss is inf in step 1, .* there was none before"):
        watch.look()


def test_it_looks_by_itself_now_and_then_and_not_in_between() -> None:
    watch = Watch()
    for number in range(1, EVERY):
        watch.see(step(number, math.nan))
    with pytest.raises(DivergedError, match="in step 1,"):
        watch.see(step(EVERY, 1.0))


@pytest.mark.parametrize(
    ("loss", "validation", "sentence"),
    [
        (math.nan, 1.0, "the training loss of epoch 3 is nan"),
        (1.0, math.inf, "the validation loss of epoch 3 is inf"),
        (100.0, 1.0, "the training loss of epoch 3 is 100 (guessing evenly gives 2.30)"),  # fault 112
    ],
)
def test_an_epoch_that_left_the_numbers_or_is_far_worse_than_guessing(loss: float, validation: float, sentence: str) -> None:
    with pytest.raises(DivergedError) as caught:
        check_epoch(3, loss, validation, 0.1, classes=10)
    assert sentence in str(caught.value)


def test_an_ordinary_epoch_passes() -> None:
    check_epoch(1, 2.5, 50.0, 0.1, classes=10)  # an untrained average may be far off on validation


def test_a_rate_of_a_million_ends_with_code_5_and_the_checkpoint_before_is_untouched(
    small_data: Dataset, tmp_path: Path
) -> None:
    """Fault 111, in the first epoch: nothing was finished, and the state of the start is still there."""
    with pytest.raises(DivergedError):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"learning_rate": 100, "optimiser": "sgd"}))
    run = sf.open_run(tmp_path / "run")
    assert not run.has("manifest.json")
    assert [path.name for path in sorted((run.path / "state").iterdir())] == ["000000000.json", "000000000.safetensors"]


def test_nan_in_the_weights_after_some_epochs_is_not_saved(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 111, in the third epoch: state, weights and history of the second stay."""
    real, calls = loop.set_rate, 0

    def spoil(optimiser: torch.optim.Optimizer, rate: float) -> None:
        nonlocal calls
        calls += 1
        real(optimiser, rate if calls != 17 else math.nan)

    monkeypatch.setattr(loop, "set_rate", spoil)
    with pytest.raises(DivergedError, match="the loss is nan in step 18"):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    run = sf.open_run(tmp_path / "run")
    run.verify()
    assert run.ended() == "diverged"
    assert max(path.stem for path in (run.path / "state").iterdir()) == "000000014"
    assert len(run.history()) == 2
    assert np.isfinite(sf.evaluate(run, "validation", data=small_data).loss)
