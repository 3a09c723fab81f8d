"""What the tests of the service share: one that runs for a whole module, and an exported file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import SMALL, colours
from tests.serving.running import Running, rule_model, running

import seefar as sf


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Running]:
    """A service of its own for a test: the rule, with short patience."""
    with running(tmp_path, {"rule": rule_model()}, patience=1.0, keep_alive=1.0, body=200_000) as one:
        yield one


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that the tests of a module share."""
    with running(tmp_path_factory.mktemp("shared"), {"rule": rule_model()}, patience=1.0, body=200_000) as one:
        yield one


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ONNX file of a small run, in its folder; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:  # the home of a test is not yet there
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        folder = tmp_path_factory.mktemp("exported") / "small"
        run = sf.train(colours(), "tiny", out=folder, quiet=True, **(SMALL | {"epochs": 6}))
        return sf.export(run, data=colours()).path


@pytest.fixture(scope="session")
def exported_too(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another file for the same images, which answers differently."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        folder = tmp_path_factory.mktemp("other") / "other"
        run = sf.train(colours(), "tiny", seed=5, out=folder, quiet=True, **(SMALL | {"epochs": 2}))
        return Path(shutil.copy(sf.export(run, data=colours()).path, folder.parent / "other.onnx"))
