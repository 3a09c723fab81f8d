"""From a plan to a run folder: it learns, saves as it goes, keeps the best, and keeps to its budget."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images
from tests.training.plans import FAST, TINY, new_plan
from torch import nn

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DivergedError, StoppedError
from seefar.networks.fast import Fast
from seefar.recipe_fields import change, find
from seefar.runs.checkpoint_files import newest_checkpoint
from seefar.training import fit as fit_module
from seefar.training.events import Epoch, Step
from seefar.training.fit import fit
from seefar.training.machine import Machine
from seefar.training.pace import ByClock
from seefar.training.plan import Plan
from seefar.training.schedules import SCHEDULES


def train(data: Dataset, out: Path, seed: int = 0, **changes: Any) -> sf.Run:
    return sf.train(data, "tiny", seed, out=out, quiet=True, **(SMALL | changes))


def events_of(plan: Plan) -> tuple[list[Step], list[Epoch]]:
    """All that a training yields."""
    events = list(fit(plan))
    return [e for e in events if isinstance(e, Step)], [e for e in events if isinstance(e, Epoch)]


def test_an_easy_task_is_learned(small_data: Dataset, tmp_path: Path) -> None:
    last = train(small_data, tmp_path / "run", epochs=6).history()[-1]
    assert last["validation_accuracy"] > 0.9
    assert last["loss"] < 0.7


def test_events_are_steps_and_after_each_epoch_one_that_adds_them_up(small_data: Dataset, tmp_path: Path) -> None:
    plan = new_plan(small_data, tmp_path / "run")
    events = list(fit(plan))
    steps, epochs = [e for e in events if isinstance(e, Step)], [e for e in events if isinstance(e, Epoch)]
    assert [step.number for step in steps] == list(range(1, 3 * 7 + 1))
    assert isinstance(events[7], Epoch)
    first = steps[:7]
    assert epochs[0].loss == pytest.approx(sum(s.loss.item() * s.images for s in first) / 108, rel=1e-6)
    assert epochs[0].accuracy == sum(s.correct.item() for s in first) / 108
    assert [row["validation_loss"] for row in plan.run.history()] == [epoch.validation_loss for epoch in epochs]


def test_stopping_in_between_leaves_the_epochs_so_far(small_data: Dataset, tmp_path: Path) -> None:
    plan = new_plan(small_data, tmp_path / "run")
    for event in fit(plan):
        if isinstance(event, Epoch) and event.number == 2:
            break
    plan.run.verify()
    assert plan.run.ended() == ""
    assert len(plan.run.history()) == 2


def test_a_budget_is_kept_by_the_clock_whatever_the_epochs(small_data: Dataset, tmp_path: Path) -> None:
    """Every look at this clock takes a tenth of a second: rate and end follow it, and nothing else decides."""
    recipe, moment = change(TINY, {"epochs": 1, "budget": 10.0, "schedule": "linear"}), 0.0

    def tick() -> float:
        nonlocal moment
        moment += 0.1
        return moment

    plan = new_plan(small_data, tmp_path / "run", recipe, clock=ByClock(10.0, 0.0, now=tick))
    steps, epochs = events_of(plan)
    assert len(epochs) > 2
    assert [epoch.ending for epoch in epochs] == [""] * (len(epochs) - 1) + ["budget"]
    assert plan.run.ended() == "budget"
    rates = [step.rate for step in steps]
    assert rates == sorted(rates, reverse=True)
    assert 0 <= rates[-1] < 0.1 * recipe.optimisation.learning_rate
    assert 9 < moment < 11
    last = steps[sum(step.number <= steps[-1].number for step in steps) - (len(steps) - 7 * (len(epochs) - 1)) :]
    assert epochs[-1].accuracy == pytest.approx(sum(s.correct.item() for s in last) / sum(s.images for s in last))


def test_a_budget_that_was_broken_off_goes_on_with_what_is_left_of_it(small_data: Dataset, tmp_path: Path) -> None:
    recipe, asked = change(TINY, {"budget": 10.0}), 0

    def leave() -> int:
        nonlocal asked
        asked += 1
        return 15 if asked == 10 else 0

    plan = new_plan(small_data, tmp_path / "run", recipe, clock=ByClock(10.0, 0.0, now=lambda: 4.0))
    with pytest.raises(StoppedError):
        list(fit(plan, leave))
    checkpoint, _ = newest_checkpoint(plan.run)
    went = plan.run.read("timing.json")["budget"]
    assert went["before the first step"] == 4.0
    assert went["in steps"] > 0
    clock = ByClock(10.0, 100.0, now=lambda: 106.5)  # 6.5 seconds after it was taken up, which makes 10.5
    steps, epochs = events_of(new_plan(small_data, tmp_path / "run", recipe, checkpoint=checkpoint, clock=clock))
    assert clock.began == 96
    assert (len(steps), len(epochs)) == (1, 1)
    assert plan.run.read("timing.json")["budget"]["before the first step"] == 4.0 + 6.5
    assert plan.run.ended() == "budget"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")  # torch's own, within torch.compile
def test_a_compiled_training_gives_the_same_up_to_rounding(small_data: Dataset, tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler, and there is no g++ here")
    changes = {
        "epochs": 1,
        "batch_size": 16,
        "precision": "fp32",
        "optimiser": "sgd",
        "learning_rate": 0.01,
        **FAST,
        "widths": [[8]],
    }
    plain, compiled = (
        sf.train(small_data, "tiny", out=tmp_path / str(c), quiet=True, compiled=c, **changes) for c in (False, True)
    )
    one, other = (safetensors.torch.load_file(run.path / "weights" / "last.safetensors") for run in (plain, compiled))
    assert one.keys() == other.keys()
    assert all(torch.allclose(one[name], other[name], rtol=1e-3, atol=1e-5) for name in one)
    assert compiled.read("environment.json")["compiled"]


def test_images_are_shown_at_the_recipes_resolution(small_data: Dataset, tmp_path: Path) -> None:
    recipe = change(TINY, FAST | {"resolution": [[0, 0.5], [0.4, 1]], "epochs": 2})
    sides: list[int] = []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, inputs, output: (
            sides.append(inputs[0].shape[2]) if isinstance(module, Fast) and module.training else None
        )
    )
    try:
        list(fit(new_plan(small_data, tmp_path / "run", recipe)))
    finally:
        hook.remove()
    assert sides == [8] * 6 + [16] * 8  # 14 steps; step 7 begins when 6/14 = 0.43 are done


def test_fast_starts_in_bf16_as_in_float32_but_for_rounding(tmp_path: Path) -> None:
    """Ten steps, in which the loss falls by a quarter of a nat. Where the processor has no bf16, torch emulates it."""
    data = Dataset("noise", images(400, 0, "train", 10), images(10, 1, "test", 10), "made up")
    changes = {"widths": [[16, 16], [32, 32]], "batch_size": 36, "epochs": 1, "resolution": [[0, 1]]}
    losses = {}
    for precision in (torch.float32, torch.bfloat16):
        machine = Machine(torch.device("cpu"), precision)
        steps, _ = events_of(new_plan(data, tmp_path / str(precision), change(find("fast"), changes), machine=machine))
        losses[precision] = [step.loss.item() for step in steps]
    exact, rounded = losses.values()
    assert exact[0] - exact[-1] > 0.15
    assert rounded != exact
    assert rounded[0] == pytest.approx(exact[0], abs=0.003)
    assert rounded == pytest.approx(exact, abs=0.04)


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
def test_the_best_epoch_by_the_monitor_is_kept(small_data: Dataset, tmp_path: Path, monitor: str) -> None:
    run = train(small_data, tmp_path / "run", epochs=5, learning_rate=0.02, monitor=monitor)
    history = run.history()
    sign = 1 if monitor == "validation_accuracy" else -1
    scores = [sign * row[monitor] for row in history]
    assert [row["best"] for row in history] == [score > max([-np.inf, *scores[:i]]) for i, score in enumerate(scores)]
    best = scores.index(max(scores)) + 1
    shorter = train(small_data, tmp_path / "shorter", epochs=best, learning_rate=0.02, monitor=monitor)
    a, b = (
        safetensors.torch.load_file(path)
        for path in (run.path / "weights" / "best.safetensors", shorter.path / "weights" / "last.safetensors")
    )
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_evaluation_repeats_what_training_saw(small_data: Dataset, tmp_path: Path) -> None:
    run = train(small_data, tmp_path / "run", epochs=2, keep="last")
    evaluation = sf.evaluate(run, "validation", data=small_data)
    last = run.history()[-1]
    assert evaluation.accuracy.value == pytest.approx(last["validation_accuracy"])
    assert evaluation.loss == pytest.approx(last["validation_loss"])


@pytest.mark.parametrize(
    "changes", [{"epochs": 3}, {"epochs": 30, "patience": 2, "min_change": 1.0}, {"epochs": 9, "budget": 3}]
)
def test_some_validation_images_answer_between_epochs_and_all_after_the_last(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    asked: list[int] = []
    predict = fit_module.predict

    def counting(network: nn.Module, pixels: np.ndarray, *settings: Any) -> np.ndarray:
        asked.append(len(pixels))
        return predict(network, pixels, *settings)

    monkeypatch.setattr(fit_module, "predict", counting)
    run = train(small_data, tmp_path / "run", keep="last", interim=0.25, validation=0.4, **changes)
    history, few = run.history(), len(small_data.held_out(0.4)[1])
    assert len(history) > 1
    looks = asked[-len(history) - (history[-1]["ending"] == "patience") :]  # that ending is known only after a look
    assert looks == [round(few / 4)] * (len(looks) - 1) + [few]
    evaluation = sf.evaluate(run, "validation", data=small_data)
    assert history[-1]["validation_accuracy"] == pytest.approx(evaluation.accuracy.value)
    assert history[-1]["validation_loss"] == pytest.approx(evaluation.loss)


def test_divergence_stops_with_the_rate_and_keeps_the_epochs_before(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULES, "constant", lambda progress, scores, recipe: 1.0 if len(scores) < 2 else 1e30)
    sentence = (
        r"the loss is (nan|inf) in step 16, at learning rate 2e\+27; the last before it was [\d.]+; use a smaller learning rate"
    )
    with pytest.raises(DivergedError, match=sentence):
        train(small_data, tmp_path / "run", epochs=4, dropout=[0, 0])
    run = sf.open_run(tmp_path / "run")
    run.verify()
    assert len(run.history()) == 2
    assert run.ended() == "diverged"


@pytest.mark.parametrize(("patience", "epochs", "ending"), [(0, 1, "finished"), (1, 2, "patience"), (3, 4, "finished")])
def test_why_training_ended_is_stored(small_data: Dataset, tmp_path: Path, patience: int, epochs: int, ending: str) -> None:
    """Nothing counts as better here, so patience ends the run, unless it has come to its end anyway."""
    planned = 1 if patience == 0 else 4
    run = train(small_data, tmp_path / "run", epochs=planned, patience=patience, min_change=1.0)
    assert [row["ending"] for row in run.history()] == [""] * (epochs - 1) + [ending]
    assert run.ended() == ending
