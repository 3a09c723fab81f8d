"""What is said of a result: at most twelve lines, what is believed first, warnings with what to do, and nothing that a number denies."""

from pathlib import Path
from typing import Any

import pytest

from seefar.cli import result
from seefar.errors import DataError

SHARE = {"value": 0.9435, "low": 0.9325, "high": 0.9528}
FEW = {"kind": "few", "serious": True, "images": 5, "of": 900, "classes": ("owl",), "numbers": (5,)}
COPIES = {"kind": "copies", "serious": True, "images": 500, "of": 2000}
UNEVEN = {"kind": "uneven", "serious": False, "images": 900, "of": 900, "classes": ("cat", "owl"), "numbers": (800, 20)}
NEAR = {"kind": "near", "serious": True, "images": 319, "of": 2000}
VERDICT = {
    "good": "It is right 94.3 % of the time.",
    "fails": "Most often it takes a square for a heart, or a heart for a square; of the squares 82.0 % are found, of the others more.",
    "trust": "It has been measured on few images.",
    "next": "Validation was best in the last epoch: try more epochs (seefar train --resume ... --epochs 20).",
}
PAGE = {"basis": "test", "words": {"verdict": VERDICT}}
RUN = Path("runs/shapes-tiny-seed0")
REPORT = "runs/shapes-tiny-seed0/report.html"


def evaluation(split: str = "test", findings: tuple[dict[str, Any], ...] = (), **fields: Any) -> dict[str, Any]:
    """An Evaluation as a dict, of 2,000 images that all count."""
    return {
        "split": split,
        "images": 2000,
        "headline": {"name": "accuracy", **SHARE, "images": 2000},
        "cannot": "",
        "raw": {"images": 2000, "accuracy": SHARE},
        "left_out": {"copies": 0, "repeats": 0, "contradicting": 0},
        "clusters": None,
        "near": None,
        "findings": [{"by": "", "accuracy": 0.0, "chance": 0.0} | finding for finding in findings],
        "look": 1 if split == "test" else 0,
        "tta": "none",
        "tta_accuracy": SHARE,
        "accuracy": SHARE,
    } | fields


NOTHING = evaluation(
    images=0,
    headline=None,
    cannot="copies",
    accuracy=None,
    tta_accuracy=None,
    left_out={"copies": 2000, "repeats": 0, "contradicting": 0},
    findings=(COPIES | {"images": 2000}, FEW | {"images": 0, "numbers": (0,)}),
)


def printed(capsys: pytest.CaptureFixture[str], found: dict[str, Any], width: int | None, basis: str = "test") -> list[str]:
    result.say(result.of_run(found, evaluation("validation"), PAGE | {"basis": basis}, RUN, width), width)
    return capsys.readouterr().out.splitlines()


def test_a_run_says_what_is_believed_where_it_fails_where_the_report_is_and_what_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, evaluation(), None)
    assert len(lines) == 4
    assert lines[0].startswith("test accuracy 94.35\N{NO-BREAK SPACE}%, 95\N{NO-BREAK SPACE}% interval 93.25")
    assert lines[1:] == [
        f"where it fails: {VERDICT['fails']}",
        f"report: {REPORT}",
        f"what next: {VERDICT['next'].replace('...', str(RUN))}",
    ]


