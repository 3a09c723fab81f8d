"""A study from a TOML file that somebody wrote: bounded in every way, and refused in one sentence that names the file."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seefar.errors import UsageError, did_you_mean
from seefar.files import disk_errors
from seefar.studies import study
from seefar.studies.study import Study

KEYS = ("name", "about", "base", "design", "fields", "change", "levels", "fraction", "data", "seeds", "budget")
LARGEST = 64 * 1024  # bytes; chosen by hand: a study of 100 changes needs 20 thousand
LONGEST_LINE = 1000  # characters; chosen by hand: tomllib's time grows with the square of a dotted key's length
DEEPEST = 6  # tables and lists within each other; change, its fields and a list of pairs make five


def read_study(path: Path) -> Study:
    """The study in a TOML file, checked.

    Its keys are name, about, base, design, fields, levels, fraction, data, seeds and budget (in seconds), and a [[change]] with
    name, reason and fields for each change; all but name, base and [[change]] may be missing.

    Raises:
        UsageError: no such file, no TOML (with the line), an unknown key (with the nearest), or anything that `check` refuses.
        DiskError: the file cannot be read.
    """
    values = _parsed(path, _text(path))
    for key in values:
        if key not in KEYS:
            raise UsageError(f"{path}: a study has no key {key!r}{did_you_mean(key, KEYS)}; the keys are {', '.join(KEYS)}")
    if "change" not in values:
        raise UsageError(f"{path} has no [[change]]; give at least one, with a name, a reason and fields")
    if not isinstance(values["change"], list):
        raise UsageError(
            f"{path}: change is one thing, but there may be several; begin each with [[change]], in double brackets"
        )
    try:
        found = study.from_json({"changes" if key == "change" else key: value for key, value in values.items()})
        study.check(found)
    except UsageError as error:
        raise UsageError(f"{path}: {error}", error.details) from None
    return found


def _text(path: Path) -> str:
    """What the file says. Raises UsageError if it is no small file in UTF-8."""
    with disk_errors(path):
        if not path.exists():
            raise UsageError(f"there is no file {path}; give a study by its name, or a TOML file that describes one")
        if not path.is_file():  # a folder, or a pipe, which would never end
            raise UsageError(f"{path} is {'a folder' if path.is_dir() else 'no ordinary file'}; give a TOML file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UsageError(f"{path} is larger than {LARGEST:,} bytes, which no study is; give a TOML file that describes one")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is written in UTF-16; TOML is UTF-8, so save it as that")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: this is not UTF-8, as TOML is; save the file as UTF-8") from None
    if not text.strip():
        raise UsageError(f"{path} is empty; a study has at least a name, a base and a [[change]]")
    for number, words in enumerate(text.split("\n"), start=1):
        if len(words) > LONGEST_LINE:
            raise UsageError(
                f"{path}, line {number}: the line has {len(words):,} characters; allowed is at most {LONGEST_LINE:,}, so break it"
            )
    return text


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """The text as tables. Raises UsageError, with the line where there is one, if it is not TOML or too deeply nested."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_complaint(path, text, str(error))) from None
    except RecursionError:
        raise UsageError(f"{path} has too many brackets within each other; allowed are {DEEPEST}") from None
    except ValueError:  # numbers of thousands of digits, dates that do not exist
        raise UsageError(f"{path} has a number or a date that cannot be read; give numbers of ordinary size") from None
    inner: list[Any] = [values]
    for _ in range(DEEPEST):
        inner = [member for value in inner for member in _members(value)]
    if any(isinstance(value, dict | list) for value in inner):
        raise UsageError(
            f"{path} has more than {DEEPEST} tables and lists within each other; no field of a recipe needs so many"
        )
    return values


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _complaint(path: Path, text: str, message: str) -> str:
    """tomllib's message as a sentence with file and line, and what to do."""
    where = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    said = message[: where.start()] if where else message
    if where and where[1]:
        place = f"{path}, line {where[1]}, column {where[2]}"
    else:
        place = f"{path}, line {len(text.splitlines())}, at the end of the file"
    if said.startswith(("Cannot overwrite", "Duplicate inline table key")) or said.endswith(" twice"):
        return f"{place}: a key or table is given twice ({said}); give it once"
    return f"{place}: this is not TOML ({said}); write key = value, with texts in quotes"
