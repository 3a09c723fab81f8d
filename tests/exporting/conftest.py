"""A run that the tests of exports share: trained and exported once, copied for each."""

import shutil
from pathlib import Path

import pytest
from tests.conftest import SMALL, colours

import seefar as sf


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on `small_data`, evaluated on validation; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:  # the home of a test is not yet there
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        run = sf.train(colours(), "tiny", out=tmp_path_factory.mktemp("trained") / "run", quiet=True, **SMALL)
        sf.evaluate(run, data=colours())
    return run.path


@pytest.fixture(autouse=True)
def speed_is_measured_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out matters to no test but one, which sets its own time."""
    monkeypatch.setattr("seefar.exporting.certificate.SECONDS", 0.02)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> sf.Run:
    """A copy of it."""
    return sf.open_run(shutil.copytree(trained, tmp_path / "run"))
