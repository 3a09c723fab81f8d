"""The tables of results, each made in one place; terminal, notebooks and the model card draw them in their own ways.

Values come as dicts, as `asdict` gives them. What is a number stands in its cell as it is to be read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seefar.recipe_fields import PARTS, flat, meanings, said, text
from seefar.recipes import Recipe
from seefar.reporting import study_words
from seefar.reporting.inside_words import method_name
from seefar.reporting.words import duration, percent

BEST = 5  # trials of a search (chosen by hand, as the next two)
ISSUES, PAIRS = 20, 10  # doubtful labels and duplicates of an audit

NUMBER = re.compile(r"[-+]?[\d.,]+%?")
AMONG = ("%", "to", "x", "h", "min", "s")  # words that stand among numbers


@dataclass(frozen=True)
class Table:
    """Names of columns and rows of cells.

    Attributes:
        columns, rows: all text.
        sums: a last row that is set off.
        grouped: whether a row with an empty first cell belongs to the one above.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    sums: Sequence[str] = ()
    grouped: bool = False

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers alone, which stand on the right."""
        cells = [row[column] for row in self.rows if row[column]]
        return bool(cells) and all(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    first, *others = cell.replace("(", "").replace(")", "").split() or [""]
    return bool(NUMBER.fullmatch(first)) and all(word in AMONG or NUMBER.fullmatch(word) for word in others)


def _count(number: int) -> str:
    """A number with commas; none where there is nothing to count."""
    return f"{number:,}" if number else ""


def evaluation(found: Mapping[str, Any]) -> Table:
    """The classification report."""
    rows = [
        (
            score["name"],
            percent(score["precision"]),
            percent(score["recall"]["value"]),
            f"{percent(score['recall']['low'])} to {percent(score['recall']['high'])}",
            f"{score['f1']:.3f}",
            f"{score['support']:,}",
        )
        for score in found["scores"]
    ]
    return Table(["class", "precision", "recall", "95 % interval", "F1", "images"], rows)


def comparison(found: Mapping[str, Any]) -> Table:
    """What each run reached, and what it cost; the first is the one that the others are compared with."""
    first, base = found["pairs"][0], found["recipes"][0]["accuracies"][0]
    runs = [(first["base"], base, first["cost"]["base"])]
    runs += [(pair["other"], base + pair["difference"]["value"], pair["cost"]["other"]) for pair in found["pairs"]]
    rows = [
        (name, percent(share, 2), duration(cost["seconds"]), f"{cost['parameters']:,}", f"{cost['multiply_adds']:,}")
        for name, share, cost in runs
    ]
    return Table(["run", f"{found['split']} accuracy", "training", "parameters", "multiply-adds"], rows)


def robustness(found: Mapping[str, Any]) -> Table:
    """Accuracy by corruption and severity."""
    rows = [
        (name.replace("_", " "), *map(percent, shares), percent(sum(shares) / len(shares)))
        for name, shares in found["accuracies"].items()
    ]
    return Table(["severity", *"12345", "mean"], rows)


def out_of_distribution(found: Mapping[str, Any]) -> Table:
    """AUROC of each score against each out-of-distribution set."""
    rows = [
        (row["name"], f"{row['images']:,}", *(f"{share:.3f}" for share in row["auroc"].values())) for row in found["foreign"]
    ]
    return Table(["out-of-distribution images", "how many", "largest probability", "energy", "feature distance"], rows)


def audit(found: Mapping[str, Any]) -> list[Table]:
    """The first of the doubtful labels and duplicates that were found, as far as there are any."""
    issues = [
        (row["id"], row["label"], row["suggested"], f"{row['probability']:.0%}", percent(row["label_probability"]))
        for row in found["listed_label_issues"][:ISSUES]
    ]
    duplicates = [
        (row["one"], row["other"], row["where"], "" if row["same_label"] else "other label")
        for row in found["listed_duplicates"][:PAIRS]
    ]
    tables = [
        Table(["most doubtful labels", "label", "rather", "probability", "of its label"], issues),
        Table(["closest duplicates", "of", "where", "note"], duplicates),
    ]
    return [table for table in tables if table.rows]


def study(found: Mapping[str, Any]) -> Table:
    """A row for each variant."""
    splits = list(dict.fromkeys(["validation", found["split"]]))
    means = [[(row[split] or {}).get("mean") for split in splits] for row in found["rows"]]
    rows = [
        (
            row["variant"],
            *("" if share is None else percent(share, 2) for share in shares),
            "" if row["seconds"] is None else duration(row["seconds"]),
            study_words.row_words(row),
        )
        for row, shares in zip(found["rows"], means, strict=True)
    ]
    return Table(["variant", *splits, "training", "verdict"], rows)


def tuning(found: Mapping[str, Any]) -> Table:
    """The best trials of a search."""
    complete = [trial for trial in found["trials"] if trial["accuracy"] is not None]
    rows = [
        (str(trial["number"]), percent(trial["accuracy"], 2), str(trial["epochs"]), *map(text, trial["fields"].values()))
        for trial in sorted(complete, key=lambda trial: (-trial["accuracy"], trial["number"]))[:BEST]
    ]
    return Table(["trial", "validation", "epochs", *found["space"]], rows)


def explanation(found: Mapping[str, Any]) -> Table:
    """What was explained: a row for each image."""
    labels = found["labels"] or [""] * len(found["images"])
    chances = map(percent, found["probability"])
    rows = list(zip(found["images"], labels, found["predicted"], found["targets"], chances, strict=True))
    return Table(["image", "class", "predicted", "evidence for", "its probability"], rows)


def methods(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """Deletion and insertion of each method, with those of random maps below for scale."""
    rows = [(method_name(name), f"{score['deletion']:.3f}", f"{score['insertion']:.3f}") for name, score in scores.items()]
    for score in list(scores.values())[:1]:
        rows.append(("random maps, for scale", f"{score['random_deletion']:.3f}", f"{score['random_insertion']:.3f}"))
    return Table(["method", "deletion (low is true)", "insertion (high is true)"], rows)


def health(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How many filters of each layer are of no use; of a group of duplicates one is."""
    counts = [
        (row["filters"], len(row["dead"]), sum(len(group) - 1 for group in row["duplicates"]), len(row["noisy"]))
        for row in rows
    ]
    shown = [(row["layer"], *map(str, numbers)) for row, numbers in zip(rows, counts, strict=True)]
    return Table(["layer", "filters", "dead", "duplicates", "noisy"], shown)


