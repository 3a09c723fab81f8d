"""`seefar export` from the command line: the table, the sentences, the JSON document, the exit codes."""

import json
from pathlib import Path

import pytest
from tests.conftest import SMALL

import seefar as sf
from seefar.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sf.Run:
    """A run on the built-in shapes, few of them."""
    monkeypatch.setattr("seefar.exporting.certificate.SECONDS", 0.02)
    data = sf.load("shapes", subset=200)
    return sf.train(data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"epochs": 1}))


def test_a_file_is_written_certified_and_used(run: sf.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run.path), "--out", str(tmp_path / "shapes.onnx")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "ONNX Runtime" in said
    assert "predict the same class for all 20 validation images" in said
    assert "written to" in said
    assert (
        sf.load_model(tmp_path / "shapes.onnx").predict(sf.load("shapes").train.pixels[:2])[0].label
        in sf.load("shapes").classes
    )

    sf.report(run)
    page, card = (run.path / name for name in ("report.html", "README.md"))
    for text in (page.read_text(), card.read_text()):
        assert "predict the same class for all 20 validation images" in " ".join(text.split())
    assert json.loads((run.path / "report.json").read_text())["export"]["onnx"]["file"] == "shapes.onnx"


def test_json_is_one_document(run: sf.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["certificate"]["agreement"]["images"] == 20
    assert found["int8"] is None


def test_exit_codes(run: sf.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "none")]) == 4
    assert main(["export", str(run.path), "--to", "tensorrt"]) == 2
    assert main(["export", str(run.path), "--out", str(tmp_path / "no" / "x.onnx")]) == 7
    assert "there is no export to 'tensorrt'" in capsys.readouterr().err


def test_a_name_that_does_not_do_is_refused_before_anything_is_exported(
    run: sf.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = run.path.rename(tmp_path / "a b")
    assert main(["export", str(named), "--layout", "triton"]) == 2
    assert "the name 'a b' of the model does not do" in capsys.readouterr().err
    assert not (named / "model.onnx").exists()
