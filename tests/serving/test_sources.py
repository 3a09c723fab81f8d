"""What `seefar serve` is told to serve: names from paths, and sentences where they do not do."""

import shutil
from pathlib import Path

import pytest

from seefar.errors import ModelFileError, UsageError
from seefar.serving.sources import Source, sources


def test_names_come_from_files_and_folders_or_are_given(exported: Path, tmp_path: Path) -> None:
    shutil.copy(exported, tmp_path / "my deer (2).onnx")
    (tmp_path / "versions" / "1").mkdir(parents=True)
    words = [str(tmp_path / "my deer (2).onnx"), str(exported), f"mine={exported}", str(tmp_path / "versions")]
    found = sources(words)
    assert [source.name for source in found] == ["my-deer-2", "small", "mine", "versions"]
    assert found[1].path == exported


def test_a_run_is_served_by_its_file(exported: Path) -> None:
    assert sources([str(exported.parent)]) == [Source("small", exported)]
    assert sources([f"x={exported.parent}"]) == [Source("x", exported)]


def test_a_run_that_cannot_be_exported_says_why(exported: Path, tmp_path: Path) -> None:
    run = shutil.copytree(exported.parent, tmp_path / "run")
    (run / "model.onnx").unlink()
    (run / "recipe.json").write_text("{}")
    with pytest.raises(ModelFileError, match="could not be exported: "):
        sources([str(run)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no model is given"),
        (["a.onnx", "b/a.onnx"], "two models are called a"),
        (["../x=a.onnx"], "does not fit into an address"),
        (["=a.onnx"], "does not fit into an address"),
        (["***.onnx"], "does not fit into an address"),
    ],
)
def test_words_that_do_not_do(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sources(words)


def test_versions_are_numbers_the_newest_last(tmp_path: Path) -> None:
    for name in ("1", "2", "10", "x", "0", "-3", "5.5"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").touch()
    (tmp_path / "7").mkdir()
    assert list(Source("x", tmp_path).versions()) == ["1", "2", "10"]
    for number in range(20, 40):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "model.onnx").touch()
    assert list(Source("x", tmp_path).versions()) == [str(number) for number in range(32, 40)]
