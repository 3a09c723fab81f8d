"""From `seefar run` to a report with explanations, then study and predict: a network in a file, and two classifiers of timm."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import images
from tests.networks import outside_networks as theirs

from seefar.cli import main
from seefar.explaining import faithfulness, overview
from seefar.runs.folder import Run

needs_timm = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """60 pictures of 32x32 pixels in three folders; the working directory holds the file of networks."""
    found = images(60, 1, "train", size=32)
    for i, (pixels, label) in enumerate(zip(found.pixels, found.labels, strict=True)):
        path = tmp_path / "photos" / ("red", "green", "blue")[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(path)
    monkeypatch.chdir(tmp_path)
    theirs.write(tmp_path)
    monkeypatch.setattr(overview, "SCORED", 2)  # a ResNet has half a billion products an image
    monkeypatch.setattr(overview, "LOOKED", 1)
    monkeypatch.setattr(faithfulness, "STEPS", 4)
    return tmp_path / "photos"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "other", "stages"),
    [
        pytest.param("my_net.py:residual", "my_net.py:hidden", ["0", "1"], id="file"),
        pytest.param(
            "timm:resnet18", "my_net.py:residual", ["layer1", "layer2", "layer3", "layer4"], id="resnet18", marks=needs_timm
        ),
        pytest.param(
            "timm:mobilenetv3_small_100",
            "my_net.py:residual",
            ["blocks.0", "blocks.1", "blocks.3", "blocks"],
            id="mobilenetv3",
            marks=needs_timm,
        ),
    ],
)
def test_the_whole_path(model: str, other: str, stages: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--recipe", "tiny", "--epochs", "1", "--set", "batch_size=16"]
    assert main(["run", "--data", str(photos), *small, "--set", f"model={model}", "--out", "run"]) == 0, capsys.readouterr().err
    run = Run(Path("run"))
    assert run.recipe()["model"] == model
    inside = run.read("inside-validation.json")
    assert inside["stages"] == stages
    assert set(inside["methods"]) == {"grad_cam", "layer_cam"}
    page = (run.path / "report.html").read_text()
    assert model in page
    assert all(stage in page for stage in stages)
    capsys.readouterr()
    assert main(["predict", "run", str(photos / "red"), "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == 20
    study = ["study", "--base", "tiny", "--vary", f"model={model},{other}", "--set", "epochs=1", "--set", "batch_size=16"]
    assert main([*study, "--data", str(photos), "--seeds", "1", "--out", "study"]) == 0, capsys.readouterr().err
    rows = Run(Path("study")).read("results.json")["rows"]
    assert [row["variant"] for row in rows][-1] == f"model={other}"
    assert Path("study/study.html").exists()
