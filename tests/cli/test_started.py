"""What a budget is charged with: starting the program once, and never the loading of images."""

import time

import pytest

from seefar.cli import started
from seefar.cli.started import StartUp


def test_starting_is_charged_to_the_first_training_and_loading_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 103.0
    monkeypatch.setattr(started, "STARTED", 100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: moment)
    with StartUp() as start_up:
        moment = 150.0
    moment = 150.5
    assert start_up.charge() == 3.5
    assert start_up.charge() == 0.0
