"""A cluster answers as one process does, each file once, whoever dies in the middle; and goes on where it was stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.answering.conftest import save
from tests.conftest import SMALL, colours

import seefar as sf
from seefar.answering import on_ray, parquet
from seefar.answering.items import Reader, items
from seefar.answering.on_ray import _Answerer, _check_cores, _check_whole, _Given, _parts, _raise
from seefar.errors import DataError, DiskError, ModelFileError, UsageError
from seefar.model.model import Model

pytest.importorskip("pyarrow")

PROGRAM = """
import json, sys, time
from pathlib import Path
import psutil, ray
from seefar.answering import on_ray
from seefar.errors import UsageError

killed = []

def kill_a_worker(done):
    if done >= 64 and not killed:
        for child in psutil.Process().children(recursive=True):
            if "MapWorker" in " ".join(child.cmdline()) and not killed:
                killed.append(child.pid)
                child.kill()

def stop(done):
    if done >= 64:
        raise KeyboardInterrupt

if __name__ == "__main__":
    model, photos, out = sys.argv[1:]
    on_ray.PART = 16
    ray.init("local", num_cpus=2, log_to_driver=False)
    written = on_ray.answer_on_ray(model, [photos], Path(out, "killed"), "local", tell=kill_a_worker)
    try:
        on_ray.answer_on_ray(model, [photos], Path(out, "stopped"), "local", tell=stop)
    except KeyboardInterrupt:
        pass
    parts = sorted(Path(out, "stopped.partial").glob("part-*.parquet"))
    before = {part.name: part.stat().st_mtime_ns for part in parts}
    try:
        on_ray.answer_on_ray(model, [photos], Path(out, "stopped"), "local")
    except UsageError as error:
        refused = str(error)
    again = on_ray.answer_on_ray(model, [photos], Path(out, "stopped"), "local", resume=True)
    kept = [name for name, when in before.items() if Path(out, "stopped", name).stat().st_mtime_ns == when]
    said = json.dumps([len(killed), written, again, refused, len(before), len(kept)])
    Path(out, "said.json").write_text(said)  # Ray writes on stdout
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        return sf.train(colours(), "tiny", out=tmp_path_factory.mktemp("runs") / "run", quiet=True, **SMALL).path


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """All rows of the Parquet files, by their numbers."""
    from pyarrow import dataset

    rows: list[dict[str, Any]] = dataset.dataset(folder, format="parquet").to_table().to_pylist()
    return sorted(rows, key=lambda row: int(row["number"]))


