"""`train` as a whole: it repeats exactly, never meets a test image, lets others watch, and says what it does."""

import dataclasses
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.recipe_fields import change, find, from_json
from seefar.reporting.watchers import plot, tensorboard
from seefar.training import frontier
from seefar.training.events import Epoch, Step
from seefar.training.plan import Plan
from seefar.training.step_seconds import StepSeconds
from seefar.training.train import Watcher

SHORT = SMALL | {"epochs": 2}


def train(data: Dataset, out: Path, seed: int = 0, **changes: Any) -> sf.Run:
    return sf.train(data, "tiny", seed, out=out, quiet=True, **(SHORT | changes))


def contents(run: sf.Run) -> dict[str, bytes]:
    return {
        p.relative_to(run.path).as_posix(): p.read_bytes() for p in run.path.rglob("*") if p.is_file() and p.name != ".lock"
    }


def test_the_same_seed_gives_the_same_files_and_another_other_weights_on_the_same_split(
    small_data: Dataset, tmp_path: Path
) -> None:
    one, same, other = (contents(train(small_data, tmp_path / str(i), seed)) for i, seed in enumerate((0, 0, 1)))
    assert one.keys() == same.keys()
    assert {name for name in one if one[name] != same[name]} <= {"timing.json"}
    assert one["weights/last.safetensors"] != other["weights/last.safetensors"]
    assert one["splits.json"] == other["splits.json"]


def test_test_images_are_out_of_reach(small_data: Dataset, tmp_path: Path) -> None:
    """With other test pixels every file stays the same but those with "test" in their name, the report and the clock."""

    def run(data: Dataset, name: str) -> dict[str, bytes]:
        trained = train(data, tmp_path / name)
        assert not [file for file in contents(trained) if "test" in file]
        sf.evaluate(trained, "validation", data=data)
        sf.evaluate(trained, "test", data=data)
        return contents(trained)

    changed = dataclasses.replace(small_data.test, pixels=255 - small_data.test.pixels)
    one, other = run(small_data, "a"), run(dataclasses.replace(small_data, test=changed), "b")
    assert one.keys() == other.keys()
    differing = {name for name in one if one[name] != other[name]}
    assert {name for name in differing if "test" not in name} <= {"timing.json"}
    assert "evaluation-test.json" in differing


