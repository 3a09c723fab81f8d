"""Models by name and version: a new file is tested beside the old one and then takes its place; a bad one changes nothing."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.conftest import colours
from tests.serving.running import Running, running

import seefar as sf
from seefar.errors import ModelFileError
from seefar.files import sha256, write_bytes
from seefar.model.onnx_engine import OnnxEngine
from seefar.serving.log import Log
from seefar.serving.metrics import Metrics
from seefar.serving.models import Models
from seefar.serving.settings import Settings
from seefar.serving.sources import Source

PIXELS = colours().test.pixels[:3]
ASKED = {
    "inputs": [
        {"name": "pixels", "datatype": "UINT8", "shape": [3, 16, 16, 3], "data": PIXELS.ravel().tolist()},
    ],
    "outputs": [{"name": "logits"}],
}


@contextmanager
def serving_from(folder: Path, source: Source, **changes: Any) -> Iterator[Running]:
    """A service whose model comes from a source, and can be read again."""
    with running(folder, {"small": sf.load_model(source.versions().popitem()[1])}, **changes) as one:
        one.service.models._sources["small"] = source
        for served in one.service.models._served["small"].values():
            served.digest = sha256(source.versions().popitem()[1])
        yield one


def logits(one: Running, version: str | None = None) -> list[float]:
    path = "/v2/models/small" + (f"/versions/{version}" if version else "") + "/infer"
    answer = one.client.post(path, json=ASKED)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["outputs"][0]["data"])


def of(file: Path) -> list[float]:
    return pytest.approx(sf.load_model(file).logits(PIXELS).ravel().tolist(), abs=1e-4)


def test_a_new_file_takes_the_place_of_the_old_one(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    with serving_from(tmp_path, Source("small", file)) as one:
        assert one.client.put("/v1/models/small").json() == {"model": "small", "versions": ["1"], "changed": False}
        assert logits(one) == of(exported)
        write_bytes(file, exported_too.read_bytes())
        assert one.client.put("/v1/models/small").json() == {"model": "small", "versions": ["2"], "changed": True}
        assert logits(one) == of(exported_too)
        assert one.client.get("/v2/models/small").json()["versions"] == ["2"]
        assert one.client.get("/v2/models/small/versions/1").status_code == 404
        assert one.metric('seefar_reloads_total{result="switched"}') == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "folder", "empty"])
def test_a_damaged_file_changes_nothing(exported: Path, tmp_path: Path, damage: str) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    content = file.read_bytes()
    with serving_from(tmp_path, Source("small", file)) as one:
        file.unlink()
        if damage == "folder":
            file.mkdir()
        elif damage != "missing":
            middle = len(content) // 2
            flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
            file.write_bytes({"cut": content[:5000], "flipped": flipped, "empty": b""}[damage])
        answer = one.client.put("/v1/models/small")
        assert answer.status_code == 409
        assert str(tmp_path) not in answer.text
        assert "what served before goes on" in answer.text
        assert logits(one) == of(exported)
        assert one.client.get("/readyz").status_code == 200
        assert one.metric('seefar_reloads_total{result="refused"}') == 1
        assert any('"result": "refused"' in line for line in one.lines())


def test_no_request_notices_that_the_model_is_replaced(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    wanted = [of(exported), of(exported_too)]
    stop, wrong, asked = threading.Event(), list[Any](), list[int]()
    with serving_from(tmp_path, Source("small", file), queue=1000) as one:

        def ask() -> None:
            with httpx.Client(base_url=one.url) as client:
                while not stop.is_set():
                    answer = client.post("/v2/models/small/infer", json=ASKED)
                    if answer.status_code != 200 or answer.json()["outputs"][0]["data"] not in wanted:
                        wrong.append(answer.text)
                    asked.append(1)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for content in (exported_too, exported) * 2:
            write_bytes(file, content.read_bytes())
            assert one.client.put("/v1/models/small").json()["changed"]
        time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert len(asked) > 20


def test_versions_of_a_folder_come_and_go(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    (folder / "1").mkdir(parents=True)
    (folder / "notes").mkdir()
    shutil.copy(exported, folder / "1" / "model.onnx")
    with serving_from(tmp_path, Source("small", folder)) as one:
        (folder / "10").mkdir()
        shutil.copy(exported_too, folder / "10" / "model.onnx")
        assert one.client.put("/v1/models/small").json() == {"model": "small", "versions": ["1", "10"], "changed": True}
        assert logits(one) == of(exported_too)
        assert logits(one, "1") == of(exported)
        shutil.rmtree(folder / "1")
        assert one.client.put("/v1/models/small").json()["versions"] == ["10"]
        shutil.rmtree(folder / "10")
        assert one.client.put("/v1/models/small").status_code == 409
        assert logits(one) == of(exported_too)


def test_threads_of_a_replaced_version_end(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))

    def workers() -> int:
        return len([thread for thread in threading.enumerate() if thread.name in ("decode", "compute")])

    with serving_from(tmp_path, Source("small", file)) as one:
        before = workers()
        write_bytes(file, exported_too.read_bytes())
        one.client.put("/v1/models/small")
        late = time.monotonic() + 5
        while workers() > before:
            assert time.monotonic() < late
            time.sleep(0.05)


def test_nothing_is_served_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        found = Models([Source("x", path)], Settings(), Metrics(), Log(tmp_path / "log"))
        with pytest.raises(ModelFileError, match=r"there is no file|holds no version"):
            found.load()


def test_a_new_file_is_read_once(exported: Path, exported_too: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, read, usual = Path(shutil.copy(exported, tmp_path / "small.onnx")), list[Path](), Path.open

    def counted(path: Path, *words: Any, **more: Any) -> Any:
        read.append(path)
        return usual(path, *words, **more)

    with serving_from(tmp_path, Source("small", file)) as one:
        write_bytes(file, exported_too.read_bytes())
        monkeypatch.setattr(Path, "open", counted)
        assert one.client.put("/v1/models/small").json()["changed"]
        assert read.count(file) == 1
        monkeypatch.undo()
        assert one.client.get("/v1/models/small").json()["sha256"] == sha256(file)


def test_every_size_of_a_batch_is_computed_before_it_serves(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, run = list[tuple[int, bool]](), OnnxEngine.run

    def seen(engine: OnnxEngine, pixels: np.ndarray, maps: bool = False) -> dict[str, np.ndarray]:
        sizes.append((len(pixels), maps))
        return run(engine, pixels, maps)

    monkeypatch.setattr(OnnxEngine, "run", seen)
    Models([Source("x", exported)], Settings(batch=4), Metrics(), Log(tmp_path / "log")).load()
    assert {size for size, _ in sizes} >= {1, 2, 4, 8, 16, 32}
    assert (1, True) in sizes
