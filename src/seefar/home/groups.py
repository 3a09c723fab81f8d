"""The row of a study or of a search, and what it found: effects with intervals, trials, and the sentences of their reports."""

from collections.abc import Callable
from typing import Any

from seefar.errors import ModelFileError
from seefar.home.untrusted import Folder, MissingError, number, text

KINDS = {"study.json": "study", "tuning.json": "search"}
PAGES = {"study": "study.html"}
READ = ("study.json", "tuning.json", "results.json", "failures.json", ".lock")
MOST_TRIALS = 1000  # that are shown (chosen by hand)


def read_group(folder: Folder, kind: str) -> dict[str, Any]:
    """The row of a study or a search: its name, what it asks, and whether it has results. Never raises for what is in the files."""
    row: dict[str, Any] = {"pages": [name for name, path in PAGES.items() if folder.stamp(path)[1]]}
    try:
        if kind == "study":
            begun = folder.json("study.json")
            asked = _object(begun.get("study"))
            row |= {"name": text(asked.get("name")), "about": text(asked.get("about"), 500)}
        else:
            begun = folder.json("tuning.json")
            space = _object(begun.get("space"))
            row |= {"name": text(begun.get("base")), "about": ", ".join(f"{key}={value}" for key, value in space.items())[:500]}
        row["data"] = text(begun.get("data"))
    except ModelFileError as error:
        row["reason"] = str(error)
    row["done"] = folder.stamp("results.json")[1] > 0
    return row


def stamps(folder: Folder) -> tuple[tuple[int, int], ...]:
    """When the files that the row is made of were changed, and their sizes."""
    return tuple(folder.stamp(name) for name in (*READ, *PAGES.values()))


def read_results(folder: Folder, kind: str) -> dict[str, Any]:
    """What a study or a search found, for its page.

    Raises:
        ModelFileError: it is not finished, or its results are damaged.
    """
    try:
        found = folder.json("results.json")
    except MissingError:
        raise ModelFileError(f"this {kind} is not finished; give the same seefar command again to go on with it") from None
    read: Callable[[dict[str, Any]], dict[str, Any]] = _study if kind == "study" else _search
    try:
        return read(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise ModelFileError(
            f"results.json is damaged: it is not what a {kind} writes; give the same seefar command again"
        ) from None


def _study(found: dict[str, Any]) -> dict[str, Any]:
    from seefar.reporting import study_words

    return {
        "split": text(found["split"]),
        "seeds": len(found["seeds"]),
        "sentences": [*study_words.summary(found), *study_words.advice(found)],
        "rows": [
            {
                "variant": text(row["variant"]),
                "against": text(row["against"]),
                "reason": text(row["reason"], 500),
                "words": study_words.row_words(row),
                "mean": number((row[found["split"]] or {}).get("mean")),
                "seconds": number(row["seconds"]),
                "effect": _interval(row["effect"]),
            }
            for row in found["rows"]
        ],
    }


def _search(found: dict[str, Any]) -> dict[str, Any]:
    from seefar.reporting import tuning_words

    confirmed = found["confirmation"]
    return {
        "sentences": [*tuning_words.search(found), *tuning_words.claim(found)],
        "winner": found["winner"],
        "trials": [
            {
                "number": number(trial["number"]),
                "state": text(trial["state"]),
                "accuracy": number(trial["accuracy"]),
                "epochs": number(trial["epochs"]),
                "fields": ", ".join(f"{name}={value}" for name, value in trial["fields"].items())[:500],
            }
            for trial in found["trials"][:MOST_TRIALS]
        ],
        "confirmation": _study(confirmed) if confirmed else None,
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _interval(effect: Any) -> dict[str, Any] | None:
    """A difference as a share, with its 95 % interval where there are seeds enough, and the verdict."""
    if not effect or (value := number(effect["value"])) is None:
        return None
    return {"value": value, "low": number(effect["low"]), "high": number(effect["high"]), "verdict": text(effect["verdict"])}