@pytest.mark.parametrize(
    ("size", "fields", "sentence"),
    [
        (16, SHORT | {"batch_size": 500}, "batch_size is 500, but there are 54 training images"),  # fault 57
        (8, {}, "halve 8x8 images to 1x1"),  # fault 56
    ],
)
def test_what_cannot_be_carried_out_is_refused_before_anything_is_written(
    size: int, fields: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    data = Dataset("colours", images(60, 0, "train", size=size), images(30, 1, "test", size=size), "made up")
    with pytest.raises(UsageError, match=sentence):
        sf.train(data, "tiny", out=tmp_path / "run", quiet=True, **fields)
    assert not (tmp_path / "run").exists()


def test_fast_with_a_budget_gets_the_settings_for_it_and_keeps_them_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Dataset("colours", images(560, 1, "train"), images(30, 2, "test"), "noise around three colours")
    monkeypatch.setattr(frontier, "SETTLING", 0.0)
    quick = StepSeconds(frontier.FRONTIER[0].seconds_an_image / 150, 0.0)  # a second here is as good as 150 there, or more
    monkeypatch.setattr(frontier, "step_seconds", lambda *_: quick)
    run = sf.train(data, "fast", budget=1.0, out=tmp_path / "run")
    settings = change(find("fast"), {"budget": 1.0, **frontier.choose(150).changes, "interim": frontier.INTERIM})
    assert from_json(run.recipe()) == settings
    said = capsys.readouterr().err
    assert re.match(
        r"budget 1 s: about \d+ epochs of \[\[32,32\],\[128,128\],\[128,128\]\]\n"
        r"expected accuracy: unknown for such images\n",
        said,
    )
    assert run.ended() == "budget"
    went = run.read("timing.json")["budget"]
    assert list(went) == ["before the first step", "in steps", "validating"]
    assert 0.5 < sum(went.values()) < 3
    assert re.search(r"^budget 1 s, used [\d.]+ s: [\d.]+ s before the first step, [\d.]+ s in steps, ", said, re.MULTILINE)
    monkeypatch.setattr(frontier, "step_seconds", lambda *_: StepSeconds(1.0, 0.0))
    again = sf.train(data, "fast", budget=1.0, out=tmp_path / "run", resume=True, quiet=True)
    assert from_json(again.recipe()) == settings
    weights = (run.path / "weights" / "last.safetensors").read_bytes()
    shutil.rmtree(run.path / "state")  # which may be done once a run has ended
    assert sf.resume(run.path, data=data).path == run.path
    assert "has ended already (budget, " in capsys.readouterr().err
    assert (run.path / "weights" / "last.safetensors").read_bytes() == weights


def test_a_target_needs_fast_as_it_is(small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a target needs recipe fast as it is"):
        sf.train(small_data, "fast", target=0.9, epochs=2, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Those who watch


def watcher(name: str, seen: list[Any]) -> Watcher:
    """One that notes what it is given, and what passes."""

    def watch(events: Iterator[Step | Epoch], plan: Plan, earlier: Sequence[Epoch]) -> Iterator[Step | Epoch]:
        seen.append((name, plan, [epoch.number for epoch in earlier]))
        for event in events:
            seen.append((name, event))
            yield event

    return watch


def test_watchers_stand_around_the_events_in_their_order_and_get_plan_and_earlier_epochs(
    small_data: Dataset, tmp_path: Path
) -> None:
    seen: list[Any] = []
    watch = [watcher("first", seen), watcher("second", seen)]
    run = train(small_data, tmp_path / "run", watch=watch)
    plan = seen[0][1]
    assert isinstance(plan, Plan)
    assert (plan.run, plan.seed, len(plan.train), len(plan.validation)) == (run, 0, 108, 12)
    assert set(plan.train.ids + plan.validation.ids) == set(small_data.train.ids)
    given, passed = [entry for entry in seen if len(entry) == 3], [entry for entry in seen if len(entry) == 2]
    assert given == [("second", plan, []), ("first", plan, [])]  # the second asks the first, which asks the training
    names, events = zip(*passed, strict=True)
    assert names == ("first", "second") * (2 * 7 + 2)
    assert all(one is other for one, other in zip(events[::2], events[1::2], strict=True))
    assert [event.number for event in events[::2] if isinstance(event, Epoch)] == [1, 2]

    seen.clear()
    sf.resume(run, data=small_data, epochs=3, watch=watch, quiet=True)
    assert [entry[2] for entry in seen if len(entry) == 3] == [[1, 2], [1, 2]]
    assert [event.number for _, event in (entry for entry in seen if len(entry) == 2) if isinstance(event, Epoch)] == [3, 3]


@pytest.mark.parametrize("leaves", [False, True], ids=["it raises", "it leaves"])
def test_a_watcher_that_raises_or_leaves_ends_the_training_with_the_saved_epochs(
    small_data: Dataset, tmp_path: Path, leaves: bool
) -> None:
    def watch(events: Iterator[Step | Epoch], plan: Plan, earlier: Sequence[Epoch]) -> Iterator[Step | Epoch]:
        for event in events:
            yield event
            if isinstance(event, Step) and event.number == 10:
                if leaves:
                    return
                raise LookupError("enough")

    if leaves:
        run = train(small_data, tmp_path / "run", watch=[watch])
    else:
        with pytest.raises(LookupError, match="enough"):
            train(small_data, tmp_path / "run", watch=[watch])
        run = sf.open_run(tmp_path / "run")
    run.verify()
    assert (len(run.history()), run.ended()) == (1, "")
    whole = train(small_data, tmp_path / "whole")
    resumed = sf.resume(run, data=small_data, quiet=True)  # the lock is free, and the checkpoint good
    assert contents(resumed)["weights/last.safetensors"] == contents(whole)["weights/last.safetensors"]


def test_curves_are_drawn_after_each_epoch_while_the_training_runs(small_data: Dataset, tmp_path: Path) -> None:
    drawn: list[bytes] = []

    def look(events: Iterator[Step | Epoch], plan: Plan, _earlier: Sequence[Epoch]) -> Iterator[Step | Epoch]:
        for event in events:
            if isinstance(event, Epoch):
                drawn.append((plan.run.path / "figures" / "training.png").read_bytes())
            yield event

    train(small_data, tmp_path / "run", watch=[plot(), look])
    assert len(set(drawn)) == 2
    assert all(content.startswith(b"\x89PNG") for content in drawn)


def test_without_tensorboard_it_is_refused_before_anything_is_written(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"TensorBoard is not installed; pip install 'seefar\[track\]'"):
        train(small_data, tmp_path / "run", watch=[tensorboard()])
    assert not (tmp_path / "run").exists()


# What it says


def test_it_announces_itself_in_three_lines_and_warns_and_then_writes_a_line_an_epoch(
    small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = dataclasses.replace(small_data, warnings=("two images are alike",))
    run = sf.train(data, "tiny", out=tmp_path / "run", **SMALL)
    out = capsys.readouterr()
    assert out.out == ""
    assert "\x1b" not in out.err
    first, second, third, warning, heading, *rows, end = out.err.splitlines()
    assert first == "colours: 108 training and 12 validation images of 16x16 in 3 classes"
    buffers = 6  # mean and deviation of the scaling are no parameters
    parameters = sum(array.size for array in load_file(run.path / "weights" / "last.safetensors").values()) - buffers
    products = 16 * 16 * 9 * 3 * 8 + 8 * 8 * 9 * 8 * 8 + 4 * 4 * 8 * 16 + 16 * 3
    assert second == f"recipe tiny with 5 fields changed: {parameters:,} parameters, {products / 1e6:,.1f} M multiply-adds"
    assert third == f"3 epochs with seed 0 on cpu in float32, into {run.path}"
    assert warning == "note: two images are alike"
    assert heading.split()[:2] == ["epoch", "loss"]
    assert [row.split()[0] for row in rows] == ["1/3", "2/3", "3/3"]
    assert "best so far" in rows[0]
    assert end.startswith("finished after epoch 3 of 3; best: epoch ")


def test_quiet_says_nothing(small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(small_data, tmp_path / "run", epochs=1)
    assert capsys.readouterr() == ("", "")
