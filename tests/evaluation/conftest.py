"""A run to evaluate: trained once, and for each test a copy that it may look at and write into."""

import os
import shutil
from pathlib import Path

import pytest
from tests.conftest import SMALL, colours

import seefar as sf


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of an audit with trainings this short would be fsync, and what a power cut leaves is tested elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        return sf.train(colours(), "tiny", out=folder / "run", quiet=True, **SMALL).path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> sf.Run:
    """On `small_data`."""
    return sf.open_run(shutil.copytree(trained, tmp_path / "run"))
