"""Checkpoints: the two newest are kept, damage is found before use, and the one before is taken instead."""

from pathlib import Path

import pytest

from seefar import files
from seefar.errors import DiskError, ModelFileError
from seefar.runs.checkpoint_files import newest_checkpoint, write_checkpoint
from seefar.runs.folder import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A folder with checkpoints of steps 10, 20 and 30."""
    run = Run(tmp_path)
    for step in (10, 20, 30):
        write_checkpoint(run, step, content(step))
    return run


def content(step: int) -> bytes:
    return f"state after step {step} ".encode() * 100


def names(run: Run) -> list[str]:
    return sorted(path.name for path in (run.path / "state").iterdir())


def test_the_two_newest_are_kept(run: Run) -> None:
    assert names(run) == ["000000020.json", "000000020.safetensors", "000000030.json", "000000030.safetensors"]
    assert newest_checkpoint(run) == (content(30), [])


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(Run(tmp_path)) == (None, [])


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["truncated", "flipped"])
def test_damage_anywhere_is_found_and_the_one_before_is_taken(run: Run, share: float, kind: str) -> None:
    """Faults 64 and 65."""
    path = run.path / "state" / "000000030.safetensors"
    damaged = bytearray(path.read_bytes())
    position = int(len(damaged) * share)
    if kind == "truncated":
        del damaged[position:]
    else:
        damaged[position] ^= 1
    path.write_bytes(damaged)
    found, complaints = newest_checkpoint(run)
    assert found == content(20)
    assert len(complaints) == 1
    assert "000000030.safetensors is damaged" in complaints[0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 2, "step": 30, "bytes": 1, "sha256": "0"}'])
def test_a_damaged_seal_is_found_too(run: Run, text: str) -> None:
    (run.path / "state" / "000000030.json").write_text(text)
    found, complaints = newest_checkpoint(run)
    assert found == content(20)
    assert "damaged" in complaints[0]


def test_a_newer_format_is_named(run: Run) -> None:
    """Fault 70."""
    for step in (20, 30):
        (run.path / "state" / f"0000000{step}.json").write_text('{"format": 99}')
    with pytest.raises(ModelFileError, match=r"no checkpoint in .* can be used") as caught:
        newest_checkpoint(run)
    assert "is of format 99, this seefar reads 7: use a newer seefar" in caught.value.details[0]


def test_the_newest_is_known_by_its_step_not_by_the_time_of_the_file(run: Run) -> None:
    """Fault 116."""
    import os

    for path in (run.path / "state").iterdir():
        os.utime(path, (2e9 - int(path.stem), 2e9 - int(path.stem)))
    assert newest_checkpoint(run)[0] == content(30)


def test_leftovers_do_not_count_and_are_swept(run: Run) -> None:
    """Fault 74: a kill in the middle of a write; and a damaged one of a later step, behind which training went on."""
    state = run.path / "state"
    (state / ".000000040.safetensors.99.tmp").write_bytes(b"half")
    (state / "000000040.safetensors").write_bytes(b"whole, but not sealed")
    (state / "000000050.json").write_text("{")
    assert newest_checkpoint(run)[0] == content(30)
    write_checkpoint(run, 35, content(35))
    assert names(run) == ["000000030.json", "000000030.safetensors", "000000035.json", "000000035.safetensors"]


@pytest.mark.parametrize("call", [1, 2])
def test_killed_while_it_is_written_the_one_before_is_the_newest(run: Run, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Fault 105."""
    calls = 0
    write = files.write_bytes

    def dying(path: Path, written: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        write(path, written)

    monkeypatch.setattr(files, "write_bytes", dying)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(run, 40, content(40))
    assert newest_checkpoint(run) == (content(30), [])


def test_written_again_at_the_same_step_it_counts_again_only_when_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, written: bytes) -> None:
        raise DiskError("no space")

    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(DiskError):
        write_checkpoint(run, 30, b"other")
    assert newest_checkpoint(run)[0] == content(20)


def test_a_full_disk_leaves_the_old_ones_and_names_the_bytes(run: Run) -> None:
    """Fault 103, by the limit on the size of a file: the system refuses as it does on a full disk."""
    import subprocess
    import sys

    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from seefar.runs.checkpoint_files import write_checkpoint; from seefar.runs.folder import Run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"write_checkpoint(Run(Path({str(run.path)!r})), 40, bytes(100_000))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "DiskError" in done.stderr
    assert "(100,000 bytes are needed," in done.stderr
    assert newest_checkpoint(run) == (content(30), [])
    assert names(run)[-1] == "000000030.safetensors"
