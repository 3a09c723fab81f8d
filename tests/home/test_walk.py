"""What lies below a folder: runs, studies and searches are found, links are not followed, and nothing is listed twice for nothing."""

import os
from pathlib import Path

import pytest
from tests.home.folders import made

from seefar.home import walk
from seefar.home.walk import Walk


def kinds(found: Walk) -> dict[str, str]:
    return {"/".join(place.parts): place.kind for place in found.places()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made(tmp_path / "runs", 2)
    made(tmp_path / "studies" / "s" / "runs", 1)
    (tmp_path / "studies" / "s" / "study.json").write_text("{}")
    made(tmp_path / "tunings" / "t" / "trials", 1)
    (tmp_path / "tunings" / "t" / "tuning.json").write_text("{}")
    made(tmp_path / "tunings" / "t" / "confirmation" / "runs", 1)
    (tmp_path / "tunings" / "t" / "confirmation" / "study.json").write_text("{}")
    return tmp_path


def test_runs_studies_and_searches_are_found_with_what_they_belong_to(root: Path) -> None:
    found = Walk(root)
    assert sorted(kinds(found).values()) == ["run"] * 5 + ["search"] + ["study"] * 2
    groups = {place.parts[:-1]: place.group for place in found.places() if place.kind == "run"}
    assert groups == {
        ("runs",): None,
        ("studies", "s", "runs"): ("studies", "s"),
        ("tunings", "t", "trials"): ("tunings", "t"),
        ("tunings", "t", "confirmation", "runs"): ("tunings", "t", "confirmation"),
    }
    assert found.notes == []


def test_the_root_itself_may_be_a_run(root: Path) -> None:
    run = next((root / "runs").iterdir())
    assert kinds(Walk(run)) == {"": "run"}


def test_what_comes_and_goes_is_seen(root: Path) -> None:
    found = Walk(root)
    before = kinds(found)
    (run,) = made(root / "more" / "below", 1)
    assert kinds(found).keys() - before.keys() == {f"more/below/{run.name}"}
    run.rename(root / "moved")
    assert "moved" in kinds(found)


def test_only_what_has_changed_is_listed_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "SETTLED", -1.0)  # as if all of it were older
    found = Walk(root)
    before = kinds(found)
    listed: list[Path] = []
    real = walk._listed
    monkeypatch.setattr(walk, "_listed", lambda path, changed: (listed.append(path), real(path, changed))[1])
    assert kinds(found) == before
    assert listed == []
    (root / "runs" / "new").mkdir()
    kinds(found)
    assert sorted(path.name for path in listed) == ["new", "runs"]


def test_links_are_counted_and_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    made(elsewhere, 1)
    (root / "linked").symlink_to(elsewhere)
    (root / "round").symlink_to(root)
    found = Walk(root)
    assert not any(path.startswith(("linked", "round")) for path in kinds(found))
    assert found.notes == ["2 links to folders were not followed; name the folder itself"]
    kinds(found)
    assert len(found.notes) == 1


def test_half_a_run_is_one_and_a_folder_with_one_common_name_is_none(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs", 1)
    (run / "recipe.json").unlink()
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "manifest.json").write_text("{}")
    (tmp_path / "page" / "data.json").write_text("{}")
    assert kinds(Walk(tmp_path)) == {f"runs/{run.name}": "run"}


def test_hidden_folders_are_left_alone(tmp_path: Path) -> None:
    made(tmp_path / ".trash", 1)
    assert kinds(Walk(tmp_path)) == {}


def test_depth_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path.joinpath(*"abcdefghi"), 1)
    found = Walk(tmp_path)
    assert kinds(found) == {}
    monkeypatch.setattr(walk, "MOST_FOLDERS", 5)
    assert kinds(found) == {}
    assert "more than 5 folders lie here" in found.notes[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_counted(root: Path) -> None:
    (root / "runs").chmod(0)
    found = Walk(root)
    assert "runs" not in kinds(found)
    assert found.notes == ["1 folder could not be read"]
    (root / "runs").chmod(0o700)


def test_names_that_are_no_text_are_names(tmp_path: Path) -> None:
    (run,) = made(tmp_path / "runs", 1)
    strange = os.fsencode(tmp_path / "runs") + b"/\xff\xfe<img src=x onerror=alert(1)>\n"
    os.rename(run, strange)  # noqa: PTH104  bytes are no path
    (name,) = kinds(Walk(tmp_path))
    assert os.fsencode(name).startswith(b"runs/\xff\xfe<img")
