"""Large sets: decoded by several processes into a file, with the same result as in memory, resumed after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.data.own_files import pictures, png, write_hugging_face, write_table

from seefar.data import collect, decoded_cache, large
from seefar.data.equal import let_go, taken
from seefar.data.images import Dataset
from seefar.data.load import load
from seefar.errors import DataError


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty images are many."""
    monkeypatch.setattr(collect, "LARGE", 20)
    monkeypatch.setattr(large, "BLOCK", 7)


def folder(root: Path, n: int = 60) -> Path:
    for i, image in enumerate(pictures(n)[0]):
        path = root / ("ash", "elm", "oak")[i % 3] / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    return root


def zipped(root: Path) -> Path:
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        for file in sorted(folder(root).rglob("*.png")):
            archive.write(file, file.relative_to(root))
    return root.with_suffix(".zip")


def same(one: Dataset, other: Dataset) -> bool:
    parts = (
        "name",
        "source",
        "origin",
        "validation",
        "grouped_by",
        "modes",
        "sizes",
        "files",
        "skipped",
        "warnings",
        "test_by_rule",
    )
    return (one.train.digest, one.test.digest, *(getattr(one, part) for part in parts)) == (
        other.train.digest,
        other.test.digest,
        *(getattr(other, part) for part in parts),
    )


def in_memory(path: Path, **options: object) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "LARGE", 10**9)
        found = load(path, **options)  # type: ignore[arg-type]
    for entry in decoded_cache.entries():
        decoded_cache.delete(entry)
    return found


@pytest.mark.parametrize("form", ["folder", "zip", "table", "parquet"])
def test_the_result_is_that_of_one_process(
    form: str, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = {"folder": folder, "zip": zipped, "table": write_table, "parquet": write_hugging_face}[form]
    path = make(tmp_path / "trees")
    told = list[int]()
    monkeypatch.setattr(large, "_answers", counting(large._answers, told))
    expected = in_memory(path)
    assert not told
    found = load(path)
    assert same(found, expected)
    assert len(told) == -(-(len(found.train) + len(found.test)) // 7)  # by processes, in blocks of 7
    assert isinstance(found.train.pixels.base, np.memmap)
    assert [entry.folder.name.startswith(".") for entry in decoded_cache.entries()] == [False]
    assert same(load(path), expected)  # from the cache


def test_images_that_cannot_be_used_are_told_and_left_out_as_in_one_process(tmp_path: Path, small_blocks: None) -> None:
    root = folder(tmp_path / "trees")
    (root / "elm" / "001.png").write_bytes(b"no image")
    (root / "elm" / "004.png").write_bytes(png(pictures(1)[0][0])[:-30])
    (root / "oak" / "notes.txt").write_bytes(b"hello")
    with pytest.raises(DataError, match="2 of 61 images cannot be used") as caught:
        load(root)
    assert [line.split(":")[0] for line in caught.value.details] == ["elm/001.png", "elm/004.png"]
    expected = in_memory(root, skip_bad=True)
    assert same(load(root, skip_bad=True), expected)
    assert len(expected.skipped) == 3


def test_groups_and_own_validation_images_are_kept(tmp_path: Path, small_blocks: None) -> None:
    table = write_table(tmp_path, 90, header="path,label,group,split")
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(f"{line}{'val' if i % 9 == 0 else 'train'}" for i, line in enumerate(lines[1:]))]))
    assert same(load(table), in_memory(table))


def test_blocks_that_are_done_are_not_decoded_again_and_damaged_ones_are(
    tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, told = folder(tmp_path / "trees"), list[int]()
    expected = in_memory(root)
    monkeypatch.setattr(collect.decoded_cache, "keep", lambda key, dataset: dataset)
    for change in (0, 1, 2):
        (unfinished,) = list((decoded_cache._root()).glob(".*.unfinished")) or [None]
        if unfinished and change == 1:  # pixels of the block that was done first, and the last line, cut off by a kill
            pixels, record = unfinished / "pixels", unfinished / "blocks.jsonl"
            first = json.loads(record.read_text().splitlines()[1])["first"]
            content = bytearray(pixels.read_bytes())
            content[first * 32 * 32 * 3] ^= 255
            pixels.write_bytes(content)
            record.write_bytes(record.read_bytes()[:-20])
        told.clear()
        monkeypatch.setattr(large, "_answers", counting(large._answers, told))
        assert same(load(root), expected)
        assert len(told) == (9, 2, 0)[change]


def counting(answers, told: list[int]):
    """Notes what is asked of the processes."""
    real = getattr(answers, "real", answers)

    def noted(workers, start, jobs):
        for line in real(workers, start, jobs):
            told.append(1)
            yield line

    noted.real = real
    return noted


PROGRAM = """
import sys
from seefar.data import collect, large
from seefar.data.load import load
collect.LARGE, large.BLOCK = 20, 7
answers, decoded = large._answers, []
def counted(*given):
    for line in answers(*given):
        decoded.append(line)
        yield line
large._answers = counted
print(load(sys.argv[1]).train.digest, len(decoded))
"""


def test_a_load_that_was_killed_continues_where_it_was(tmp_path: Path, own_home: Path) -> None:
    root = folder(tmp_path / "trees", 600)
    command = [sys.executable, "-c", PROGRAM, str(root)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    record = None
    deadline = time.monotonic() + 30
    while record is None or record.read_bytes().count(b"\n") < 6:
        record = (
            next((own_home / "decoded").glob(".*.unfinished/blocks.jsonl"), None) if (own_home / "decoded").exists() else None
        )
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.002)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    *whole, _ = record.read_text().split("\n")  # what follows the last line break was cut off
    done = len([line for line in whole if line])
    assert 5 <= done < 86
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out, _ = second.communicate(timeout=60)
    digest, decoded = out.split()
    assert digest == in_memory(root).train.digest
    assert int(decoded) == 86 - done  # of 600 images in blocks of 7
    assert not record.exists()


def test_what_is_mapped_is_let_go_and_comes_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    mapped = np.asarray(np.load(tmp_path / "a.npy", mmap_mode="r"))
    order = np.random.default_rng(1).permutation(3000)
    assert np.array_equal(taken(mapped, order), pixels[order])
    before = resident()
    assert int(mapped.sum(dtype=np.int64)) == int(pixels.sum(dtype=np.int64))
    assert resident() - before > 8_000
    let_go(mapped)
    assert resident() - before < 2_000
    assert np.array_equal(mapped, pixels)
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[0] = 7
    let_go(private)
    let_go(np.asarray(private))
    assert (private[0] == 7).all()


def resident() -> int:
    """Kilobytes of files that are mapped and in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssFile")).split()[1])
