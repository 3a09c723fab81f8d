"""Several seeds with a budget: all of them get what the first one chose."""

import time
from pathlib import Path

import pytest

import seefar as sf
from seefar.cli import main, started
from seefar.training import frontier
from seefar.training.step_seconds import StepSeconds


def test_further_seeds_get_the_settings_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(frontier, "SETTLING", 0.0)
    monkeypatch.setattr(started, "STARTED", time.perf_counter())
    seconds = iter(frontier.FRONTIER[0].seconds_an_image / slow for slow in (150, 150, 1, 1))
    monkeypatch.setattr(frontier, "step_seconds", lambda *_: StepSeconds(next(seconds), 0.0))
    words = ["train", "--data", "shapes", "--subset", "2000", "--recipe", "fast", "--budget", "2s", "--seeds", "2"]
    assert main([*words, "--out", "runs"]) == 0
    one, other = (sf.open_run(path) for path in sorted(Path().glob("runs-seed*")))
    assert one.recipe() == other.recipe()
    assert one.read("recipe.json")["seed"] != other.read("recipe.json")["seed"]
    assert len(list(seconds)) == 2, "the second seed made no trial"
