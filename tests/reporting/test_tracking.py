"""What is written for TensorBoard is read back with TensorBoard's own reader."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seefar.errors import DivergedError, UsageError
from seefar.reporting import tracking
from seefar.training.fit import Epoch
from seefar.training.loop import Step

HYPERPARAMETERS: dict[str, str | int | float | bool] = {"model": "vgg", "epochs": 5, "learning_rate": 0.5, "flip": True}
SCALARS = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "accuracy/training": "accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "rate",
}


@pytest.fixture
def needs_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in the order of their names: second, process, number. The tenth of a second would come before the ninth."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed (extra `track`)")
    from tensorboard.summary.writer import event_file_writer

    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


def read(folder: Path) -> Any:
    """The folder as TensorBoard sees it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


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


@pytest.mark.usefixtures("needs_tensorboard")
def test_events_pass_unchanged_and_epochs_are_written(tmp_path: Path) -> None:
    expected = list(events(1, 5))
    passed = list(tracking.track(iter(expected), tmp_path / "new" / "board", HYPERPARAMETERS))
    assert all(ours is theirs for ours, theirs in zip(passed, expected, strict=True))
    found = read(tmp_path / "new" / "board")
    for tag, field in SCALARS.items():
        points = [(point.step, point.value) for point in found.Scalars(tag)]
        assert points == [(i, pytest.approx(getattr(epoch(i, True), field))) for i in range(1, 6)]
    assert [point.step for point in found.Scalars("images_per_second")] == [1, 2, 3, 4, 5]
    assert all(point.value > 0 for point in found.Scalars("images_per_second"))
    assert not [path for path in (tmp_path / "new" / "board").iterdir() if path.is_dir()]


@pytest.mark.usefixtures("needs_tensorboard")
def test_the_speed_leaves_out_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each event, ten before the first: 3 x 8 images in 4 s, then 4 x 8 in 5 s."""
    clock = iter([10.0, 14.0, 19.0])
    monkeypatch.setattr(tracking.time, "perf_counter", lambda: next(clock))
    list(tracking.track(events(1, 2), tmp_path, HYPERPARAMETERS))
    assert [point.value for point in read(tmp_path).Scalars("images_per_second")] == pytest.approx([24 / 4, 32 / 5])


@pytest.mark.usefixtures("needs_tensorboard")
def test_hyperparameters_stand_beside_the_best_epoch(tmp_path: Path) -> None:
    list(tracking.track(events(1, 5, best=3), tmp_path, HYPERPARAMETERS))
    found = read(tmp_path)
    assert hyperparameters(found) == HYPERPARAMETERS
    for tag, value in (("hparam/validation_accuracy", 0.0625 * 3), ("hparam/validation_loss", 2.5 / 3)):
        assert [(point.step, point.value) for point in found.Scalars(tag)] == [(3, pytest.approx(value))]


@pytest.mark.usefixtures("needs_tensorboard")
def test_images_are_shown_once_as_they_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 5, 6, 3), dtype=np.uint8)
    list(tracking.track(events(1, 2), tmp_path, HYPERPARAMETERS, pixels))
    (shown,) = read(tmp_path).Images("images/augmented")
    grid = np.asarray(Image.open(io.BytesIO(shown.encoded_image_string)))
    assert grid.shape == (2 * 5, 8 * 6, 3)
    assert np.array_equal(grid[5:, :6], pixels[8])


@pytest.mark.usefixtures("needs_tensorboard")
def test_epochs_done_once_more_after_resuming_appear_once(tmp_path: Path) -> None:
    """The run was cut off after epoch 4 and goes on from the checkpoint of epoch 2."""
    list(tracking.track(events(1, 4), tmp_path, HYPERPARAMETERS))
    earlier = [event for event in events(1, 2) if isinstance(event, Epoch)]
    list(tracking.track(events(3, 5, best=2, scale=2), tmp_path, HYPERPARAMETERS, earlier=earlier))
    found = read(tmp_path)
    losses = [(point.step, point.value) for point in found.Scalars("loss/training")]
    assert losses == [(i, pytest.approx((1 if i < 3 else 2) * 2.0 / i)) for i in range(1, 6)]
    assert found.Scalars("hparam/validation_accuracy")[-1].value == pytest.approx(0.0625 * 2), "the best was an earlier one"


@pytest.mark.usefixtures("needs_tensorboard")
@pytest.mark.parametrize("way", ["error", "closed"])
def test_an_early_end_leaves_complete_files(way: str, tmp_path: Path) -> None:
    def failing() -> Iterator[Step | Epoch]:
        yield from events(1, 2)
        raise DivergedError("the loss is nan")

    tracked = tracking.track(failing(), tmp_path, HYPERPARAMETERS)
    if way == "error":
        with pytest.raises(DivergedError):
            list(tracked)
    else:
        for event in tracked:
            if isinstance(event, Epoch) and event.number == 2:
                break
        tracked.close()  # type: ignore[attr-defined]
    found = read(tmp_path)
    assert [point.step for point in found.Scalars("loss/validation")] == [1, 2]
    assert found.Scalars("hparam/validation_loss")[0].value == pytest.approx(2.5 / 2)


@pytest.mark.usefixtures("needs_tensorboard")
def test_an_epoch_can_be_seen_while_the_next_one_runs(tmp_path: Path) -> None:
    tracked = tracking.track(events(1, 2), tmp_path, HYPERPARAMETERS)
    for event in tracked:
        if isinstance(event, Epoch):
            break
    assert [point.step for point in read(tmp_path).Scalars("loss/training")] == [1]
    list(tracked)


@pytest.mark.usefixtures("needs_tensorboard")
def test_without_an_epoch_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    tracked = tracking.track(events(1, 1), folder, HYPERPARAMETERS)
    next(tracked)
    tracked.close()  # type: ignore[attr-defined]
    assert not folder.exists()


def test_where_it_is_not_installed_that_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    for ask in (tracking.check, lambda: tracking.track(events(1, 1), tmp_path, HYPERPARAMETERS)):
        with pytest.raises(UsageError, match=r"TensorBoard is not installed; pip install 'seefar\[track\]'"):
            ask()
