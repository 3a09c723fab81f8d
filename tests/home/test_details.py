"""A run from near: words of `seefar evaluate`, its curves, its looks; and the ledger over all runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SMALL, colours
from tests.home.folders import made

import seefar as sf
from seefar.errors import ModelFileError
from seefar.home.details import MOST_LOOKS, MOST_POINTS, read_curves, read_details, read_ledger
from seefar.home.untrusted import inside
from seefar.reporting import check_words
from seefar.runs.folder import Run
from seefar.runs.ledger import NAME as LEDGER


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was evaluated and has a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        run = sf.train(colours(), "tiny", out=tmp_path_factory.mktemp("runs") / "run", quiet=True, **SMALL)
        sf.evaluate(run, "validation", data=colours())
        sf.evaluate(run, "test", data=colours())
        sf.report(run)
    return run


def details_of(path: Path) -> dict[str, Any]:
    with inside(path.parent, (path.name,)) as folder:
        return read_details(folder)


def curves_of(path: Path) -> dict[str, Any]:
    with inside(path.parent, (path.name,)) as folder:
        return read_curves(folder)


def test_a_run_is_described_in_the_words_of_its_report(trained: Run) -> None:
    shown = details_of(trained.path)
    assert [one["split"] for one in shown["evaluations"]] == ["validation", "test"]
    for one in shown["evaluations"]:
        found = trained.evaluation(one["split"])
        assert one["headline"] == check_words.headline(found)
        assert [warning["title"] for warning in one["warnings"]] == [
            warning["title"] for warning in check_words.warnings(found)
        ]
    assert [look["verb"] for look in shown["looks"]] == ["evaluate"]
    assert shown["look_count"] == 1
    assert shown["command"] == trained.read("environment.json")["command"]
    assert shown["pages"] == ["report", "card"]


def test_curves_are_those_of_the_history(trained: Run) -> None:
    curves = curves_of(trained.path)
    history = trained.history()
    assert curves["epoch"] == [1, 2, 3]
    assert curves["validation_accuracy"] == [row["validation_accuracy"] for row in history]
    assert curves["loss"] == pytest.approx([row["loss"] for row in history])
    assert curves["seconds"][-1] == pytest.approx(sum(trained.read("timing.json")["seconds_by_epoch"]), abs=0.01)


def test_a_long_curve_is_thinned(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs")
    head = (run / "history.csv").read_text().splitlines()[0]
    lines = [f"{i},1.0,0.5,1.0,0.5,0.1,False," for i in range(1, 20_001)]
    (run / "history.csv").write_text("\n".join([head, *lines]))
    curves = curves_of(run)
    assert {len(column) for column in curves.values()} == {MOST_POINTS}
    assert curves["epoch"][-1] == 20_000
    assert set(curves["seconds"]) == {None}  # timing.json knows of twelve epochs


def test_a_run_without_history_has_no_curves(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs")
    (run / "history.csv").unlink()
    with pytest.raises(ModelFileError, match=r"history\.csv is missing"):
        curves_of(run)


def test_a_run_that_is_empty_or_strange_has_details(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs")
    for name in ("environment.json", "data.json", "evaluation-test.json", "evaluation-validation.json"):
        for content in (
            "[]",
            "{",
            '{"command": 3, "start": 5, "findings": [3], "headline": {"value": "x"}, "seefar": {"a": [1]}}',
        ):
            (run / name).write_text(content)
            json.dumps(details_of(run), allow_nan=False)
    for path in run.iterdir():
        path.unlink()
    assert details_of(run)["evaluations"] == []


def test_looks_are_counted_beyond_those_that_are_told(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs")
    (run / LEDGER).write_text('{"time": "t", "verb": "evaluate"}\n' * 500 + "nonsense\n")
    shown = details_of(run)
    assert shown["look_count"] == 501
    assert len(shown["looks"]) == MOST_LOOKS
    assert shown["looks"][-1] == {"time": "", "verb": ""}


def test_the_ledger_sums_up_all_looks_of_the_machine(own_home: Path) -> None:
    assert read_ledger({}) == []
    (own_home / "looks").mkdir()
    lines = [
        {"time": "2026-01-02T00:00:00", "verb": "evaluate", "test": "d1", "manifest": "m1"},
        {"time": "2026-01-01T00:00:00", "verb": "evaluate", "test": "d1", "manifest": "m2"},
        {"time": "2026-01-03T00:00:00", "verb": "study x", "test": "d1", "manifest": "m1"},
    ]
    (own_home / "looks" / "d1.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{\n")
    (own_home / "looks" / "link.jsonl").symlink_to("/etc/passwd")
    found = {one["test"]: one for one in read_ledger({"d1": ["a"], "d2": ["b"]})}
    first = found["d1"]
    assert (first["looks"], first["networks"], first["runs"]) == (4, 2, ["a"])
    assert first["verbs"] == {"evaluate": 2, "study x": 1, "": 1}
    assert first["last"] == "2026-01-03T00:00:00"
    assert found["d2"] == {"test": "d2", "looks": 0, "runs": ["b"]}
    assert found["link"]["looks"] == 0
