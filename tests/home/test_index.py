"""The rows in memory: read once, again where something changed, and told as what is new since a moment."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tests.home.folders import made

from seefar.home import index as indexes
from seefar.home import rows
from seefar.home.index import Index, id_of
from seefar.runs.ledger import NAME as LEDGER
from seefar.runs.tags import NAME as TAGS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made(tmp_path / "runs", 5)
    return tmp_path


def refreshed(root: Path) -> Index:
    index = Index(root)
    index.refresh()
    return index


def told(index: Index, moment: str = "", recipes: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(index.since(moment, recipes))
    return found


def test_first_all_is_told_then_what_changed(root: Path) -> None:
    index = refreshed(root)
    first = told(index)
    assert (first["fresh"], first["more"], first["scanning"]) == (True, False, False)
    assert len(first["entries"]) == 5
    assert {entry["kind"] for entry in first["entries"]} == {"run"}
    assert first["recipes"][first["entries"][0]["recipe"]]["name"].startswith(("tiny", "baseline", "deep", "fast"))
    nothing = told(index, first["at"], len(first["recipes"]))
    assert (nothing["fresh"], nothing["entries"], nothing["gone"], nothing["recipes"]) == (False, [], [], [])
    changed = root / first["entries"][2]["path"]
    (changed / TAGS).write_text("paper\n")
    shutil.rmtree(root / first["entries"][0]["path"])
    index.refresh()
    second = told(index, first["at"], len(first["recipes"]))
    assert [entry["id"] for entry in second["entries"]] == [first["entries"][2]["id"]]
    assert second["entries"][0]["tags"] == ["paper"]
    assert second["gone"] == [first["entries"][0]["id"]]


def test_a_server_that_began_anew_is_known_by_its_moments(root: Path) -> None:
    before = told(refreshed(root))
    after = told(refreshed(root), before["at"], 99)
    assert after["fresh"]
    assert len(after["entries"]) == 5
    assert after["recipes"] == before["recipes"]


@pytest.mark.parametrize("moment", ["", "x", "-", "--", "0-9", "é-1", "a" * 1000, "00000000-99999999999999999999"])
def test_nonsense_stands_for_the_beginning(root: Path, moment: str) -> None:
    assert len(told(refreshed(root), moment, 10**9)["entries"]) == 5


def test_many_rows_are_told_in_pieces(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "AT_ONCE", 2)
    index = refreshed(root)
    seen, moment, pieces = [], "", 0
    while True:
        piece = told(index, moment)
        seen += [entry["id"] for entry in piece["entries"]]
        moment, pieces = piece["at"], pieces + 1
        if not piece["more"]:
            break
    assert (len(seen), len(set(seen)), pieces) == (5, 5, 3)


def old(root: Path) -> None:
    """As if everything had been written an hour ago."""
    for path in [root, *root.rglob("*")]:
        os.utime(path, (time.time() - 3600,) * 2, follow_symlinks=False)


def test_rows_that_have_not_changed_are_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old(root)
    index = refreshed(root)
    read: list[int] = []
    real = rows.read_row
    monkeypatch.setattr(rows, "read_row", lambda folder: (read.append(1), real(folder))[1])
    index.refresh()
    assert read == []
    run = next((root / "runs").iterdir())
    (run / "timing.json").write_text("{}")  # in place: the folder's own time stays
    os.utime(run, (time.time() - 3600,) * 2)
    index._thorough_at = -1e9
    index.refresh()
    assert len(read) == 1


def test_a_look_at_test_is_seen_though_it_only_adds_a_line(root: Path) -> None:
    old(root)
    index = refreshed(root)
    first = told(index)
    run = root / first["entries"][0]["path"]
    with (run / LEDGER).open("a") as ledger:
        ledger.write("{}\n")
    index._thorough_at = -1e9  # at the latest with the next thorough look
    index.refresh()
    (entry,) = told(index, first["at"])["entries"]
    assert entry["looks"] == first["entries"][0]["looks"] + 1


def test_a_training_that_is_killed_is_seen_though_no_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = next((root / "runs").iterdir())
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"ended": ""}))
    (run / ".lock").write_text(f"process {os.getpid()} on {os.uname().nodename}")
    old(root)
    index = refreshed(root)
    first = told(index)
    assert [entry["state"] for entry in first["entries"]].count("training") == 1
    monkeypatch.setattr(rows, "_holder", lambda folder: None)
    index.refresh()
    (entry,) = told(index, first["at"])["entries"]
    assert entry["state"] == "stopped"


def test_one_row_that_nobody_foresaw_does_not_hide_the_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = rows.read_row, []

    def fails_once(folder: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return real(folder)

    monkeypatch.setattr(rows, "read_row", fails_once)
    reasons = [entry["reason"] for entry in told(refreshed(root))["entries"] if "reason" in entry]
    assert reasons == ["it cannot be read (ZeroDivisionError); please report this"]


def test_runs_beyond_the_bound_are_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "MOST", 3)
    found = told(refreshed(root))
    assert len(found["entries"]) == 3
    assert found["notes"] == ["2 runs more lie here than the 3 that are shown; name a folder with fewer"]


def test_ids_stand_for_folders_whatever_they_are_called() -> None:
    ids = {id_of(parts) for parts in [("a",), ("a", "b"), ("<img onerror>",), ("\udcff",), ()]}
    assert len(ids) == 5
    assert all(len(name) == 16 and name.isalnum() for name in ids)


def test_names_that_are_no_text_can_be_told(root: Path) -> None:
    run = next((root / "runs").iterdir())
    os.rename(run, os.fsencode(root / "runs") + b"/\xff<img>")  # noqa: PTH104  bytes are no path
    paths = [entry["path"] for entry in told(refreshed(root))["entries"]]
    assert "runs/\udcff<img>" in paths


def test_five_hundred_rows_are_read_and_told_quickly(tmp_path: Path) -> None:
    made(tmp_path / "runs", 500)
    old(tmp_path)
    began = time.perf_counter()
    index = refreshed(tmp_path)
    scanned = time.perf_counter()
    index.refresh()
    again = time.perf_counter()
    told(index)
    listed = time.perf_counter()
    assert scanned - began < 5
    assert again - scanned < 0.5  # measured: 5,000 take 0.1 s (docs/benchmarks.md)
    assert listed - again < 0.5
