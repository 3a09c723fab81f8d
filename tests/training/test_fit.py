"""Training as a whole: it learns, repeats exactly, saves as it goes, keeps the best, and never meets a test image."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar import recipes
from seefar.data.images import Dataset
from seefar.data.splits import carve
from seefar.errors import DivergedError, StoppedError, UsageError
from seefar.models.fast import Fast
from seefar.runs import folder
from seefar.runs.checkpoints import newest_checkpoint
from seefar.training.fit import Epoch, fit
from seefar.training.loop import Step
from seefar.training.pace import ByClock
from seefar.training.schedules import SCHEDULES

CPU = torch.device("cpu")


def train(data: Dataset, out: Path, seed: int = 0, **changes: Any) -> sf.Run:
    return sf.train(data, "tiny", seed, out=out, quiet=True, **(SMALL | changes))


def contents(run: sf.Run) -> dict[str, bytes]:
    return {
        p.relative_to(run.path).as_posix(): p.read_bytes() for p in run.path.rglob("*") if p.is_file() and p.name != ".lock"
    }


def test_an_easy_task_is_learned(small_data: Dataset, tmp_path: Path) -> None:
    last = train(small_data, tmp_path / "run", epochs=6).history()[-1]
    assert last["validation_accuracy"] > 0.9
    assert last["loss"] < 0.7


def test_the_same_seed_gives_the_same_files_byte_for_byte(small_data: Dataset, tmp_path: Path) -> None:
    one, other = contents(train(small_data, tmp_path / "a")), contents(train(small_data, tmp_path / "b"))
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} <= {"timing.json"}


def test_another_seed_gives_other_weights_on_the_same_split(small_data: Dataset, tmp_path: Path) -> None:
    one, other = contents(train(small_data, tmp_path / "a")), contents(train(small_data, tmp_path / "b", seed=1))
    assert one["weights/last.safetensors"] != other["weights/last.safetensors"]
    assert one["splits.json"] == other["splits.json"]


def test_test_images_are_out_of_reach(small_data: Dataset, tmp_path: Path) -> None:
    """With other test pixels every file stays the same but those with "test" in their name, the report and the clock."""

    def run(data: Dataset, name: str) -> dict[str, bytes]:
        trained = train(data, tmp_path / name)
        sf.evaluate(trained, "validation", data=data)
        sf.evaluate(trained, "test", data=data)
        return contents(trained)

    changed = dataclasses.replace(small_data.test, pixels=255 - small_data.test.pixels)
    one, other = run(small_data, "a"), run(dataclasses.replace(small_data, test=changed), "b")
    assert one.keys() == other.keys()
    differing = {name for name in one if one[name] != other[name]}
    assert {name for name in differing if "test" not in name} <= {"timing.json"}
    assert "evaluation-test.json" in differing


def test_events_are_steps_and_after_each_epoch_one_that_adds_them_up(small_data: Dataset, tmp_path: Path) -> None:
    recipe = recipes.change(recipes.find("tiny"), SMALL)
    training, validation = carve(small_data.train, 0.1, 0, "validation")
    run = start(tmp_path / "run")
    events = list(fit(recipe, 0, training, validation, run, CPU))
    steps, epochs = [e for e in events if isinstance(e, Step)], [e for e in events if isinstance(e, Epoch)]
    assert [step.number for step in steps] == list(range(1, 3 * 7 + 1))
    assert isinstance(events[7], Epoch)
    first = steps[:7]
    assert epochs[0].loss == pytest.approx(sum(s.loss.item() * s.images for s in first) / 108, rel=1e-6)
    assert epochs[0].accuracy == sum(s.correct.item() for s in first) / 108
    saved = run.history()
    assert [row["validation_loss"] for row in saved] == [epoch.validation_loss for epoch in epochs]


def start(path: Path) -> sf.Run:
    run = folder.create(path)
    for name in ("recipe.json", "data.json", "splits.json", "environment.json"):
        run.write(name, {})
    return run


def test_stopping_in_between_leaves_the_epochs_so_far(small_data: Dataset, tmp_path: Path) -> None:
    recipe = recipes.change(recipes.find("tiny"), SMALL)
    training, validation = carve(small_data.train, 0.1, 0, "validation")
    run = start(tmp_path / "run")
    for event in fit(recipe, 0, training, validation, run, CPU):
        if isinstance(event, Epoch) and event.number == 2:
            break
    run.verify()
    assert run.ended() == ""
    assert len(run.history()) == 2


def test_a_budget_is_kept_by_the_clock_whatever_the_epochs(small_data: Dataset, tmp_path: Path) -> None:
    """Every look at this clock takes a tenth of a second: rate and end follow it, and nothing else decides."""
    recipe = recipes.change(recipes.find("tiny"), SMALL | {"epochs": 1, "budget": 10.0, "schedule": "linear"})
    training, validation = carve(small_data.train, 0.1, 0, "validation")
    run, moment = start(tmp_path / "run"), 0.0

    def tick() -> float:
        nonlocal moment
        moment += 0.1
        return moment

    clock = ByClock(10.0, 0.0, now=tick)
    events = list(fit(recipe, 0, training, validation, run, CPU, clock=clock))
    steps, epochs = [e for e in events if isinstance(e, Step)], [e for e in events if isinstance(e, Epoch)]
    assert len(epochs) > 2
    assert [epoch.ending for epoch in epochs] == [""] * (len(epochs) - 1) + ["budget"]
    assert run.ended() == "budget"
    rates = [step.rate for step in steps]
    assert rates == sorted(rates, reverse=True)
    assert 0 <= rates[-1] < 0.1 * recipe.learning_rate
    assert 9 < moment < 11
    last = steps[sum(step.number <= steps[-1].number for step in steps) - (len(steps) - 7 * (len(epochs) - 1)) :]
    assert epochs[-1].accuracy == pytest.approx(sum(s.correct.item() for s in last) / sum(s.images for s in last))


def test_a_budget_that_was_broken_off_goes_on_with_what_is_left_of_it(small_data: Dataset, tmp_path: Path) -> None:
    recipe = recipes.change(recipes.find("tiny"), SMALL | {"budget": 10.0})
    training, validation = carve(small_data.train, 0.1, 0, "validation")
    run = start(tmp_path / "run")
    asked = 0

    def leave() -> int:
        nonlocal asked
        asked += 1
        return 15 if asked == 10 else 0

    with pytest.raises(StoppedError):
        list(fit(recipe, 0, training, validation, run, CPU, leave=leave, clock=ByClock(10.0, 0.0, now=lambda: 4.0)))
    checkpoint, _ = newest_checkpoint(run)
    clock = ByClock(10.0, 100.0, now=lambda: 106.5)  # 6.5 seconds after it was taken up, which makes 10.5
    events = list(fit(recipe, 0, training, validation, run, CPU, checkpoint=checkpoint, clock=clock))
    assert clock.began == 96
    assert [type(event) for event in events] == [Step, Epoch]
    assert run.ended() == "budget"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")  # torch's own, within torch.compile
def test_a_compiled_training_gives_the_same_up_to_rounding(small_data: Dataset, tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler, and there is no g++ here")
    changes = {"model": "fast", "batch_norm": True, "dense": 0, "dropout": [0, 0], "optimiser": "sgd", "learning_rate": 0.01}
    plain, compiled = (train(small_data, tmp_path / str(c), compiled=c, epochs=1, **changes) for c in (False, True))
    one, other = (safetensors.torch.load_file(run.path / "weights" / "last.safetensors") for run in (plain, compiled))
    assert one.keys() == other.keys()
    assert all(torch.allclose(one[name], other[name], rtol=1e-3, atol=1e-5) for name in one)
    assert compiled.read("environment.json")["compiled"]


def test_images_are_shown_at_the_recipes_resolution(small_data: Dataset, tmp_path: Path) -> None:
    changes = {"model": "fast", "batch_norm": True, "dense": 0, "dropout": [0, 0], "widths": [[8], [8]]}
    recipe = recipes.change(recipes.find("tiny"), SMALL | changes | {"resolution": [[0, 0.5], [0.4, 1]], "epochs": 2})
    training, validation = carve(small_data.train, 0.1, 0, "validation")
    sides: list[int] = []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, inputs, output: (
            sides.append(inputs[0].shape[2]) if isinstance(module, Fast) and module.training else None
        )
    )
    try:
        list(fit(recipe, 0, training, validation, start(tmp_path / "run"), CPU))
    finally:
        hook.remove()
    assert sides == [8] * 6 + [16] * 8  # 14 steps; step 7 begins when 6/14 = 0.43 are done


def test_fast_starts_in_bf16_as_in_float32_but_for_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten steps, in which the loss falls by a quarter of a nat. Where the processor has no bf16, torch emulates it."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    training, validation = carve(images(400, 0, "train", 10, 32), 0.1, 0, "validation")
    losses = {}
    for precision in ("fp32", "bf16"):
        changes = {
            "widths": [[16, 16], [32, 32]],
            "batch_size": 36,
            "epochs": 1,
            "resolution": [[0, 1]],
            "precision": precision,
        }
        events = fit(recipes.change(recipes.find("fast"), changes), 0, training, validation, start(tmp_path / precision), CPU)
        losses[precision] = [event.loss.item() for event in events if isinstance(event, Step)]
    assert losses["fp32"][0] - losses["fp32"][-1] > 0.15
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"][0] == pytest.approx(losses["fp32"][0], abs=0.003)
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.04)


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
def test_the_best_epoch_by_the_monitor_is_kept(small_data: Dataset, tmp_path: Path, monitor: str) -> None:
    run = train(small_data, tmp_path / "run", epochs=5, learning_rate=0.02, monitor=monitor)
    history = run.history()
    sign = 1 if monitor == "validation_accuracy" else -1
    scores = [sign * row[monitor] for row in history]
    assert [row["best"] for row in history] == [score > max([-np.inf, *scores[:i]]) for i, score in enumerate(scores)]
    best = scores.index(max(scores)) + 1
    shorter = train(small_data, tmp_path / "shorter", epochs=best, learning_rate=0.02, monitor=monitor)
    assert_equal_weights(run.path / "weights" / "best.safetensors", shorter.path / "weights" / "last.safetensors")


def assert_equal_weights(one: Path, other: Path) -> None:
    a, b = safetensors.torch.load_file(one), safetensors.torch.load_file(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_evaluation_repeats_what_training_saw(small_data: Dataset, tmp_path: Path) -> None:
    run = train(small_data, tmp_path / "run", keep="last")
    evaluation = sf.evaluate(run, "validation", data=small_data)
    last = run.history()[-1]
    assert evaluation.accuracy.value == pytest.approx(last["validation_accuracy"])
    assert evaluation.loss == pytest.approx(last["validation_loss"])


def test_a_batch_larger_than_the_data_is_refused(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 57."""
    with pytest.raises(UsageError, match="batch_size is 500, but there are 108 training images"):
        train(small_data, tmp_path / "run", batch_size=500)
    assert not (tmp_path / "run").exists()


