"""The row of a run: its figures are those of its files, and whatever is damaged is said, never raised."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, colours
from tests.home.folders import made, row_of

import seefar as sf
from seefar.home.rows import READ, thinned
from seefar.runs import formats
from seefar.runs.tags import NAME as TAGS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return made(tmp_path / "runs")[0]


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_real_run_has_the_figures_of_its_files(tmp_path: Path) -> None:
    trained = sf.train(colours(), "tiny", out=tmp_path / "run", quiet=True, tags=("paper",), **SMALL)
    before = row_of(trained.path)
    assert (before["validation"], before["test"], before["looks"]) == (None, None, 0)
    assert before["best"] == max(row["validation_accuracy"] for row in trained.history())
    sf.evaluate(trained, "validation", data=colours())
    sf.evaluate(trained, "test", data=colours())
    row = row_of(trained.path)
    for split in ("validation", "test"):
        found = trained.evaluation(split)
        headline = found["headline"]
        shown = row[split]
        if headline is None:
            assert "cannot be measured" in row[f"{split}_cannot"]
        else:
            assert shown == pytest.approx([headline["value"], headline["low"], headline["high"]], abs=1e-6)
    assert row["looks"] == 1
    assert row["tags"] == ["paper"]
    assert row["state"] == "finished"
    assert row["epochs"] == row["planned"] == 3
    assert row["seconds"] == pytest.approx(sum(trained.read("timing.json")["seconds_by_epoch"]), abs=0.01)
    assert row["data"] == "colours"
    assert row["classes"] == 3
    assert "reason" not in row


def test_a_complete_run_is_not_damaged(run: Path) -> None:
    row = row_of(run)
    assert "reason" not in row
    assert row["test"] == pytest.approx(
        [row["validation"][0] - 0.01, row["validation"][0] - 0.018, row["validation"][0] - 0.002]
    )
    assert len(row["curve"]) == 12
    assert row["state"] == "finished"


@pytest.mark.parametrize("name", ["recipe.json", "data.json"])
def test_what_is_missing_is_said(run: Path, name: str) -> None:
    (run / name).unlink()
    row = row_of(run)
    assert row["reason"].startswith(f"{name} is missing")
    assert row["test"]  # what can be read is there all the same


@pytest.mark.parametrize("name", [name for name in READ if name.endswith((".json", ".csv"))])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x00\xff" * 50, b"null", b'{"headline": 3}', b"number\n1\n"])
def test_what_is_damaged_is_said_and_never_raised(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    row = row_of(run)
    json.dumps(row, allow_nan=False)
    if not (content.startswith(b"{") and len(content) > 1):
        assert name in row["reason"]


def test_any_damage_leaves_a_row(run: Path) -> None:
    draw = random.Random(1)
    whole = {name: (run / name).read_bytes() for name in READ if (run / name).exists()}
    for _ in range(150):
        name = draw.choice(list(whole))
        content = bytearray(whole[name])
        for _ in range(draw.randint(1, 20)):
            place = draw.randrange(len(content))
            content[place : place + draw.randint(0, 5)] = bytes(draw.randrange(256) for _ in range(draw.randint(0, 5)))
        (run / name).write_bytes(content[: draw.randint(0, len(content))])
        json.dumps(row_of(run), allow_nan=False)
        (run / name).write_bytes(whole[name])


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [None], {"value": "x"}, [[]], -1e308, True])
def test_values_of_another_kind_leave_a_row(run: Path, value: object) -> None:
    for name in READ:
        if name.endswith(".json"):
            whole = (run / name).read_text()
            for key in json.loads(whole):
                change(run / name, **{key: value})
                json.dumps(row_of(run), allow_nan=False)
                (run / name).write_text(whole)


def test_a_newer_format_is_said(run: Path) -> None:
    change(run / "manifest.json", format=formats.FORMAT + 1)
    assert "use a newer seefar" in row_of(run)["reason"]


def test_figures_of_before_format_7_have_no_headline(run: Path) -> None:
    old = json.loads((run / "evaluation-test.json").read_text())
    (run / "evaluation-test.json").write_text(json.dumps({"split": "test", "accuracy": old["accuracy"], "digest": "d"}))
    assert row_of(run)["test"] == pytest.approx(list(old["accuracy"].values()))


def test_why_nothing_can_be_measured_is_said(run: Path) -> None:
    change(run / "evaluation-test.json", headline=None, cannot="copies", left_out={"copies": 10000}, images=0)
    row = row_of(run)
    assert row["test"] is None
    assert "10,000 of 10,000 test images are training images" in row["test_cannot"]
    assert "reason" not in row


def test_whether_a_run_trains_is_told_by_its_lock(run: Path) -> None:
    change(run / "manifest.json", ended="")
    assert row_of(run)["state"] == "stopped"
    (run / ".lock").write_text(f"process {os.getpid()} on {socket.gethostname()}")
    assert row_of(run)["state"] == "training"
    (run / ".lock").write_text("process 1 on another.example.org")
    assert (row_of(run)["state"], row_of(run)["host"]) == ("training", "another.example.org")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (run / ".lock").write_text(f"process {ended.pid} on {socket.gethostname()}")
    assert row_of(run)["state"] == "stopped"
    (run / ".lock").write_text(f"process {'9' * 30} on {socket.gethostname()}")
    assert row_of(run)["state"] == "stopped"


def test_a_diverged_run_has_holes_in_its_curve(run: Path) -> None:
    lines = (run / "history.csv").read_text().splitlines()
    lines[-1] = "12,nan,0.1,inf,nan,0.002,False,diverged"
    (run / "history.csv").write_text("\n".join(lines))
    assert row_of(run)["curve"][-1] is None


def test_tags_are_lines_that_a_person_may_write(run: Path) -> None:
    (run / TAGS).write_bytes(b"paper\n\n  best of all  \npaper\n" + b"x" * 1000 + b"\n<b>bold</b>\n\x1b[31m\n" + b"\xff\n")
    assert row_of(run)["tags"] == ["paper", "best of all", "<b>bold</b>", "\N{REPLACEMENT CHARACTER}"]


def test_a_link_to_a_file_elsewhere_is_not_read(run: Path, tmp_path: Path) -> None:
    shutil.move(run / "evaluation-test.json", tmp_path / "elsewhere.json")
    (run / "evaluation-test.json").symlink_to(tmp_path / "elsewhere.json")
    row = row_of(run)
    assert row["test"] is None
    assert "evaluation-test.json is a link" in row["reason"]


def test_thinning_keeps_both_ends() -> None:
    values = list(range(1000))
    kept = thinned(values, 24)
    assert (len(kept), kept[0], kept[-1]) == (24, 0, 999)
    assert np.ptp(np.diff(kept)) <= 1
    assert thinned([1, 2], 24) == [1, 2]
