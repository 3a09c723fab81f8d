"""A study as plain values, as JSON and TOML have them. Files are written by hand: each mistake is refused in one sentence."""

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seefar.errors import UsageError, did_you_mean
from seefar.files import disk_errors
from seefar.studies.study import Change, Study, variants

KEYS = ("name", "about", "base", "design", "fields", "change", "levels", "data", "seeds", "budget")
LARGEST = 64 * 1024  # bytes; chosen by hand: a study of 100 changes needs 20 thousand
LONGEST_LINE = 1000  # characters; chosen by hand: tomllib's time grows with the square of a dotted key's length
LONGEST_SENTENCE = 1000  # characters; chosen by hand
DEEPEST = 6  # tables and lists within each other; change, its fields and a list of pairs make five


def read_study(path: Path) -> Study:
    """The study in a TOML file, checked.

    Its keys are name, about, base, design, fields, levels, data, seeds and budget (in seconds), and a [[change]] with
    name, reason and fields for each change; all but name, base and [[change]] may be missing.

    Raises:
        UsageError: no such file, no TOML (with the line), an unknown key (with the nearest), or anything that `variants` refuses.
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
        found = from_json({"changes" if key == "change" else key: value for key, value in values.items()})
        variants(found)  # raises an error if the study makes no sense
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


def to_json(study: Study) -> dict[str, Any]:
    """The study as JSON has it; `from_json` reads it."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(study)))
    return values


def from_json(values: Mapping[str, Any]) -> Study:
    """The study that `to_json` wrote, or one written by hand. All but name, base and changes may be missing.

    Raises:
        UsageError: an unknown or a missing key, or a value of the wrong type; the study itself is not checked yet.
    """
    found = _only(values, Study, "a study")
    changes = found.get("changes", [])
    if not isinstance(changes, list) or not all(isinstance(change, Mapping) for change in changes):
        raise UsageError("the changes of a study are a list of tables, each with name, reason and fields")
    levels = _table(found, "levels", "a study")
    for factor, names in levels.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError(f"the levels of {factor!r} are {_short(names)}; expected a list of names of changes")
    seeds, budget = found.get("seeds", 3), found.get("budget", 0.0)
    if isinstance(seeds, bool) or not isinstance(seeds, int):
        raise UsageError(f"the seeds of a study are {_short(seeds)}; expected how many, a whole number of 1 or more")
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0 <= budget < math.inf:
        raise UsageError(f"the budget of a study is {_short(budget)}; expected a number of seconds, or 0 for none")
    design: Any = _sentence(found, "design", "a study", "each")
    return Study(
        name=_sentence(found, "name", "a study"),
        about=_sentence(found, "about", "a study", ""),
        base=_sentence(found, "base", "a study"),
        changes=tuple(_change(change, f"change {number}") for number, change in enumerate(changes, start=1)),
        design=design,
        fields=_table(found, "fields", "a study"),
        levels={factor: tuple(names) for factor, names in levels.items()},
        data=_sentence(found, "data", "a study", ""),
        seeds=seeds,
        budget=float(budget),
    )


def _change(values: Mapping[str, Any], where: str) -> Change:
    """One change of a study."""
    found = _only(values, Change, where)
    return Change(_sentence(found, "name", where), _sentence(found, "reason", where, ""), _table(found, "fields", where))


def _only(values: Mapping[str, Any], kind: type[Study | Change], where: str) -> Mapping[str, Any]:
    """The values, if every key is a field of the dataclass. Raises UsageError otherwise, with the nearest name."""
    known = [entry.name for entry in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise UsageError(
                f"{where} has no key {_short(key)}{did_you_mean(str(key), known)}; the keys are {', '.join(known)}"
            )
    return values


def _sentence(values: Mapping[str, Any], key: str, where: str, otherwise: str | None = None) -> str:
    """A text of one line. Raises UsageError if it is none, too long, or missing where there is nothing else to take."""
    value = values.get(key, otherwise)
    if value is None:
        raise UsageError(f"the {key} of {where} is missing; give it as a text")
    if not isinstance(value, str):
        raise UsageError(f"the {key} of {where} is {_short(value)}; expected a text")
    value = " ".join(value.split())
    if not value.isprintable() or len(value) > LONGEST_SENTENCE:
        raise UsageError(f"the {key} of {where} is {_short(value)}; expected at most {LONGEST_SENTENCE} printable characters")
    return value


def _table(values: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """A table of fields or levels; lists among its values become tuples, as in recipes, but for the levels of a grid."""
    value = values.get(key, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"the {key} of {where} are {_short(value)}; expected a table")
    return {str(name): _tuples(entry) if key == "fields" else entry for name, entry in value.items()}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _short(value: Any) -> str:
    """A value in an error, cut off where it becomes long."""
    try:
        shown = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a very large number"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."  # chosen by hand: a line of a terminal
