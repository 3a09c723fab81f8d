"""The ledger counts every look, by run and by test set."""

import json
from pathlib import Path

from seefar import files
from seefar.runs import folder
from seefar.runs.folder import Run
from seefar.runs.ledger import Looks, count_looks, record_look


def sealed(path: Path) -> Run:
    run = folder.create(path)
    run.write("manifest.json", {"path": str(path.name)})
    return run


def test_looks_are_counted_by_run_and_by_test_set_on_this_machine(tmp_path: Path) -> None:
    one, other = sealed(tmp_path / "one"), sealed(tmp_path / "other")
    counts = [count_looks(one, "d1")]
    for run, digest in ((one, "d1"), (one, "d1"), (other, "d1"), (other, "d2")):
        record_look(run, digest, "evaluate")
        counts.append(count_looks(run, digest))
    assert counts == [Looks(0, 0), Looks(1, 1), Looks(2, 2), Looks(1, 3), Looks(2, 1)]


def test_a_look_without_a_run_counts_on_this_machine_alone(tmp_path: Path) -> None:
    record_look(None, "d1", "audit")
    assert count_looks(sealed(tmp_path / "run"), "d1") == Looks(0, 1)


def test_a_look_says_when_what_for_and_with_which_weights(tmp_path: Path) -> None:
    run = sealed(tmp_path / "run")
    record_look(run, "d1", "evaluate")
    look = json.loads((run.path / "test-ledger.jsonl").read_text())
    assert look["verb"] == "evaluate"
    assert look["test"] == "d1"
    assert look["manifest"] == files.sha256(run.path / "manifest.json")
    assert look["time"].endswith("+00:00")
