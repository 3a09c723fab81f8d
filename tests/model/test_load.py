"""What `load_model` takes, and where a model came from."""

from pathlib import Path

import pytest

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError


def test_a_run_its_folder_and_a_file_are_told_apart(run: sf.Run, exported: Path) -> None:
    assert sf.load_model(run).engine.name == sf.load_model(str(run.path)).engine.name == "torch, float32 on cpu"
    assert sf.load_model(str(exported)).engine.name.startswith("ONNX Runtime")
    assert sf.load_model(run, "cpu", precision="fp32").engine.name == "torch, float32 on cpu"
    with pytest.raises(ModelFileError, match="there is no run folder"):
        sf.load_model(run.path / "none")
    with pytest.raises(ModelFileError, match="is not used: it is"):
        sf.load_model(run.path / "recipe.json")


def test_the_origin_is_what_the_run_says(run: sf.Run, small_data: Dataset) -> None:
    origin = sf.load_model(run).origin
    assert (origin["seed"], origin["validation"], origin["seefar"]) == (0, None, sf.__version__)
    assert origin["data"] == {"name": "colours", "digest": small_data.train.digest}
    evaluation = sf.evaluate(run, data=small_data)
    assert sf.load_model(run).origin["validation"]["accuracy"]["value"] == evaluation.accuracy.value
    assert sf.load_model(run).sure == evaluation.selective.threshold