def test_divergence_stops_with_the_rate_and_keeps_the_epochs_before(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULES, "constant", lambda moment, course: 1.0 if moment.epoch < 2 else 1e30)
    sentence = r"the loss is (nan|inf) in step 16, at learning rate 2e\+27; the last before it was [\d.]+; use a smaller rate"
    with pytest.raises(DivergedError, match=sentence):
        train(small_data, tmp_path / "run", epochs=4, dropout=[0, 0])
    run = folder.open_run(tmp_path / "run")
    run.verify()
    assert len(run.history()) == 2
    assert run.ended() == "diverged"


def test_images_too_small_for_the_recipe_are_refused(tmp_path: Path) -> None:
    """Fault 56."""
    data = Dataset("tiny-images", images(60, 0, "train", size=8), images(30, 1, "test", size=8), "made up")
    with pytest.raises(UsageError, match="halve 8x8 images to 1x1"):
        sf.train(data, "tiny", out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("patience", "epochs", "ending"), [(0, 1, "finished"), (1, 2, "patience"), (3, 4, "finished")])
def test_why_training_ended_is_stored(small_data: Dataset, tmp_path: Path, patience: int, epochs: int, ending: str) -> None:
    """Nothing counts as better here, so patience ends the run, unless it has come to its end anyway."""
    planned = 1 if patience == 0 else 4
    run = train(small_data, tmp_path / "run", epochs=planned, patience=patience, min_change=1.0)
    assert [row["ending"] for row in run.history()] == [""] * (epochs - 1) + [ending]
    assert run.ended() == ending
