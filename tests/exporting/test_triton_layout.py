"""The layout of other servers: what is written says what the file is, and Triton's own reader and OpenVINO take it."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import colours
from tests.environments import environment

import seefar as sf
from seefar.errors import ModelFileError, UsageError
from seefar.exporting.triton_layout import write_layout

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "runtimes"
PACKAGES = ["tritonclient[grpc]==2.73.0", "openvino==2026.4.1", "numpy"]

PROGRAM = """
import json, sys
import numpy as np
import openvino
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

home, pixels = sys.argv[1], np.load(sys.argv[2])
config = text_format.Parse(open(home + "/config.pbtxt").read(), ModelConfig())
full = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where there is any
compiled = openvino.Core().compile_model(home + "/1/model.onnx", "CPU", full)
found = compiled(pixels)
print(json.dumps({
    "name": config.name,
    "input": [config.input[0].name, list(config.input[0].dims), config.input[0].data_type],
    "outputs": {output.name: list(output.dims) for output in config.output},
    "shapes": {output.any_name: list(found[output].shape[1:]) for output in compiled.outputs},
    "probabilities": found["probabilities"].tolist(),
}))
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import SMALL

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        run = sf.train(colours(), "tiny", out=tmp_path_factory.mktemp("laid") / "run", quiet=True, **SMALL)
        return sf.export(run, data=colours()).path


def test_versions_are_numbered_and_the_file_is_the_same(file: Path, tmp_path: Path) -> None:
    assert write_layout(file, tmp_path, "small") == tmp_path / "small" / "1" / "model.onnx"
    assert write_layout(file, tmp_path, "small") == tmp_path / "small" / "2" / "model.onnx"
    assert (tmp_path / "small" / "2" / "model.onnx").read_bytes() == file.read_bytes()
    assert (tmp_path / "small" / "labels.txt").read_text().splitlines() == ["class 0", "class 1", "class 2"]
    text = (tmp_path / "small" / "config.pbtxt").read_text()
    assert re.search(r'name: "pixels" data_type: TYPE_UINT8 dims: \[ 16, 16, 3 \]', text)


def test_names_and_repositories_that_do_not_do(file: Path, tmp_path: Path) -> None:
    for name in ("", "../x", "a b", ".x"):
        with pytest.raises(UsageError, match="does not do"):
            write_layout(file, tmp_path, name)
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "labels.txt").write_text("another\n")
    with pytest.raises(ModelFileError, match="says something else"):
        write_layout(file, tmp_path, "small")


def test_the_service_serves_it(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    from seefar.serving.sources import sources

    write_layout(file, tmp_path, "small")
    (source,) = sources([str(tmp_path / "small")])
    assert (source.name, list(source.versions())) == ("small", ["1"])


@pytest.mark.slow
def test_triton_reads_the_description_and_openvino_runs_the_file(file: Path, tmp_path: Path) -> None:
    python = environment(PEERS, PACKAGES)
    write_layout(file, tmp_path, "small")
    pixels = colours().test.pixels
    np.save(tmp_path / "pixels.npy", pixels)
    words = [str(python), "-c", PROGRAM, str(tmp_path / "small"), str(tmp_path / "pixels.npy")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["name"], found["input"]) == ("small", ["pixels", [16, 16, 3], 2])  # 2: TYPE_UINT8
    assert found["outputs"] == found["shapes"]
    assert np.allclose(found["probabilities"], sf.load_model(file).predict_proba(pixels), atol=1e-4)
