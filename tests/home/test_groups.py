"""Studies and searches: what their results say is what their reports say, and damage is a reason."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SMALL, colours

import seefar as sf
from seefar.errors import ModelFileError
from seefar.home.groups import read_group, read_results
from seefar.home.untrusted import inside
from seefar.reporting import study_words
from seefar.studies.study import Change, Study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A study of two changes with two seeds, carried out."""
    folder = tmp_path_factory.mktemp("studies") / "small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        question = Study(
            name="small",
            about="Does it help?",
            base="tiny",
            changes=(Change("<b>wide</b>", "It might.", {"dense": 32}),),
            fields=SMALL,
        )
        found = sf.study(question, colours(), 2, out=folder, quiet=True)
        sf.report(found)
    return folder, json.loads(json.dumps(asdict(found)))


def group_of(folder: Path, kind: str = "study") -> dict[str, Any]:
    with inside(folder.parent, (folder.name,)) as opened:
        return read_group(opened, kind)


def results_of(folder: Path, kind: str = "study") -> dict[str, Any]:
    with inside(folder.parent, (folder.name,)) as opened:
        return read_results(opened, kind)


def test_a_study_says_what_its_report_says(study: tuple[Path, dict[str, Any]]) -> None:
    folder, found = study
    row = group_of(folder)
    assert (row["name"], row["about"], row["data"], row["done"], row["pages"]) == (
        "small",
        "Does it help?",
        "colours",
        True,
        ["study"],
    )
    shown = results_of(folder)
    assert shown["sentences"] == [*study_words.summary(found), *study_words.advice(found)]
    base, wide = shown["rows"]
    assert base["effect"] is None
    assert wide["variant"] == "<b>wide</b>"
    effect = found["rows"][1]["effect"]
    assert [wide["effect"][key] for key in ("value", "low", "high", "verdict")] == [
        effect[key] for key in ("value", "low", "high", "verdict")
    ]
    assert wide["words"] == study_words.row_words(found["rows"][1])


def test_a_search_says_what_the_command_says(study: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    trial = {
        "number": 0,
        "state": "complete",
        "fields": {"dense": 8},
        "accuracy": 0.5,
        "epochs": 3,
        "same_as": None,
        "reason": "",
    }
    tuning = {
        "base": "tiny", "data": "colours", "folder": "t", "set": {}, "space": {"dense": "8,16"}, "trials": [trial], "complete": 1,
        "pruned": 0, "failed": 0, "winner": 0, "base_won": False, "fields": {"dense": 8}, "accuracy": 0.5, "importance": None,
        "confirmation": study[1], "page": "p", "earlier": 0,
    }  # fmt: skip
    (tmp_path / "tuning.json").write_text(json.dumps({"base": "tiny", "space": {"dense": "8,16"}, "data": "colours"}))
    assert group_of(tmp_path, "search")["about"] == "dense=8,16"
    with pytest.raises(ModelFileError, match="this search is not finished"):
        results_of(tmp_path, "search")
    (tmp_path / "results.json").write_text(json.dumps(tuning))
    shown = results_of(tmp_path, "search")
    assert shown["trials"] == [{"number": 0, "state": "complete", "accuracy": 0.5, "epochs": 3, "fields": "dense=8"}]
    assert "optimistic" in " ".join(shown["sentences"])
    assert shown["confirmation"]["rows"][1]["variant"] == "<b>wide</b>"


@pytest.mark.parametrize(
    "content", ["{}", "[]", "{", '{"rows": 3, "seeds": []}', '{"rows": [{}], "seeds": 1, "split": "test"}']
)
@pytest.mark.parametrize("kind", ["study", "search"])
def test_damaged_results_are_a_reason(tmp_path: Path, content: str, kind: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"results\.json is damaged"):
        results_of(tmp_path, kind)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"study": 3, "space": [], "base": [], "data": {}}', '{"study": {"name": ["x"]}}']
)
def test_a_damaged_study_is_a_row(tmp_path: Path, content: str) -> None:
    for name, kind in (("study.json", "study"), ("tuning.json", "search")):
        (tmp_path / name).write_text(content)
        row = group_of(tmp_path, kind)
        json.dumps(row)
        assert ("reason" in row) == (content in ("{", "[]"))
