"""Answers as lines: what is written is read back, whatever stands in the names; what is torn or foreign is not taken for a line."""

import csv
import io
import json
from dataclasses import fields
from typing import Any

import pytest

from seefar.answering.rows import Lines, as_dict, form_of
from seefar.data.sources import printable
from seefar.errors import UsageError
from seefar.model.predictions import Prediction, unreadable

ROWS = [
    Prediction('a,"b";\'c.png', "cat", 0.75, {"cat": 0.75, "dog": 0.25}, False, None, False, "3x4"),
    Prediction("grün/猫.png", None, 0.5, {"a,\nb": 0.5, "dog": 0.4, "cow": 0.1}, True, None, True, "5x6"),
    unreadable("zip.zip/x.png", 'damaged, "so to speak"'),
    Prediction(printable("line\nbreak\udcff.png"), "cat", 1.0, {"cat": 1.0}),
]


def test_json_has_every_field_under_its_name() -> None:
    lines = Lines("json")
    assert lines.head() == b""
    found = [json.loads(line) for line in lines.lines(ROWS).splitlines()]
    assert found == [as_dict(row) for row in ROWS]
    assert [Prediction(**row) for row in found] == ROWS
    assert set(found[0]) == {field.name for field in fields(Prediction)}


def test_csv_is_read_by_any_reader_and_has_a_line_an_answer() -> None:
    lines = Lines("csv", 2)
    text = (lines.head() + lines.lines(ROWS)).decode()
    assert len(text.splitlines()) == 5
    found = list(csv.DictReader(io.StringIO(text)))
    assert [row["image"] for row in found] == [row.image for row in ROWS]
    assert [row["label"] for row in found] == ["cat", "", "", "cat"]
    assert [row["class_1"] for row in found] == ["cat", "a,\\nb", "", "cat"]
    assert [row["probability_2"] for row in found] == ["0.25", "0.4", "", ""]
    assert [row["unlike"] for row in found] == ["false", "true", "", ""]
    assert [row["abstained"] for row in found] == ["false", "true", "", "false"]
    assert found[2]["error"] == 'damaged, "so to speak"'


@pytest.mark.parametrize("lines", [Lines("json"), Lines("csv"), Lines("csv", 3)])
def test_lines_say_what_they_are_about(lines: Lines) -> None:
    said = [lines.read(line + b"\n") for line in lines.lines(ROWS).splitlines()]
    assert said == [(row.image, row.error is not None) for row in ROWS]


@pytest.mark.parametrize("lines", [Lines("json"), Lines("csv", 2)])
@pytest.mark.parametrize(
    "spoilt", [b"", b"\n", b"\0\0\0\n", b"\xff\n", b"[]\n", b'"a"\n', b"a,b\n", b'{"image": "a"}\n', b'a,"b']
)
def test_what_is_no_line_of_ours_is_not_taken_for_one(lines: Lines, spoilt: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it says)
        lines.read(spoilt)


@pytest.mark.parametrize(("suffix", "form"), [(".jsonl", "json"), (".JSON", "json"), (".ndjson", "json"), (".csv", "csv")])
def test_the_name_of_a_file_says_its_form(suffix: str, form: Any) -> None:
    assert form_of(suffix) == form


@pytest.mark.parametrize("suffix", ["", ".txt", ".parquet"])
def test_a_name_that_says_no_form_is_refused(suffix: str) -> None:
    with pytest.raises(UsageError, match="say --json or --csv"):
        form_of(suffix)
