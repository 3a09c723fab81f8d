"""What is written for TensorBoard is read back with TensorBoard's own reader. (Curves: tests/training/test_train.py.)"""

import importlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.plans import TINY, new_plan

from seefar.data.images import Dataset
from seefar.errors import DivergedError
from seefar.recipe_fields import as_json, text
from seefar.reporting import watchers
from seefar.training.events import Epoch, Step
from seefar.training.plan import Plan

SCALARS = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "accuracy/training": "accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "rate",
}


@pytest.fixture
def plan(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Files are read in the order of their names: second, process, number. The tenth of a second would come before the ninth."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed (extra `track`)")
    writer = importlib.import_module("tensorboard.summary.writer.event_file_writer")
    monkeypatch.setattr(writer, "_global_uid", writer.AtomicCounter(0))
    made = new_plan(small_data, tmp_path / "run", seed=3)
    made.run.write_arrays("pictures-train.npz", pixels=np.zeros(1))
    return made


def read(plan: Plan) -> Any:
    """The run's folder as TensorBoard sees it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(plan.run.path / "tensorboard")).Reload()


def hyperparameters(accumulator: Any) -> dict[str, str | float | bool]:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = accumulator.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def epoch(number: int, best: bool, scale: float = 1) -> Epoch:
    return Epoch(
        number=number,
        loss=scale * 2.0 / number,
        accuracy=0.125 * number,
        validation_loss=scale * 2.5 / number,
        validation_accuracy=0.0625 * number,
        rate=0.5 / number,
        best=best,
        seconds=2.0,
        ending="",
    )


def events(first: int, last: int, best: int = 3, scale: float = 1) -> Iterator[Step | Epoch]:
    """Four steps and an epoch, from `first` to `last`."""
    for number in range(first, last + 1):
        for step in range(4 * number - 3, 4 * number + 1):
            yield Step(number=step, loss=torch.zeros(()), correct=torch.zeros((), dtype=torch.int64), images=8, rate=0.1)
        yield epoch(number, best=number <= best, scale=scale)


def track(plan: Plan, passing: Iterator[Step | Epoch], earlier: Sequence[Epoch] = ()) -> Iterator[Step | Epoch]:
    return watchers.tensorboard()(passing, plan, earlier)


def test_events_pass_unchanged_and_epochs_are_written(plan: Plan) -> None:
    expected = list(events(1, 5))
    passed = list(track(plan, iter(expected)))
    assert all(ours is theirs for ours, theirs in zip(passed, expected, strict=True))
    found = read(plan)
    for tag, field in SCALARS.items():
        points = [(point.step, point.value) for point in found.Scalars(tag)]
        assert points == [(i, pytest.approx(getattr(epoch(i, True), field))) for i in range(1, 6)]
    assert [point.step for point in found.Scalars("images_per_second")] == [1, 2, 3, 4, 5]
    assert all(point.value > 0 for point in found.Scalars("images_per_second"))
    assert not [path for path in (plan.run.path / "tensorboard").iterdir() if path.is_dir()]


def test_the_speed_leaves_out_the_first_step(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each event, ten before the first: 3 x 8 images in 4 s, then 4 x 8 in 5 s."""
    clock = iter([10.0, 14.0, 19.0])
    monkeypatch.setattr(watchers.time, "perf_counter", lambda: next(clock))
    list(track(plan, events(1, 2)))
    assert [point.value for point in read(plan).Scalars("images_per_second")] == pytest.approx([24 / 4, 32 / 5])


def test_seed_and_recipe_stand_beside_the_best_epoch(plan: Plan) -> None:
    list(track(plan, events(1, 5, best=3)))
    found = read(plan)
    shown = hyperparameters(found)
    assert shown.keys() == {"seed", *as_json(TINY)}
    assert (shown["seed"], shown["name"], shown["learning_rate"], shown["batch_norm"]) == (3, TINY.name, 2e-3, False)
    assert shown["widths"] == text(TINY.network.widths) == "[[8],[8]]"
    for tag, value in (("hparam/validation_accuracy", 0.0625 * 3), ("hparam/validation_loss", 2.5 / 3)):
        assert [(point.step, point.value) for point in found.Scalars(tag)] == [(3, pytest.approx(value))]


def test_augmented_images_are_shown_once_as_they_are(plan: Plan) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 5, 6, 3), dtype=np.uint8)
    plan.run.write_arrays("pictures-train.npz", augmented=pixels)
    list(track(plan, events(1, 2)))
    (shown,) = read(plan).Images("images/augmented")
    grid = np.asarray(Image.open(io.BytesIO(shown.encoded_image_string)))
    assert grid.shape == (2 * 5, 8 * 6, 3)
    assert np.array_equal(grid[5:, :6], pixels[1, 0])


def test_epochs_done_once_more_after_resuming_appear_once(plan: Plan) -> None:
    """The run was cut off after epoch 4 and goes on from the checkpoint of epoch 2."""
    list(track(plan, events(1, 4)))
    earlier = [event for event in events(1, 2) if isinstance(event, Epoch)]
    list(track(plan, events(3, 5, best=2, scale=2), earlier))
    found = read(plan)
    losses = [(point.step, point.value) for point in found.Scalars("loss/training")]
    assert losses == [(i, pytest.approx((1 if i < 3 else 2) * 2.0 / i)) for i in range(1, 6)]
    assert found.Scalars("hparam/validation_accuracy")[-1].value == pytest.approx(0.0625 * 2), "the best was an earlier one"


@pytest.mark.parametrize("way", ["error", "closed"])
def test_an_early_end_leaves_complete_files(plan: Plan, way: str) -> None:
    def failing() -> Iterator[Step | Epoch]:
        yield from events(1, 2)
        raise DivergedError("the loss is nan")

    tracked = track(plan, failing())
    if way == "error":
        with pytest.raises(DivergedError):
            list(tracked)
    else:
        for event in tracked:
            if isinstance(event, Epoch) and event.number == 2:
                break
        tracked.close()  # type: ignore[attr-defined]
    found = read(plan)
    assert [point.step for point in found.Scalars("loss/validation")] == [1, 2]
    assert found.Scalars("hparam/validation_loss")[0].value == pytest.approx(2.5 / 2)


def test_an_epoch_can_be_seen_while_the_next_one_runs(plan: Plan) -> None:
    tracked = track(plan, events(1, 2))
    for event in tracked:
        if isinstance(event, Epoch):
            break
    assert [point.step for point in read(plan).Scalars("loss/training")] == [1]
    list(tracked)


def test_without_an_epoch_nothing_is_written(plan: Plan) -> None:
    tracked = track(plan, events(1, 1))
    next(tracked)
    tracked.close()  # type: ignore[attr-defined]
    assert not (plan.run.path / "tensorboard").exists()
