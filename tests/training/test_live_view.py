"""What a person sees of a training: lines where there is no terminal, curves and a bar where there is one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import SMALL
from tests.test_progress import plain, terminal
from tests.training.plans import TINY, new_plan

import seefar as sf
from seefar.data.images import Dataset
from seefar.recipe_fields import change
from seefar.training import live_view
from seefar.training.events import Epoch, Step
from seefar.training.pace import ByClock
from seefar.training.plan import Plan

STEPS = 4
"""An epoch has so many: 54 images in batches of 16."""


@pytest.fixture
def plan(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(live_view, "REFRESH", 0)  # every step is seen
    return new_plan(replace(small_data, train=small_data.train[:60]), tmp_path / "run")


def follow(
    plan: Plan,
    events: Iterator[Step | Epoch],
    epochs: int,
    earlier: Sequence[Epoch] = (),
    clock: ByClock | None = None,
    **fields: Any,
) -> None:
    """Let a training of so many epochs pass."""
    recipe = change(TINY, {"epochs": epochs, "patience": 4, "budget": clock.seconds if clock else 0.0, **fields})
    for _ in live_view.live_view(events, replace(plan, recipe=recipe, clock=clock), earlier):
        pass


def epoch(number: int, best: bool = True, ending: str = "") -> Epoch:
    return Epoch(
        number=number,
        loss=2 / number,
        accuracy=1 - 0.8 / number,
        validation_loss=2.5 / number,
        validation_accuracy=1 - 0.9 / number,
        rate=0.001,
        best=best,
        seconds=1.5,
        ending=ending,
    )


def events(first: int, last: int, ending: str, best: int = 2) -> Iterator[Step | Epoch]:
    """What `fit` yields from epoch `first` to `last`; the best one is `best`."""
    for number in range(first, last + 1):
        for step in range((number - 1) * STEPS + 1, number * STEPS + 1):
            yield Step(number=step, loss=torch.zeros(()), correct=torch.zeros((), dtype=torch.int64), images=8, rate=0.001)
        yield epoch(number, best=number <= best, ending=ending if number == last else "")


def test_the_events_pass_as_they_are(plan: Plan) -> None:
    expected = list(events(1, 2, "finished"))
    passed = list(live_view.live_view(iter(expected), plan))
    assert all(ours is theirs for ours, theirs in zip(passed, expected, strict=True))


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("finished", "finished after epoch 3 of 3; best: epoch 2"),
        ("patience", "stopped after epoch 3 of 9: validation did not improve; best: epoch 2"),
        ("budget", "stopped after epoch 3 of 9: the budget is used up; best: epoch 2"),
        ("the end of time", "stopped after epoch 3 of 9: the end of time; best: epoch 2"),
    ],
)
def test_the_last_line_says_why_it_is_over(plan: Plan, ending: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    follow(plan, events(1, 3, ending), epochs=3 if ending == "finished" else 9)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == words
    assert [line.endswith("best so far") for line in lines[1:-1]] == [True, True, False]
    assert len(lines) == 5


def test_no_epoch_is_called_the_best_where_they_answer_for_different_images(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(plan, events(2, 3, "finished"), 3, [epoch(1)], keep="last", interim=0.2)
    said = capsys.readouterr().err
    assert "finished after epoch 3 of 3\n" in said
    assert "best" not in said


def test_a_resumed_run_says_how_far_it_was(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = [epoch(1), epoch(2), epoch(3, best=False)]
    follow(plan, events(4, 5, "finished"), 5, earlier)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "    3/5   epochs done before; best so far: epoch 2"
    assert [line.split()[0] for line in lines[2:4]] == ["4/5", "5/5"]
    assert lines[-1] == "finished after epoch 5 of 5; best: epoch 2"
    assert len(earlier) == 3


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_curves_speed_and_remaining_time(plan: Plan, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns) as written:
        follow(plan, events(1, 5, "patience"), 30)
    lines = plain(written.getvalue())
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert re.search(r"epoch 5/30.*\d images/s  at most 1 s left", text)
    assert re.search(r"^ {7}loss( {9,}accuracy)? *$", text, re.MULTILINE)
    for word in ("   accuracy", " train", " val ", "stopped after epoch 5 of 30"):
        assert word in text
    assert re.search("[\u2801-\u28ff]{3}", text)
    assert len([line for line in lines if line.startswith("    3/30 ")]) == 1, "a row is written once"
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l"), "the cursor is back"


def test_earlier_epochs_are_in_the_curves_from_the_first_step(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = [epoch(number) for number in range(1, 9)]
    with terminal(monkeypatch, 80) as written:
        follow(plan, events(9, 9, "finished"), 9, earlier)
    before, _ = "\n".join(plain(written.getvalue())).split("    9/9 ", 1)
    assert "  2.5┤" in before
    assert " epoch 9/9 ━" in before


def test_a_training_that_cannot_end_early_has_a_time_that_is_not_called_a_bound(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(monkeypatch, 80) as written:
        follow(plan, events(1, 2, "finished"), 2, patience=0)
    assert "images/s  1 s left" in written.getvalue()
    assert "at most" not in written.getvalue()


def test_no_color_is_respected_and_train_and_val_can_be_told_apart(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 80) as written:
        monkeypatch.setenv("NO_COLOR", "1")
        follow(plan, events(1, 5, "finished"), 5)
    assert not re.search(r"\x1b\[[0-9;]*m", written.getvalue().replace("\x1b[0m", ""))
    assert re.search(r"━─", written.getvalue())


def test_a_low_terminal_and_one_that_does_not_move_get_no_curves(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 80, lines=10) as written:
        follow(plan, events(1, 3, "finished"), 3)
    assert "┤" not in written.getvalue()
    assert "images/s" in written.getvalue()
    with terminal(monkeypatch, 80) as written:
        monkeypatch.setenv("TERM", "dumb")
        follow(plan, events(1, 3, "finished"), 3)
    assert "\x1b" not in written.getvalue()
    assert len(plain(written.getvalue())) == 5


def test_an_error_leaves_the_terminal_in_order(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Step | Epoch]:
        yield from events(1, 1, "")
        raise KeyboardInterrupt

    with terminal(monkeypatch, 80) as written, pytest.raises(KeyboardInterrupt):
        follow(plan, failing(), 3)
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l")


def test_a_budget_has_no_number_of_epochs_and_its_own_clock(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ByClock(60, 0.0, now=lambda: 45.0)
    with terminal(monkeypatch, 80) as written:
        follow(plan, events(1, 3, "budget"), 1, clock=clock)
    text = "\n".join(plain(written.getvalue()))
    assert re.search(r"epoch 3 ━+─+.* 15 s left", text)
    assert "stopped after epoch 3: the budget is used up; best: epoch 2" in text
    assert re.search(r"^    3      ", text, re.MULTILINE)


def test_a_training_on_a_terminal_has_a_bar(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_view, "REFRESH", 0)
    with terminal(monkeypatch, 120) as written:
        sf.train(small_data, "tiny", out=tmp_path / "run", **(SMALL | {"epochs": 1}))
    for word in ("images/s", "epoch 1/1", "━"):
        assert word in written.getvalue()


# Speed and remaining time


def test_the_remaining_time_has_validation_in_it_and_the_speed_has_not() -> None:
    """Two epochs of four steps, 8 images in 1 s each but for the slow first one; 6 s of validation after an epoch."""
    speed = live_view.Speed(STEPS)
    assert speed.remaining(5) is None
    now = 20.0  # the first step includes compiling
    for number in range(1, 2 * STEPS + 1):
        speed.step(8, now)
        if number == STEPS:
            now += 6
            speed.pause(now)
        now += 1
    assert speed.images_per_second() == 8
    assert speed.remaining(2 * STEPS) == 2 * (4 * 1 + 6)


def test_the_speed_is_that_of_the_last_epoch() -> None:
    speed = live_view.Speed(STEPS)
    now = 0.0
    for number in range(1, 5 * STEPS):
        now += 10 if number < 3 * STEPS else 1
        speed.step(8, now)
    assert speed.remaining(60) == 60
    assert speed.images_per_second() == 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59.5, "1 min 0 s"), (200, "3 min 20 s"), (601, "11 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_remaining_time_is_rounded_up(seconds: float, text: str) -> None:
    assert live_view._duration(seconds) == text
