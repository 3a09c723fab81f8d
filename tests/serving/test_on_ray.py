"""The service on a local Ray: it answers as alone, refuses what it has to, and is updated without a request that fails."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.conftest import colours
from tests.serving.running import png

import seefar as sf
from seefar.errors import ModelFileError, UsageError

pytest.importorskip("ray.serve")

from seefar.serving.on_ray import serve_on_ray

PIXELS = colours().test.pixels[:2]
ASKED = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [2, 16, 16, 3], "data": PIXELS.ravel().tolist()}]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def local_ray() -> Iterator[None]:
    import ray
    from ray import serve

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        serve.shutdown()
        ray.shutdown()


def test_senseless_requests_are_refused_before_ray_is_asked(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="replicas is 0"):
        serve_on_ray([str(exported)], "local", replicas=0)
    with pytest.raises(UsageError, match="give --token FILE"):
        serve_on_ray([str(exported)], "local", "0.0.0.0")
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:5000])
    with pytest.raises(ModelFileError, match="cut is not used"):
        serve_on_ray([str(tmp_path / "cut.onnx")], "local")


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_it_answers_and_is_updated(exported: Path, exported_too: Path) -> None:
    port, failed, stop, asked = free_port(), list[str](), threading.Event(), list[int]()
    url = f"http://127.0.0.1:{port}"

    def probabilities(file: Path) -> list[float]:
        return list(sf.load_model(file).predict_proba(PIXELS).ravel())

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/v1/predict", content=png(40), headers={"content-type": "image/png"})
                asked.append(answer.status_code)
                if answer.status_code != 200:
                    failed.append(answer.text)

    def deploy(file: Path) -> None:
        serve_on_ray([f"small={file}"], "local", port=port, replicas=1, until=lambda: answers(file))

    def answers(file: Path) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            answer = client.post("/v2/models/small/infer", json=ASKED)
            assert answer.json()["outputs"][0]["data"] == pytest.approx(probabilities(file), abs=1e-4)
            assert client.get("/readyz").json() == {"status": "ready"}
            assert client.get("/nothing").json()["error"]["code"] == "no_route"
            assert client.post("/v1/predict", content=b"x", headers={"content-type": "image/png"}).status_code == 422
            assert client.get("/readyz", headers={"host": "evil.test"}).status_code == 403

    with local_ray(), pytest.MonkeyPatch.context() as patch:
        from ray import serve

        patch.setattr(serve, "shutdown", lambda: None)  # as on a cluster that stays
        deploy(exported)
        thread = threading.Thread(target=ask)
        thread.start()
        deploy(exported_too)
        stop.set()
        thread.join()
        patch.undo()
    assert not failed
    assert len(asked) > 5
