"""Tags of a run: written once by training, read from whatever a person made of the file since."""

from pathlib import Path

import pytest
from tests.conftest import SMALL, colours

import seefar as sf
from seefar.cli import main
from seefar.errors import UsageError
from seefar.runs.tags import LONGEST, MOST, NAME, check_tags, tags_in


def test_training_writes_them_and_the_run_still_verifies_when_they_change(tmp_path: Path) -> None:
    run = sf.train(colours(), "tiny", out=tmp_path / "run", quiet=True, tags=["paper", " second try ", "paper"], **SMALL)
    assert (run.path / NAME).read_text() == "paper\nsecond try\n"
    (run.path / NAME).write_text("mine\n")
    run.verify()
    sf.resume(run, data=colours(), epochs=4, quiet=True)
    assert (run.path / NAME).read_text() == "mine\n"


def test_without_tags_there_is_no_file(tmp_path: Path) -> None:
    assert not sf.train(colours(), "tiny", out=tmp_path / "run", quiet=True, **SMALL).has(NAME)


@pytest.mark.parametrize("tag", ["", "  ", "a\nb", "x" * (LONGEST + 1), "\x1b[31m"])
def test_what_is_no_tag_is_refused_before_anything_is_done(tag: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one line"):
        sf.train(colours(), "tiny", out=tmp_path / "run", quiet=True, tags=[tag], **SMALL)
    assert not (tmp_path / "run").exists()


def test_there_are_only_so_many() -> None:
    check_tags(["x"] * MOST)
    with pytest.raises(UsageError, match=f"allowed are {MOST}"):
        check_tags(["x"] * (MOST + 1))


def test_a_file_that_somebody_changed_is_read_as_far_as_it_makes_sense() -> None:
    assert tags_in(b"a\r\n\n b \na\n" + b"x" * 100 + b"\n\xff") == ["a", "b", "\N{REPLACEMENT CHARACTER}"]
    assert len(tags_in(b"".join(b"%d\n" % i for i in range(1000)))) == MOST


def test_a_run_that_is_resumed_has_its_tags_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(tmp_path), "--tag", "x"]) == 2
    assert "decided --tag already" in capsys.readouterr().err
