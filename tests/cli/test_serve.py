"""`seefar serve` from the command line: options that Ray cannot obey are refused."""

import pytest

from seefar.cli import main

pytest.importorskip("starlette")


@pytest.mark.parametrize("words", [["--log", "log.jsonl"], ["--drain", "0"], ["--connections", "1000"]])
def test_what_ray_does_itself_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "model.onnx", "--ray", "local", *words]) == 2
    assert "leave out --log, --drain and --connections" in capsys.readouterr().err
