"""`seefar recipes --time`: how long recipes take here."""

import json

import pytest

from seefar.cli import main
from seefar.recipe_fields import change, find
from seefar.training.step_seconds import StepSeconds, run_seconds


def test_time_tries_the_recipes_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "tiny", "--time", "--json"]) == 0
    seconds = json.loads(capsys.readouterr().out)
    assert list(seconds) == ["tiny"]
    assert 1 < seconds["tiny"] < 3000, "half a million images a second are not to be had"
    assert main(["recipes", "tiny", "--time"]) == 0
    assert "50,000 images of 32x32, on this machine" in capsys.readouterr().out


def test_a_run_is_its_images_and_its_validations() -> None:
    here = StepSeconds(learning=0.01, answering=0.001)
    plain = change(find("tiny"), {"epochs": 4, "validation": 0.1})
    assert run_seconds(plain, here, 1000) == pytest.approx(4 * (9 + 0.1))
    half = change(find("fast"), {"epochs": 3, "leave_out": 0.5, "batch_size": 100, "validation": 0.2})
    assert run_seconds(half, here, 1000) == pytest.approx(8 + 2 * 4 + 3 * 0.2)
