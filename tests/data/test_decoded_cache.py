"""The cache of decoded images: the same data set comes back, or none; fault 47 and what disks do."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from tests.data.image_files import same

from seefar.data import decoded_cache
from seefar.data.images import Dataset, ImageSet, Skipped
from seefar.errors import DiskError


def dataset() -> Dataset:
    def part(split: str, n: int) -> ImageSet:
        pixels = np.random.default_rng(n).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
        return ImageSet(pixels, np.arange(n) % 2, ("cat", r"\xff"), tuple(f"{split}/é{i}.png" for i in range(n)))

    return Dataset(
        "birds",
        part("train", 6),
        part("test", 4),
        "10 images",
        origin={"data": "/somewhere/\udcff", "size": 8},
        split_seed=3,
        test_by_rule=True,
        modes={"train": {"RGB": 6}, "test": {"L": 4}},
        sizes={"train": {"8x8": 6}, "test": {"8x8": 4}},
        skipped=(Skipped("x.png", "truncated"), Skipped("y", "hidden")),
        warnings=("a warning",),
    )


def test_fault_47_what_was_kept_comes_back_equal_and_mapped_from_the_disk() -> None:
    kept = dataset()
    assert decoded_cache.load("key") is None
    assert decoded_cache.keep("key", kept) is kept
    found = decoded_cache.load("key")
    assert found is not None
    assert same(found, kept)
    assert isinstance(found.skipped[0], Skipped)
    assert isinstance(found.train.pixels.base, np.memmap)
    assert type(found.train.pixels) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        found.train.pixels[0] = 0


def test_every_fact_changes_the_key() -> None:
    keys = [decoded_cache.key("/a", "1 2", 32), decoded_cache.key("/a", "1 2", 16), decoded_cache.key("/b", "1 2", 32)]
    assert len({*keys, decoded_cache.key("/a", "1 2", 32)}) == 3
    assert decoded_cache.key("/\udcff").isalnum()


@pytest.mark.parametrize("name", [*decoded_cache.FILES, "digests.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_entry_is_deleted_and_counts_as_none(own_home: Path, name: str, damage: str) -> None:
    decoded_cache.keep("key", dataset())
    file = own_home / "decoded" / "key" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    if damage != "gone":
        file.write_bytes({"flip": bytes(content), "cut": bytes(content)[:-9], "empty": b""}[damage])
    assert decoded_cache.load("key") is None
    assert not file.parent.exists()
    decoded_cache.keep("key", dataset())
    assert decoded_cache.load("key") is not None


@pytest.mark.parametrize("index", ["[]", "{}", '{"classes": 3}', "not json"])
def test_an_entry_of_another_version_counts_as_none(own_home: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded_cache.keep("key", dataset())
    (own_home / "decoded" / "key" / "index.json").write_text(index)
    monkeypatch.setattr(decoded_cache, "_digest", lambda path: "same")
    (own_home / "decoded" / "key" / "digests.json").write_text(
        str(dict.fromkeys(decoded_cache.FILES, "same")).replace("'", '"')
    )
    assert decoded_cache.load("key") is None


def test_a_data_set_in_use_survives_the_deletion_of_its_entry() -> None:
    decoded_cache.keep("key", dataset())
    found = decoded_cache.load("key")
    assert found is not None
    decoded_cache.delete(decoded_cache.entries()[0])
    assert decoded_cache.entries() == []
    assert found.train.digest == dataset().train.digest


def python(script: str, home: str | Path) -> "subprocess.Popen[str]":
    """A process with its own Python, `dataset` and `same` at hand, and that home."""
    script = "from tests.data.test_decoded_cache import *\n" + script
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SEEFAR_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_keep_the_same_at_once_do_no_harm(own_home: Path) -> None:
    script = """
for _ in range(20):
    assert decoded_cache.keep("key", dataset()).warnings == ("a warning",)
    assert same(decoded_cache.load("key"), dataset())
"""
    processes = [python(script, own_home) for _ in range(3)]
    assert [process.communicate()[0] + str(process.returncode) for process in processes] == ["0", "0", "0"]
    assert len(decoded_cache.entries()) == 1  # and nothing unfinished is left


def test_a_full_disk_is_a_warning_and_leaves_nothing(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    found = decoded_cache.keep("key", dataset())
    assert found.warnings[1:] == (
        "the decoded images could not be kept for the next time (No space left on device); see SEEFAR_HOME",
    )
    assert not list((own_home / "decoded").iterdir())


def test_a_home_that_is_a_file_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path / "file"))
    assert decoded_cache.load("key") is None
    assert decoded_cache.entries() == []
    assert "could not be kept for the next time (Not a directory)" in decoded_cache.keep("key", dataset()).warnings[1]


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become nobody")
def test_a_home_of_somebody_else_is_a_warning() -> None:
    script = """
os.setuid(65534)
assert decoded_cache.load("key") is None
print(decoded_cache.keep("key", dataset()).warnings[1])
try:
    decoded_cache.delete(decoded_cache.entries()[0])
except DiskError as error:
    print(error.exit_code, error)
"""
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        (Path(home) / "decoded" / "other").mkdir(parents=True)
        (Path(home) / "decoded" / "other" / "index.json").write_text("{}")
        said = python(script, home).communicate()[0]
    assert "could not be kept for the next time (Permission denied)" in said
    assert "\n7 cannot use" in said


def test_entries_are_listed_with_their_sizes_the_largest_first(own_home: Path) -> None:
    decoded_cache.keep("key", dataset())
    unfinished = own_home / "decoded" / ".key.0123.tmp"
    unfinished.mkdir()
    (unfinished / "train-pixels.npy").write_bytes(bytes(100_000))
    entries = decoded_cache.entries()
    assert [(entry.folder.name, entry.source) for entry in entries] == [(".key.0123.tmp", "unfinished"), ("key", "10 images")]
    assert entries[0].size == 100_000
    assert entries[1].size == sum(file.stat().st_size for file in (own_home / "decoded" / "key").iterdir())
    for entry in entries:
        decoded_cache.delete(entry)
    assert decoded_cache.entries() == []
    with pytest.raises(DiskError, match="No such file"):
        decoded_cache.delete(entries[0])