def layers(found: Sequence[Mapping[str, Any]]) -> Table:
    """The layers of a network, in the order in which an image passes them, and their sums."""
    rows = [
        (row["name"], row["kind"], " x ".join(map(str, row["shape"])), _count(row["parameters"]), _count(row["multiply_adds"]))
        for row in found
    ]
    sums = ("all", "", "", *(f"{sum(row[name] for row in found):,}" for name in ("parameters", "multiply_adds")))
    return Table(["layer", "kind", "output", "parameters", "multiply-adds"], rows, sums)


def recipe(shown: Recipe) -> Table:
    """Every field of a recipe with its value and its meaning, part by part."""
    rows = [(part, field, said(field, value), meanings()[field]) for part, field, value in _fields(shown)]
    return Table(["part", "field", "value", "meaning"], _grouped(rows), grouped=True)


def recipes(one: Recipe, other: Recipe) -> Table:
    """The fields in which two recipes differ; a field that one of them has not is empty there."""
    part_of = {field: part for shown in (one, other) for part, field, _ in _fields(shown)}
    values = [{field: said(field, value) for field, value in flat(shown).items()} for shown in (one, other)]
    rows = [
        (part, field, *(side.get(field, "") for side in values))
        for field, part in sorted(part_of.items(), key=lambda pair: PARTS.index(pair[1]))
        if values[0].get(field) != values[1].get(field)
    ]
    return Table(["part", "field", one.name, other.name], _grouped(rows), grouped=True)


def _fields(shown: Recipe) -> list[tuple[str, str, Any]]:
    """Part, name and value of each field."""
    values = flat(shown)
    part_of = {field: part for part in PARTS for field in vars(getattr(shown, part))} | {"model": "network"}
    return [(part_of[field], field, value) for field, value in values.items()]


def _grouped(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same with the first cell empty where it repeats the one above."""
    above = ["", *(row[0] for row in rows)]
    return [("" if row[0] == before else row[0], *row[1:]) for row, before in zip(rows, above, strict=False)]


def classes(splits: Mapping[str, Mapping[str, int]]) -> Table:
    """Images of each class in each split, and all of them; from counts by class."""
    names = next(iter(splits.values()))
    rows = [(name, *(f"{counts[name]:,}" for counts in splits.values())) for name in names]
    return Table(["class", *splits], rows, ("all", *(f"{sum(counts.values()):,}" for counts in splits.values())))


def predictions(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Answers for images; the last column is there if any image is unlike the training images."""
    odd = any(row["unlike"] for row in rows)
    cells = [
        (
            row["image"],
            answer(row),
            "" if row["probability"] is None else percent(row["probability"]),
            ", ".join(f"{name} {percent(chance)}" for name, chance in list(row["probabilities"].items())[1:3]),
            *(["unlike the training images" if row["unlike"] else ""] if odd else []),
        )
        for row in rows
    ]
    return Table(["image", "class", "probability", "next", *(["remark"] if odd else [])], cells)


def answer(row: Mapping[str, Any]) -> str:
    """The class that an answer names, or why it names none."""
    if row["error"] is not None:
        return f"unreadable: {row['error']}"
    return f"not sure ({next(iter(row['probabilities']))}?)" if row["abstained"] else str(row["label"])
