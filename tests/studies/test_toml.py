"""Studies as TOML and JSON: what may be written, and what is refused in a sentence (faults 54 and 55)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.studies import test_study

from seefar.errors import DiskError, UsageError
from seefar.studies.builtin import STUDIES
from seefar.studies.study import Change, Study, digest, variants
from seefar.studies.toml import from_json, read_study, to_json

STUDY = """\
name = "parts"
about = "Which parts help?"
base = "tiny"
design = "cumulative"

[fields]
epochs = 2
resolution = [[0, 1]]

[[change]]
name = "batch norm"
reason = "Steadies values."
fields = { batch_norm = true }

[[change]]
name = "dropout"
fields.dropout = [0.1, 0.2]
"""
SHORT = 'name = "x"\nbase = "tiny"\n[[change]]\nname = "longer"\nfields.epochs = 99\n'
GRID = """\
name = "both"
base = "tiny"
design = "grid"

[levels]
shift = ["none", "some"]
norm = ["off", "on"]

""" + "".join(
    f'[[change]]\nname = "{name}"\nfields = {{ {fields} }}\n'
    for name, fields in (
        ("none", "shift = 0"),
        ("some", "shift = 1"),
        ("off", "batch_norm = false"),
        ("on", "batch_norm = true"),
    )
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.toml"


def test_a_study_is_read(path: Path) -> None:
    path.write_text(STUDY)
    assert read_study(path) == Study(
        "parts",
        "Which parts help?",
        "tiny",
        (
            Change("batch norm", "Steadies values.", {"batch_norm": True}),
            Change("dropout", "", {"dropout": (0.1, 0.2)}),
        ),
        "cumulative",
        {"epochs": 2, "resolution": ((0, 1),)},
    )


def test_the_least_that_a_study_needs(path: Path) -> None:
    path.write_text(SHORT)
    assert read_study(path) == Study("x", "", "tiny", (Change("longer", "", {"epochs": 99}),))


def test_a_grid_is_read(path: Path) -> None:
    path.write_text(GRID)
    assert [variant.name for variant in variants(read_study(path))] == ["base", "on", "some", "some, on"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + STUDY.encode(),  # fault 55: a mark at the beginning
        STUDY.replace("\n", "\r\n").encode(),  # fault 55: lines of Windows
        STUDY.replace(" = ", "\t=\t").encode(),  # fault 54: tabs
    ],
    ids=["BOM", "CRLF", "tabs"],
)
def test_what_editors_do_to_files_is_read_all_the_same(path: Path, content: bytes) -> None:
    path.write_text(STUDY)
    plain = read_study(path)
    path.write_bytes(content)
    assert read_study(path) == plain


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; a study has at least a name, a base and a [[change]]"),
        (b" \n\t\n", "is empty"),
        (STUDY.encode("utf-16"), "is written in UTF-16; TOML is UTF-8"),
        (STUDY.encode("utf-16-be"), "this is not TOML"),
        (b'name = "x"\nabout = "\xe9"\n', ", line 2: this is not UTF-8"),
        (b"x" * 10_000_000, "is larger than 65,536 bytes"),
        (b"# " + b"x" * 1000, ", line 1: the line has 1,002 characters; allowed is at most 1,000"),
        (b"name = 'x'\n" + b"a." * 5000 + b"a = 1", ", line 2: the line has 10,005 characters"),
        (b'name = "x"\nname = "y"\nbase = "z"', ", line 2, column "),
        (b'name = "x"\nname = "y"\n', ": a key or table is given twice (Cannot overwrite a value); give it once"),
        (b'name = "x"\nname = "y"', ", line 2, at the end of the file: a key or table is given twice"),
        (b"[fields]\n[fields]", "(Cannot declare ('fields',) twice); give it once"),
        (b"fields = { epochs = 1, epochs = 2 }", "(Duplicate inline table key 'epochs'); give it once"),
        (b"base: &anchor tiny", ", line 1, column 5: this is not TOML"),
        (b'name = !!python/object/apply:os.system ["ls"]', ", line 1, column 8: this is not TOML (Invalid value)"),
        (b'name = "x', "line 1, at the end of the file: this is not TOML"),
        (b"name = 'x'\x00", "this is not TOML"),
        (b"fields.widths = " + b"[\n" * 30000, "has too many brackets within each other"),
        (b"fields.widths = " + b"[" * 40 + b"]" * 40, "has more than 6 tables and lists within each other"),
        (b"fields.a.b.c.d.e.f.g.h = 1", "has more than 6 tables and lists within each other"),
        (b"fields.epochs = 0x" + b"f" * 900, "has no [[change]]"),
        (b"when = 2026-13-01", "line 1"),
        (b"when = 2026-02-31", "line 1"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(path: Path, content: bytes, sentence: str) -> None:
    path.write_bytes(content)
    refused(path, sentence)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("about", "abuot", "a study has no key 'abuot' (did you mean 'about'?); the keys are name, about, base"),
        ("[[change]]", "[[changes]]", "a study has no key 'changes' (did you mean 'change'?)"),
        ("reason", "raeson", "change 1 has no key 'raeson' (did you mean 'reason'?)"),
        ('"parts"', "3", "the name of a study is 3; expected a text"),
        ('name = "parts"\n', "", "the name of a study is missing"),
        ('base = "tiny"\n', "", "the base of a study is missing"),
        ('"tiny"', '"tinny"', "no recipe is called 'tinny' (did you mean 'tiny'?)"),
        ("batch_norm", "batch_nrom", "variant 'batch norm': a recipe has no field 'batch_nrom' (did you mean 'batch_norm'?"),
        ("true", "2", "variant 'batch norm': batch_norm is 2; expected true or false"),
        ("true", "2026-01-01", "variant 'batch norm': batch_norm is datetime.date(2026, 1, 1); expected true or false"),
        ("epochs = 2", "epochs = 0", "the fields of the study: epochs is 0; allowed is 1 to 10000"),
        ("epochs = 2", "epochs = 0x" + "f" * 900, "the fields of the study: epochs is far too large"),
        ("epochs = 2", "learning_rate = 1" + "0" * 400, "expected"),
        ("epochs = 2", "learning_rate = inf", "the fields of the study: learning_rate is Infinity; allowed is above 0"),
        ('"dropout"', '"batch norm"', "two changes are called 'batch norm'"),
        ('design = "cumulative"', "fraction = 0.5", "a study has no key 'fraction'; the keys are name, about, base"),
        ('"cumulative"', '"grid"', "the design is 'grid', but no levels are given"),
        ("epochs = 2", "epochs = { a = 1 }", "epochs is {'a': 1}; expected a whole number"),
    ],
)
def test_a_study_without_sense_is_refused(path: Path, old: str, new: str, sentence: str) -> None:
    assert old in STUDY
    path.write_text(STUDY.replace(old, new))
    refused(path, sentence)


def test_a_change_in_single_brackets_is_refused(path: Path) -> None:
    path.write_text(SHORT.replace("[[change]]", "[change]"))
    refused(path, "begin each with [[change]], in double brackets")


def test_a_change_that_is_no_table_is_refused(path: Path) -> None:
    path.write_text('name = "x"\nbase = "tiny"\nchange = [3]')
    refused(path, "the changes of a study are a list of tables")


def test_no_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.toml", "none.toml; give a study by its name, or a TOML file")
    refused(tmp_path, "is a folder; give a TOML file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is no ordinary file; give a TOML file")


def test_a_file_that_cannot_be_read_is_an_error_of_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(STUDY)

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(DiskError, match="Permission denied"):
        read_study(path)


@pytest.mark.parametrize("study", [test_study.STUDY, test_study.GRID, *STUDIES.values()], ids=lambda study: study.name)
def test_json_gives_the_same_study_back(study: Study) -> None:
    back = from_json(json.loads(json.dumps(to_json(study))))
    assert to_json(back) == to_json(study)
    assert variants(back) == variants(study)
    assert digest(back) == digest(study)
    assert from_json(to_json(back)) == back


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"nmae": "x"}, "a study has no key 'nmae' (did you mean 'name'?); the keys are name, about, base"),
        ({"name": None}, "the name of a study is missing; give it as a text"),
        ({"base": 3}, "the base of a study is 3; expected a text"),
        ({"about": "a" * 1001}, "the about of a study is 'aaa"),
        ({"about": "red\x1b[31m"}, "expected at most 1000 printable characters"),
        ({"changes": {}}, "the changes of a study are a list of tables"),
        ({"changes": [3]}, "the changes of a study are a list of tables"),
        ({"changes": [{"name": "x", "fileds": {}}]}, "change 1 has no key 'fileds' (did you mean 'fields'?)"),
        ({"changes": [{"fields": {}}]}, "the name of change 1 is missing"),
        ({"changes": [{"name": "x", "reason": ["y"]}]}, "the reason of change 1 is ['y']; expected a text"),
        ({"changes": [{"name": "x", "fields": 3}]}, "the fields of change 1 are 3; expected a table"),
        ({"fields": []}, "the fields of a study are []; expected a table"),
        ({"levels": []}, "the levels of a study are []; expected a table"),
        ({"levels": {"a": "b"}}, "the levels of 'a' are 'b'; expected a list of names"),
        ({"levels": {"a": [1]}}, "the levels of 'a' are [1]; expected a list of names"),
        ({"seeds": True}, "the seeds of a study are True; expected how many"),
        ({"budget": "1"}, "the budget of a study is '1'; expected a number of seconds"),
        ({"design": 16**5000}, "the design of a study is a very large number; expected a text"),
    ],
)
def test_json_of_another_shape_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(to_json(test_study.STUDY) | values)
    assert sentence in str(caught.value)


def refused(path: Path, sentence: str) -> None:
    """Check that the file is refused in one sentence that names it."""
    with pytest.raises(UsageError) as caught:
        read_study(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
