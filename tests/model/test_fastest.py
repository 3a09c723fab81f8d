"""Which way of computing answers: the file only if it was faster here, and is the one that was certified."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seefar as sf
from seefar.model.fastest import load_fastest


@pytest.fixture
def run(exported: Path, tmp_path: Path) -> sf.Run:
    """A copy of the exported run, whose certificate says that the file is twice as fast."""
    run = sf.open_run(shutil.copytree(exported.parent, tmp_path / "run"))
    measure(run, torch=100.0, runtime=200.0)
    return run


def measure(run: sf.Run, torch: float, runtime: float) -> None:
    """Let the certificate hold these speeds."""

    def change(certificate: dict[str, Any]) -> None:
        for speed in certificate["speeds"]:
            speed["images_per_second"] = torch if speed["engine"].startswith("torch") else runtime

    rewrite(run, change)


def rewrite(run: sf.Run, change: Callable[[dict[str, Any]], None]) -> None:
    known = run.read("export.json")
    change(known["onnx"]["certificate"])
    run.write("export.json", known)


def engine(run: sf.Run | Path) -> str:
    return load_fastest(run).engine.name.split()[0]


def test_the_faster_one_answers(run: sf.Run) -> None:
    assert (engine(run), engine(run.path)) == ("ONNX", "ONNX")
    measure(run, torch=300.0, runtime=200.0)
    assert engine(run) == "torch,"


def test_a_file_is_itself(exported: Path) -> None:
    assert engine(exported) == "ONNX"


def test_torch_answers_where_the_file_was_not_measured_here_or_is_another(run: sf.Run) -> None:
    def elsewhere(certificate: dict[str, Any]) -> None:
        certificate["processor"] = "another"

    content = (run.path / "model.onnx").read_bytes()
    (run.path / "model.onnx").write_bytes(content[:-1])
    assert engine(run) == "torch,"
    (run.path / "model.onnx").unlink()
    assert engine(run) == "torch,"
    (run.path / "model.onnx").write_bytes(content)
    assert engine(run) == "ONNX"
    rewrite(run, elsewhere)
    assert engine(run) == "torch,"
    (run.path / "export.json").unlink()
    assert engine(run) == "torch,"
