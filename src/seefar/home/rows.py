"""The row of a run: what the table says of it, read from the small files of its folder; a damaged one is a row with its reason."""

import csv
import io
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seefar.errors import ModelFileError
from seefar.home.untrusted import Folder, MissingError, number, text
from seefar.reporting.check_words import cannot
from seefar.runs import formats, tags
from seefar.runs.ledger import NAME as LEDGER

READ = (  # what a row is made of
    "recipe.json",
    "data.json",
    "manifest.json",
    "history.csv",
    "timing.json",
    "evaluation-validation.json",
    "evaluation-test.json",
    LEDGER,
    tags.NAME,
    ".lock",
)
PAGES = {
    "report": "report.html",
    "card": "README.md",
    "explanation": "explained/explanation.png",
    "curves": "figures/training.png",
}
COLUMNS = ("number", "loss", "accuracy", "validation_loss", "validation_accuracy", "rate")  # of history.csv
POINTS = 24  # of the small curve in a row (chosen by hand: two pixels each)
ENDINGS = ("finished", "patience", "budget", "diverged", "interrupted", "pruned")


@dataclass(frozen=True)
class History:
    """The columns of history.csv; None where a number is none."""

    numbers: list[float | None]
    columns: dict[str, list[float | None]]
    best: int | None  # place of the best epoch


