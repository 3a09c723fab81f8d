"""Run folders: made once, never mixed, verified before use."""

import contextlib
import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from seefar import files
from seefar.errors import DiskError, ModelFileError, UsageError
from seefar.runs import folder
from seefar.runs.folder import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A sealed run with made-up content."""
    run = folder.create(tmp_path / "run")
    for name in ("recipe.json", "data.json", "splits.json", "environment.json"):
        run.write(name, {"name": "tiny", "seed": 0})
    rows = [{"number": 1, "loss": 0.1 + 0.2, "best": True, "ending": "finished"}]
    run.commit({"history.csv": folder.history_table(rows), "weights/last.safetensors": bytes(1000)}, ended="finished")
    return run


def test_numbered_folders_never_meet(tmp_path: Path) -> None:
    paths = [folder.create_numbered(tmp_path / "runs" / "a").path.name for _ in range(3)]
    assert paths == ["a", "a-2", "a-3"]


def test_where_no_folder_can_be_made_no_further_number_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(Path, "mkdir", full)
    monkeypatch.setattr(files, "make_folder", lambda path: path)
    with pytest.raises(DiskError, match="No space left"):
        folder.create_numbered(tmp_path / "runs" / "a")


def test_a_folder_that_holds_another_run_is_refused(run: Run) -> None:
    """Fault 61."""
    with pytest.raises(UsageError, match="holds another run; choose another folder with --out"):
        folder.create(run.path)


def test_a_folder_with_other_things_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        folder.create(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        folder.create(tmp_path / "x")
    assert folder.create(tmp_path / "new" / "deep").path.is_dir()


@pytest.mark.parametrize("what", ["nothing", "file", "empty"])
def test_what_is_no_run_is_told_apart(tmp_path: Path, what: str) -> None:
    path = tmp_path / "run"
    if what == "file":
        path.write_text("")
    elif what == "empty":
        path.mkdir()
    sentence = {"nothing": "there is no run folder", "file": "is a file, not", "empty": "it has no recipe.json"}[what]
    with pytest.raises(ModelFileError, match=sentence):
        folder.open_run(path)


def test_a_sealed_run_verifies_also_after_a_move(run: Run, tmp_path: Path) -> None:
    run.verify()
    moved = run.path.rename(tmp_path / "elsewhere")
    folder.open_run(moved).verify()


@pytest.mark.parametrize("position", [0, 500, 999])
def test_one_flipped_bit_is_found(run: Run, position: int) -> None:
    path = run.path / "weights" / "last.safetensors"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"last.safetensors is damaged or was changed: SHA-256 is"):
        run.verify()


def test_a_lost_file_a_missing_manifest_and_a_newer_format_are_found(run: Run) -> None:
    manifest = run.read("manifest.json")
    run.write("manifest.json", manifest | {"format": 99})
    with pytest.raises(ModelFileError, match="format 99, this seefar reads 7"):
        run.verify()
    run.write("manifest.json", manifest)
    (run.path / "history.csv").unlink()
    with pytest.raises(ModelFileError, match=r"has lost history.csv"):
        run.verify()
    (run.path / "manifest.json").unlink()
    with pytest.raises(ModelFileError, match="no epoch was finished"):
        run.verify()


def test_history_comes_back_as_it_was(run: Run) -> None:
    assert run.history() == [{"number": 1, "loss": 0.1 + 0.2, "best": True, "ending": "finished"}]
    assert run.ended() == "finished"


@pytest.mark.parametrize("call", range(1, 9))
def test_killed_at_any_write_of_a_commit_the_run_still_verifies(run: Run, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Fault 105: the old or the new content of each file, never neither."""
    calls = 0
    write = files.write_bytes

    def dying(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(files, "write_bytes", dying)
    new = {"history.csv": b"number\n2\n", "weights/last.safetensors": bytes(999), "weights/best.safetensors": b"x"}
    with contextlib.suppress(KeyboardInterrupt):
        run.commit(new, ended="")
    monkeypatch.undo()
    if call == 4:  # a file that is new, announced but not yet there
        assert not run.has("weights/best.safetensors")
    run.verify()
    run.commit(new, ended="finished")
    run.verify()
    assert (run.path / "history.csv").read_bytes() == new["history.csv"]


def test_a_deleted_folder_is_an_error_and_not_made_anew(run: Run) -> None:
    """Fault 104."""
    shutil.rmtree(run.path)
    with pytest.raises(DiskError, match="No such file"):
        run.commit({"weights/last.safetensors": b"x"}, ended="")
    assert not run.path.exists()


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "x"}', '{"format": 2}'])
def test_a_manifest_of_something_else_is_refused(run: Run, content: str) -> None:
    """Fault 66."""
    (run.path / "manifest.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"manifest.json is not the manifest of a run"):
        run.verify()


def test_equal_arrays_give_equal_bytes_and_damage_is_found(run: Run) -> None:
    array = np.arange(100, dtype=np.float32)
    run.write_arrays("a.npz", values=array, names=np.array(["ä", "b"]))
    run.write_arrays("b.npz", values=array, names=np.array(["ä", "b"]))
    content = (run.path / "a.npz").read_bytes()
    assert content == (run.path / "b.npz").read_bytes()
    assert np.array_equal(run.arrays("a.npz")["values"], array)
    (run.path / "a.npz").write_bytes(content[:-40])
    with pytest.raises(ModelFileError, match=r"cannot read .*a.npz"):
        run.arrays("a.npz")
    with pytest.raises(ModelFileError, match=r"has no c.npz; run `seefar evaluate` first"):
        run.arrays("c.npz")


def test_damaged_json_is_a_model_file_error(run: Run) -> None:
    (run.path / "data.json").write_text("{")
    with pytest.raises(ModelFileError, match=r"cannot read .*data.json"):
        run.read("data.json")
