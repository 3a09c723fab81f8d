"""Triton's own client, which speaks the binary extension by default. It lives in an environment of its own: it needs older packages."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.environments import environment
from tests.serving.running import SIZE, Running

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv" / "clients"
PACKAGES = ["tritonclient[http]==2.73.0"]

PROGRAM = """
import json, sys
import numpy as np
import tritonclient.http as http

url, path, binary = sys.argv[1], sys.argv[2], sys.argv[3] == "True"
pixels = np.load(path)
with http.InferenceServerClient(url) as client:
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("rule")
    assert client.is_model_ready("rule", "1") and not client.is_model_ready("other")
    about = client.get_model_metadata("rule")
    asked = http.InferInput("pixels", list(pixels.shape), about["inputs"][0]["datatype"])
    asked.set_data_from_numpy(pixels, binary_data=binary)
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "logits", "features", "maps")]
    found = client.infer("rule", [asked], outputs=outputs, request_id="7", model_version="1")
    assert found.get_response()["id"] == "7"
    usual = client.infer("rule", [asked])
    waiting = [client.async_infer("rule", [asked]) for _ in range(20)]
    assert all(np.array_equal(one.get_result().as_numpy("logits"), usual.as_numpy("logits")) for one in waiting)
    try:
        client.infer("other", [asked])
    except http.InferenceServerException as error:
        refused = error.status()
    print(json.dumps({"refused": refused, **{name: found.as_numpy(name).tolist() for name in ("probabilities", "maps")}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_gets_the_answers(shared: Running, tmp_path: Path, binary: bool) -> None:
    python = environment(CLIENTS, PACKAGES)
    pixels = np.random.default_rng(2).integers(0, 255, (3, SIZE, SIZE, 3), np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    words = [str(python), "-c", PROGRAM, f"127.0.0.1:{shared.port}", str(tmp_path / "pixels.npy"), str(binary)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = shared.service.models.get("rule").model.answers(pixels, maps=True)
    assert np.allclose(found["probabilities"], wanted.probabilities, atol=1e-6)
    assert np.allclose(found["maps"], wanted.maps, atol=1e-4)
    assert "404" in found["refused"]
