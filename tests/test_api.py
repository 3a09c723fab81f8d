"""The public names, and the API as the README shows it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.recipe_fields import change


def test_public_names_are_those_listed_sorted_and_real() -> None:
    assert sf.__all__ == sorted(sf.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    for name in sf.__all__:
        assert getattr(sf, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sf.nothing  # noqa: B018


def test_the_lines_of_the_readme(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = sf.train(small_data, recipe="tiny", seed=0, quiet=True, **SMALL)
    evaluation = sf.evaluate(run, split="test", data=small_data)
    assert evaluation.look == 1
    assert sf.report(run) == Path(run.path, "report.html")
    with pytest.raises(UsageError, match="report takes one run"):
        sf.report()  # importing its package and its file does not hide the function
    assert sf.open_run(run.path) == run


def test_run_takes_a_data_set_made_in_memory(small_data: Dataset, tmp_path: Path) -> None:
    run = sf.run(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    assert {"report.html", "evaluation-test.json", "evaluation-validation.json"} <= {path.name for path in run.path.iterdir()}


def test_a_recipe_value_can_be_given_instead_of_a_name(small_data: Dataset, tmp_path: Path) -> None:
    mine = change(sf.RECIPES["tiny"], SMALL)
    assert sf.train(small_data, mine, out=tmp_path / "run", quiet=True).recipe()["name"] == mine.name


def test_default_folders_are_named_after_data_recipe_and_seed(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [sf.train(small_data, "tiny", seed=7, quiet=True, **(SMALL | {"epochs": 1})).path.as_posix() for _ in range(2)]
    assert paths[0].startswith("runs/colours-tiny+widths=_8_,_8_+")
    assert paths[0].endswith("-seed7")
    assert paths[1] == f"{paths[0]}-2"


def test_under_torchrun_only_training_is_shared(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each process would enter a look at the test images."""
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK")
    for name, value in zip(("TORCHELASTIC_RUN_ID", *names), ("x", "1", "2", "1", "2", "0"), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="evaluate runs in one process; only train runs in several"):
        sf.evaluate(run, "test", data=small_data)
    with pytest.raises(UsageError, match="run runs in one process"):
        sf.run(small_data, "tiny", out=tmp_path / "other", **SMALL)
    assert not (run.path / "test-ledger.jsonl").exists()


def test_wrong_requests_are_errors_of_our_own(small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a recipe has no field 'epoch' \(did you mean 'epochs'"):
        sf.train(small_data, "tiny", out=tmp_path / "run", epoch=3)
    with pytest.raises(ModelFileError, match="there is no run folder"):
        sf.evaluate(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_the_summary_is_that_of_the_recipe() -> None:
    layers = sf.summary("tiny", classes=7, size=64)
    assert layers[0].shape == (3, 64, 64)
    assert layers[-1].shape == (7,)
    assert sf.summary("tiny", widths=[[8], [8]])[1].shape == (8, 32, 32)


@pytest.mark.slow
def test_training_needs_torch_numpy_pillow_and_safetensors_alone(tmp_path: Path) -> None:
    """It must run from source on a machine where nothing else is installed (filelock comes with torch)."""
    program = """
import sys
from importlib.machinery import ModuleSpec

class Absent:  # can be found, as torch does for some, but not imported
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rich", "cyclopts", "platformdirs", "httpx", "sklearn", "scipy", "matplotlib", "jinja2"):
            return ModuleSpec(name, self)

    def create_module(self, spec):
        raise ModuleNotFoundError(f"{spec.name} is not here", name=spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Absent())
import seefar as sf

run = sf.train(sf.load("shapes", subset=200), "tiny", out=sys.argv[1], epochs=1, widths=[[4], [4]])
print(run.history()[0]["number"])
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "run")], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-2].split()[0] == "1/1"
    assert done.stdout.strip() == "1"
