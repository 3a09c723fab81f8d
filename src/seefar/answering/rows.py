"""Answers as lines of text: JSON, one object a line, or CSV; and what such lines said, read back."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from seefar.data.sources import printable
from seefar.errors import UsageError
from seefar.model.predictions import Prediction

Form = Literal["json", "csv"]
SUFFIXES: dict[str, Form] = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv"}


class Said(NamedTuple):
    """What matters of a line that was written before: the file, and whether it could not be read."""

    image: str
    bad: bool


def form_of(suffix: str) -> Form:
    """The form that the name of a file asks for. Raises UsageError if it asks for none."""
    if suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"--out ends with {suffix!r}; say --json or --csv, or use a name that ends with {' or '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix.lower()]


class Lines:
    """Writes answers in one form.

    CSV has the columns image, label, then class and probability of the `top` most probable ones, unlike, abstained, original_size
    and error. A row of JSON is `as_dict`.
    """

    def __init__(self, form: Form, top: int = 1) -> None:
        self.form, self.top = form, top

    def head(self) -> bytes:
        """The first line, if the form has one."""
        if self.form == "json":
            return b""
        ranks = [name for rank in range(1, self.top + 1) for name in (f"class_{rank}", f"probability_{rank}")]
        return _csv([["image", "label", *ranks, "unlike", "abstained", "original_size", "error"]])

    def lines(self, rows: Iterable[Prediction]) -> bytes:
        """One line an answer, in UTF-8."""
        if self.form == "json":
            return b"".join(json.dumps(as_dict(row), ensure_ascii=False).encode() + b"\n" for row in rows)
        return _csv(self._cells(row) for row in rows)

    def read(self, line: bytes) -> Said:
        """What an earlier line said. Raises ValueError if it is not one of ours, such as one that a kill has torn."""
        text = line.decode()
        try:
            if self.form == "json":
                row = json.loads(text)
                return Said(row["image"], row["error"] is not None)
            (cells,) = csv.reader([text], strict=True)
        except (LookupError, TypeError, csv.Error) as error:
            raise ValueError(str(error)) from error
        if len(cells) != 2 * self.top + 6:
            raise ValueError(f"{len(cells)} cells")
        return Said(cells[0], bool(cells[-1]))

    def _cells(self, row: Prediction) -> list[Any]:
        listed = list(row.probabilities.items())[: self.top]
        listed += [("", "")] * (self.top - len(listed))  # type: ignore[list-item]
        ranked = [cell for name, chance in listed for cell in (printable(name), chance)]
        unlike = "" if row.unlike is None else str(row.unlike).lower()
        label = "" if row.label is None else printable(row.label)
        return [
            row.image,
            label,
            *ranked,
            unlike,
            str(row.abstained).lower() if row.error is None else "",
            row.original_size or "",
            row.error or "",
        ]


def as_dict(row: Prediction) -> dict[str, Any]:
    """An answer as JSON has it: the fields of `Prediction`."""
    return dict(vars(row))


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()