@pytest.mark.parametrize("width", [None, 80, 120])
@pytest.mark.parametrize("findings", [(), (COPIES,), (COPIES, FEW, UNEVEN), (COPIES, FEW, NEAR, UNEVEN)])
def test_a_result_has_twelve_lines_at_most_and_breaks_no_path(
    findings: tuple[dict[str, Any], ...], width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    near = {"images": 1681, "accuracy": SHARE}
    raw = {"images": 2500, "accuracy": SHARE | {"value": 0.96}}
    lines = printed(capsys, evaluation(findings=findings, near=near, tta="flip", raw=raw), width)
    assert len(lines) <= result.LINES
    assert width is None or max(map(len, lines)) <= width
    assert f"report: {REPORT}" in lines
    text = " ".join(line.strip() for line in lines)
    assert "raw, on all 2,500 images as they came: 96.00" in text
    assert "without near copies of training images: accuracy 94.35" in text
    assert "with test-time augmentation (flip): 94.35" in text
    assert ("warning: " in text) == bool(findings)
    if findings:
        assert "Use other test images" in text


def test_warnings_are_in_full_where_there_is_room_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluation(findings=(COPIES, FEW, NEAR, UNEVEN), near={"images": 1681, "accuracy": SHARE}, tta="flip")
    narrow, wide = (" ".join(" ".join(printed(capsys, found, width)).split()) for width in (80, 300))
    assert "warning: Some test images are training images. Use other" in narrow
    assert "more in the report)" in narrow
    assert "warning: 500 of 2,000 test images are equal to a training or validation image" in wide
    assert "Fewer than 30 test images count for owl (5)." in wide
    assert "in the report" not in wide


@pytest.mark.parametrize("width", [None, 80])
def test_where_nothing_can_be_measured_that_comes_first_and_validation_speaks(
    width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, NOTHING, width, "validation")
    text = " ".join(line.strip() for line in lines)
    assert len(lines) <= result.LINES
    assert text.startswith("test accuracy cannot be measured: 2,000 of 2,000 test images are training images")
    assert "instead: validation accuracy 94.35" in text
    assert text.count("warning: ") == 1, "that few images are left stands in the first line"
    assert f"where it fails, on 2,000 validation images: {VERDICT['fails']}" in text
    assert "test accuracy 9" not in text
    assert "test-time" not in text


def test_where_it_fails_says_of_which_images_if_they_are_not_those_of_the_headline(capsys: pytest.CaptureFixture[str]) -> None:
    few = NOTHING | {"images": 5, "cannot": "few", "raw": {"images": 5, "accuracy": SHARE}, "findings": []}
    assert f"where it fails, on 5 test images: {VERDICT['fails']}" in printed(capsys, few, None)
    assert f"where it fails: {VERDICT['fails']}" in printed(capsys, NOTHING, None, "")


def test_a_validation_that_cannot_measure_anything_either_is_not_offered() -> None:
    validation = NOTHING | {"split": "validation"}
    assert [said.text[:4] for said in result.believed(NOTHING, validation)] == ["test"]
    assert [said.text[:5] for said in result.believed(validation, validation)] == ["valid"]


def test_a_few_near_copies_stand_beside_the_headline_alone(capsys: pytest.CaptureFixture[str]) -> None:
    near = {"images": 1999, "accuracy": SHARE}
    lines = printed(capsys, evaluation(findings=(NEAR | {"serious": False, "images": 1},), near=near), None)
    assert not [line for line in lines if line.startswith("note: ")]
    assert "without near copies of training images: accuracy 94.35\N{NO-BREAK SPACE}% (1,999 images)" in lines


def test_what_to_do_about_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    do = "Use other test images, ones that were never trained on."
    page = PAGE | {"words": {"verdict": VERDICT | {"next": do}}}
    result.say(result.of_run(evaluation(findings=(COPIES,)), evaluation("validation"), page, RUN, None), None)
    out = capsys.readouterr().out
    assert out.count(do) == 1
    assert f"what next: {do}" in out


def test_an_evaluation_has_all_its_warnings_in_full() -> None:
    said = [one.text for one in result.of_evaluation(evaluation(findings=(COPIES, FEW, NEAR, UNEVEN)))]
    assert len(said) == 5
    assert [one.partition(": ")[0] for one in said[1:]] == ["warning", "warning", "warning", "note"]


def test_on_a_terminal_warnings_are_yellow_and_what_cannot_be_measured_stands_on_yellow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    result.say(result.of_evaluation(NOTHING), 80)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("\x1b[1;30;43mtest accuracy cannot be measured")
    assert [line.startswith("\x1b[1;33mwarning: ") for line in lines if "warning" in line] == [True]
    result.say(result.of_evaluation(evaluation()), 80)
    assert "33m" not in capsys.readouterr().out


def test_strict_refuses_what_cannot_be_measured_and_what_is_serious() -> None:
    result.refuse(evaluation(findings=(NEAR | {"serious": False}, UNEVEN)))
    with pytest.raises(DataError, match="--strict: test accuracy cannot be measured: 2,000 of 2,000"):
        result.refuse(NOTHING)
    with pytest.raises(DataError, match="something serious is wrong with the test images") as caught:
        result.refuse(evaluation(findings=(COPIES, UNEVEN)))
    assert len(caught.value.details) == 1
    assert caught.value.details[0].startswith("Some test images are training images. Use other test images")


def test_a_program_that_reads_the_json_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    result.tell_if_nothing_is_believed(evaluation())
    assert capsys.readouterr() == ("", "")
    result.tell_if_nothing_is_believed(NOTHING)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("test accuracy cannot be measured: ")