def read_row(folder: Folder) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the table says of a run, and the fields of its recipe. Never raises for what is in the files.

    Returns:
        The row: `reason` says what is damaged or missing; whatever can be read is there all the same. Shares are in 0..1, with the
        ends of their 95 % intervals.
    """
    reasons: list[str] = []
    found = {name: _json(folder, f"{name}.json", reasons) for name in ("recipe", "data")}
    row: dict[str, Any] = {"tags": _tags(folder), "looks": looks_in(folder)}
    recipe = {name: value for name, value in formats.recipe(found["recipe"]).items() if name != "seed"}
    row["seed"] = number(found["recipe"].get("seed"))
    data = found["data"]
    row["data"] = text(data.get("name"))
    row["classes"] = len(data["classes"]) if isinstance(data.get("classes"), list) else None
    row["images"] = _sum(data.get("train"))
    row["planned"] = number(recipe.get("epochs"))
    timing = _json(folder, "timing.json", reasons, needed=False)
    row["started"] = text(timing.get("started"), 40)
    row["seconds"] = _sum(timing.get("seconds_by_epoch"))
    row |= _history(folder, reasons)
    row |= _state(folder, reasons, row["epochs"])
    for split in ("validation", "test"):
        row |= _judged(folder, split, reasons)
    row["pages"] = _pages(folder)
    if reasons:
        row["reason"] = "; ".join(reasons)
    return row, recipe if isinstance(recipe.get("model"), str) else {}


def read_history(folder: Folder) -> History:
    """The columns of history.csv. Raises ModelFileError if they cannot be read."""
    rows = csv.reader(io.StringIO(folder.read("history.csv").decode(errors="replace")))
    try:
        names = next(rows, [])
        table = [row for row in rows if row]
        place = {name: column for column, name in enumerate(names)}
        places = [(name, place[name]) for name in COLUMNS]
        columns = {name: [_cell(row[column]) for row in table] for name, column in places}
        best_at = place["best"]
        best = [i for i, row in enumerate(table) if row[best_at] == "True"]
    except (KeyError, IndexError, csv.Error):
        raise ModelFileError("history.csv is damaged: columns or cells are missing; copy the folder again") from None
    return History(columns.pop("number"), columns, best[-1] if best else None)


def looks_in(folder: Folder) -> int:
    """How many looks at test images the ledger of a run has."""
    try:
        return len(folder.read(LEDGER).splitlines())
    except ModelFileError:
        return 0


def stamps(folder: Folder) -> tuple[tuple[int, int], ...]:
    """When the files that a row is made of were changed, and their sizes."""
    return tuple(folder.stamp(name) for name in READ)


def _json(folder: Folder, name: str, reasons: list[str], *, needed: bool = True) -> dict[str, Any]:
    try:
        return folder.json(name)
    except MissingError as error:
        if needed:
            reasons.append(f"{error}: the training did not get so far, or the folder was copied in part")
    except ModelFileError as error:
        reasons.append(str(error))
    return {}


def _tags(folder: Folder) -> list[str]:
    try:
        return tags.tags_in(folder.read(tags.NAME))
    except ModelFileError:
        return []


def _history(folder: Folder, reasons: list[str]) -> dict[str, Any]:
    """How far the training came, the accuracy of its best epoch, and a small curve in thousandths."""
    try:
        history = read_history(folder)
    except MissingError:
        return {"epochs": 0, "best": None, "curve": []}
    except ModelFileError as error:
        reasons.append(str(error))
        return {"epochs": None, "best": None, "curve": []}
    seen = history.columns["validation_accuracy"]
    curve = [None if value is None else round(1000 * value) for value in thinned(seen, POINTS)]
    best = None if history.best is None else seen[history.best]
    return {"epochs": len(seen), "best": _short(best), "curve": curve}


def _state(folder: Folder, reasons: list[str], epochs: int | None) -> dict[str, Any]:
    """Whether it trains, why it ended, or that nobody knows."""
    try:
        manifest = folder.json("manifest.json")
        if (number(manifest.get("format")) or 0) > formats.FORMAT:
            reasons.append(
                f"it was written in format {manifest['format']}, this seefar reads {formats.FORMAT}: use a newer seefar"
            )
        ended = manifest.get("ended") if "ended" in manifest else "finished" if manifest.get("finished") else "interrupted"
    except MissingError:
        ended = ""
        if epochs:
            reasons.append("manifest.json is missing: the folder was copied in part; copy it again")
    except ModelFileError as error:
        reasons.append(str(error))
        return {"state": "unknown"}
    if ended in ENDINGS:
        return {"state": ended}
    holder = _holder(folder)
    if holder is None:
        return {"state": "stopped"}
    return {"state": "training", "host": holder} if holder else {"state": "training"}


def _holder(folder: Folder) -> str | None:
    """Where the process that trains in the folder runs, empty for this machine; None if there is none."""
    try:
        words = folder.read(".lock").decode(errors="replace").split()
    except ModelFileError:
        return None
    if len(words) != 4 or words[0] != "process" or not words[1].isdigit():
        return None
    if words[3] != socket.gethostname():
        return text(words[3])
    try:
        os.kill(int(words[1]), 0)
    except PermissionError:
        return ""
    except (OSError, OverflowError):
        return None
    return ""


def _judged(folder: Folder, split: str, reasons: list[str]) -> dict[str, Any]:
    """The headline of an evaluation with its interval; or why there is none."""
    found = _json(folder, f"evaluation-{split}.json", reasons, needed=False)
    if not found:
        return {split: None}
    said = found.get("headline") if "headline" in found else found.get("accuracy")  # before format 7
    share = shares(said)
    row: dict[str, Any] = {split: share}
    if share and isinstance(said, dict) and said.get("name") == "balanced accuracy":
        row[f"{split}_balanced"] = True
    if share is None:
        try:
            row[f"{split}_cannot"] = text(cannot(found), 300)
        except (KeyError, TypeError, ValueError):
            reasons.append(f"evaluation-{split}.json is damaged: it has no figure and no reason for that; evaluate again")
    if split == "test":
        row["digest"] = text(found.get("digest"), 64)
    return row


def shares(said: Any) -> list[float | None] | None:
    """A share and the ends of its interval; None if it is none."""
    if not isinstance(said, dict) or (value := number(said.get("value"))) is None:
        return None
    return [_short(value), _short(number(said.get("low"))), _short(number(said.get("high")))]


def thinned(values: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the values, evenly chosen, the last one among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def _pages(folder: Folder) -> list[str]:
    """The names of the pages that a run has, keys of PAGES."""
    return [name for name, path in PAGES.items() if folder.stamp(path)[1]]


def _sum(values: Any) -> float | None:
    """The sum of a list of numbers; None for anything else."""
    if not isinstance(values, list) or not values:
        return None
    return round(sum(number(value) or 0 for value in values), 3)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _cell(word: str) -> float | None:
    try:
        return number(float(word))
    except ValueError:
        return None
