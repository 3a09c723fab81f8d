"""The page of a study: which change helps, by how much, how sure, at what cost. Nothing is computed here."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from seefar.files import write_bytes
from seefar.recipes import text
from seefar.reporting import figures, study_words
from seefar.reporting.page import render
from seefar.reporting.words import duration
from seefar.runs.folder import Run
from seefar.studies.results import Results


def write_study(results: Results, cells: Mapping[tuple[str, int], Run], path: Path) -> Path:
    """Write the page, from results and the histories of the runs."""
    found = asdict(results)
    rows = [
        {
            **row,
            "words": study_words.row_words(row),
            "changes": ", ".join(f"{name}={text(value)}" for name, value in row["fields"].items()),
            "time": duration(row["seconds"]) if row["seconds"] is not None else "",
            "shown": row["test"] if results.split == "test" else row["validation"],
        }
        for row in found["rows"]
    ]
    drawn = charts(found, rows, cells)
    values: dict[str, Any] = {
        **found,
        "rows": rows,
        "words": {"summary": study_words.summary(found), "advice": study_words.advice(found)},
        "charts": {name: Markup(figures.svg(figure)) for name, figure in drawn.items()},  # noqa: S704 (matplotlib has escaped it)
    }
    write_bytes(path, render("study.html", values))
    return path


def charts(found: Mapping[str, Any], rows: list[dict[str, Any]], cells: Mapping[tuple[str, int], Run]) -> dict[str, Any]:
    """The pictures that the results allow."""
    about = f"{found['study']} on {found['data']}"
    drawn = {}
    effects = [
        (f"{row['variant']}", row["effect"]["value"], row["effect"]["low"], row["effect"]["high"])
        for row in rows
        if row["effect"] and row["effect"]["low"] is not None
    ]
    if effects:
        against = "the variant before" if found["design"] == "cumulative" else rows[0]["variant"]
        drawn["effects"] = figures.intervals(
            effects, f"points more than {against}, with 95 % interval", f"{about}: what each change does", zero=True
        )
    points = [(row["variant"], row["seconds"], row["shown"]["mean"]) for row in rows if row["shown"] and row["shown"]["mean"]]
    if points:
        drawn["costs"] = figures.costs(points, found["front"], f"{about}: accuracy against training time")
    curves = {}
    for (variant, _), run in cells.items():
        if variant not in curves:  # one line a variant: its first seed
            seconds = run.read("timing.json")["seconds_by_epoch"]
            elapsed = [sum(seconds[: i + 1]) for i in range(len(seconds))]
            curves[variant] = (elapsed, [row["validation_accuracy"] for row in run.history()])
    if curves:
        drawn["curves"] = figures.validation_curves(curves, f"{about}: validation accuracy of one seed each")
    if found["by_class"]:
        drawn["classes"] = figures.changes_by_class(
            found["by_class"], found["classes"], f"{about}: points of recall won and lost"
        )
    return drawn
