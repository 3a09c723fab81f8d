"""Training as a whole: it learns, repeats exactly, saves as it goes, keeps the best, and never meets a test image."""

import dataclasses
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
from seefar.errors import DivergedError, UsageError
from seefar.runs import folder
from seefar.training.fit import Epoch, fit
from seefar.training.loop import Step
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