@pytest.mark.slow
def test_a_killed_worker_and_a_stopped_attempt_lose_and_repeat_nothing(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    photos = tmp_path / "photos"
    for number in range(3000):
        save(photos / f"{number:04d}.png", number % 256, side=16)
    (photos / "0500.png").write_bytes(b"nothing")
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "RAY_worker_niceness": "0", "RAY_raylet_start_wait_time_s": "120"}
    words = [sys.executable, str(tmp_path / "program.py"), str(trained), str(photos), str(tmp_path)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    killed, written, again, refused, before, kept = json.loads((tmp_path / "said.json").read_text())
    assert killed == 1
    assert written == again == [3000, 1]
    assert "stopped.partial holds the answers of an attempt that did not end; add --resume" in refused
    assert 0 < before == kept < 188
    expected = list(sf.predict_each(trained, photos))
    for name in ("killed", "stopped"):
        found = rows_of(tmp_path / name)
        assert [row["number"] for row in found] == list(range(3000))
        assert [row["image"] for row in found] == [row.image for row in expected]
        assert [row["error"] for row in found] == [row.error for row in expected]
        for row, answer in zip(found, expected, strict=True):
            if answer.error is None:
                assert dict(zip(row["classes"], row["probabilities"], strict=True)) == pytest.approx(
                    answer.probabilities, abs=2e-6
                )
                assert (row["unlike"], row["abstained"], row["original_size"]) == (answer.unlike, False, "16x16")
        assert not (tmp_path / f"{name}.partial").exists()


# The parts of it, without a cluster


@pytest.fixture
def answerer(model: Model, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Answerer:
    """A worker for the seventy pictures."""
    monkeypatch.setattr(on_ray, "PART", 16)
    monkeypatch.setattr(on_ray, "_load", lambda given: model)
    (tmp_path / "out").mkdir()
    return _Answerer(_Given("model", "digest", str(tmp_path / "out"), None, None, 1, "cpu"))


def parts_of(photos: Path) -> list[dict[str, Any]]:
    return list(_parts(items([str(photos)], Reader())))


def test_parts_are_the_answers_of_one_process_in_any_order(
    answerer: _Answerer, model: Model, photos: Path, tmp_path: Path
) -> None:
    (photos / "a" / "007.png").write_bytes(b"")
    parts = parts_of(photos)
    assert [part["first"] for part in parts] == [0, 16, 32, 48, 64]
    for part in reversed(parts):
        found = answerer(part)
        assert (found["rows"], found["bad"], found["failure"]) == (16 if part["first"] < 64 else 6, part["first"] == 0, "")
    _check_whole(tmp_path / "out", 70)
    rows = rows_of(tmp_path / "out")
    for number, (row, answer) in enumerate(zip(rows, sf.predict_each(model, photos), strict=True)):
        listed = dict(zip(row.pop("classes"), row.pop("probabilities"), strict=True))
        assert row.pop("number") == number
        assert row | {"probabilities": listed} == vars(answer)


def test_a_part_that_is_there_is_not_done_again(answerer: _Answerer, photos: Path, tmp_path: Path) -> None:
    (photos / "a" / "007.png").write_bytes(b"")
    part = parts_of(photos)[0]
    first = answerer(part)
    path = tmp_path / "out" / "part-000000000000.parquet"
    when = path.stat().st_mtime_ns
    assert answerer(part) == first
    assert path.stat().st_mtime_ns == when


def test_trouble_of_a_worker_reaches_who_asked(answerer: _Answerer, photos: Path, tmp_path: Path) -> None:
    first, second = parts_of(photos)[:2]
    answerer(first)
    found = answerer({"first": 0, "items": second["items"]})
    with pytest.raises(DataError, match=r"the files have changed since part-000000000000.parquet was written; .* \(on "):
        _raise(found)
    (tmp_path / "out" / "part-000000000000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"is damaged .*; delete it, and resume"):
        _raise(answerer(first))
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="is not there; choose a folder on a disk that all machines share"):
        _raise(answerer(first))


def test_the_model_has_to_be_the_same_everywhere(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is not there; put the model on a disk"):
        on_ray._load(_Given(str(tmp_path / "none"), "", "", None, None, 1, "cpu"))
    with pytest.raises(ModelFileError, match="is another one on this machine"):
        on_ray._load(_Given(str(trained), "0", "", None, None, 1, "cpu"))


def test_what_cannot_be_seen_from_here_is_not_taken_for_done(answerer: _Answerer, photos: Path, tmp_path: Path) -> None:
    for part in parts_of(photos):
        answerer(part)
    (tmp_path / "out" / "part-000000000032.parquet").unlink()
    with pytest.raises(DiskError, match="70 answers were written, but only 32 are seen"):
        _check_whole(tmp_path / "out", 70)


def test_workers_that_no_machine_can_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="4 threads each, but no machine of the cluster has more than 2 cores"):
        _check_cores(4, [1, 2])
    with pytest.raises(UsageError, match="workers have 0 threads"):
        _check_cores(0, [2])


def test_no_part_of_that_name_is_no_trouble(tmp_path: Path) -> None:
    assert parquet.names_in(tmp_path / "part-000000000000.parquet") is None


def test_rows_are_counted_without_reading_them(
    answerer: _Answerer, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in parts_of(photos):
        answerer(part)
    monkeypatch.setattr("pyarrow.parquet.read_table", None)
    _check_whole(tmp_path / "out", 70)
    (path := tmp_path / "out" / "part-000000000016.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"part-000000000016\.parquet is damaged"):
        parquet.rows_in(path)
    with pytest.raises(DiskError):
        parquet.rows_in(tmp_path / "none")


def test_where_it_is_started_no_gpu_is_needed(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):  # after the model was loaded
        on_ray.answer_on_ray(trained, ["photos"], tmp_path, "local", device="cuda")
