"""A run that the tests of a trained network share: trained once, copied for each."""

import shutil
from pathlib import Path

import pytest
from tests.conftest import SMALL, colours

import seefar as sf


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on `small_data`, six epochs long; not to be changed."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return sf.train(colours(), "tiny", out=folder, quiet=True, **(SMALL | {"epochs": 6})).path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> sf.Run:
    """A copy of it."""
    return sf.open_run(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture(scope="session")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ONNX file of that run; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:  # the home of a test is not yet there
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        run = sf.open_run(shutil.copytree(trained, tmp_path_factory.mktemp("exported") / "run"))
        return sf.export(run, data=colours()).path
