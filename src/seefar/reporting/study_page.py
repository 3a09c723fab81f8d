"""The page of a study: which change helps, by how much, how sure, at what cost. Nothing is computed here."""

import json
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from seefar.errors import ModelFileError
from seefar.files import write_bytes
from seefar.recipe_fields import text
from seefar.reporting import figures, shaded_tables, study_words
from seefar.reporting.page import render
from seefar.reporting.words import duration
from seefar.runs.folder import Run


def write_study(folder: Path) -> Path:
    """Write `study.html` into the folder of a study, from its results and the histories of its runs; return its path."""
    if not (folder / "results.json").exists():
        raise ModelFileError(f"the study in {folder} is not finished; give the same seefar study command again")
    found = json.loads((folder / "results.json").read_bytes())
    by_number = [sorted((folder / "runs").glob(f"{number:02d}-*")) for number in range(len(found["rows"]))]
    firsts = {  # one curve a variant: that of its first seed
        row["variant"]: next((run for run in map(Run, paths) if run.has("evaluation-validation.json")), None)
        for row, paths in zip(found["rows"], by_number, strict=True)
    }
    rows = [
        {
            **row,
            "words": study_words.row_words(row),
            "changes": ", ".join(f"{name}={text(value)}" for name, value in row["fields"].items()),
            "time": duration(row["seconds"]) if row["seconds"] is not None else "",
            "shown": row[found["split"]],
        }
        for row in found["rows"]
    ]
    values: dict[str, Any] = {
        **found,
        "rows": rows,
        "words": {"summary": study_words.summary(found), "advice": study_words.advice(found)},
    }
    drawn = charts(found, {name: run for name, run in firsts.items() if run})
    write_bytes(folder / "study.html", render("study.html", values, drawn))
    return folder / "study.html"


def charts(found: Mapping[str, Any], runs: Mapping[str, Run]) -> dict[str, Figure]:
    """The charts that the results allow; `runs` has one run of each variant, for its curve."""
    about, rows = f"{found['study']} on {found['data']}", found["rows"]
    drawn = {}
    effects = [
        (row["variant"], row["effect"]["value"], row["effect"]["low"], row["effect"]["high"])
        for row in rows
        if row["effect"] and row["effect"]["low"] is not None
    ]
    if effects:
        against = "the variant before" if found["design"] == "cumulative" else rows[0]["variant"]
        drawn["effects"] = figures.intervals(
            effects, f"points more than {against}, with 95 % interval", f"{about}: what each change does", zero=True
        )
    means = [(row["variant"], row["seconds"], (row[found["split"]] or {}).get("mean")) for row in rows]
    points = [(variant, seconds, mean) for variant, seconds, mean in means if mean]
    if points:
        drawn["costs"] = figures.costs(points, found["front"], f"{about}: accuracy against training time")
    curves = {}
    for variant, run in runs.items():
        seconds = run.read("timing.json")["seconds_by_epoch"]
        curves[variant] = (list(accumulate(seconds)), [100 * row["validation_accuracy"] for row in run.history()])
    if curves:
        title = f"{about}: validation accuracy of one seed each"
        drawn["curves"] = figures.lines(curves, *figures.TIME, title, marker=".")
    if found["by_class"]:
        drawn["classes"] = shaded_tables.changes_by_class(
            found["by_class"], found["classes"], f"{about}: points of recall won and lost"
        )
    return drawn
