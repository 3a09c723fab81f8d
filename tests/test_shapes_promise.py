"""The promise of the built-in images: hard for pixels, learned by `tiny` in a minute."""

from pathlib import Path

import pytest

import seefar as sf

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_tiny_passes_85_percent_on_validation_in_a_minute(tmp_path: Path) -> None:
    run = sf.train(sf.load("shapes"), "tiny", out=tmp_path / "run", quiet=True)
    assert max(row["validation_accuracy"] for row in run.history()) > 0.85
    assert sum(run.read("timing.json")["seconds_by_epoch"]) < 120  # twice the promise: this machine may be busy
