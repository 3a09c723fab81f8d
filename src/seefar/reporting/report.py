"""One page that needs nothing else: of a run, of several side by side, or of a study."""

from pathlib import Path
from typing import Any

from seefar.errors import UsageError
from seefar.reporting.comparison_page import write_comparison
from seefar.reporting.page import write_report
from seefar.reporting.study_page import write_study
from seefar.runs.folder import Run, open_run


def report(*what: Any, out: str | Path | None = None) -> Path:
    """Write one page from what is in the folders; return its path.

    Args:
        what: one run: its `report.html`, with `report.json` and a model card beside it; several runs, set side by side; or a
            study's folder or results: its `study.html`.
        out: of several runs, the file to write; by default `comparison.html`.

    Raises:
        UsageError: nothing is given, or a file to write for one run or a study.
        ModelFileError: there is no run in a folder, or it is unfinished or damaged.
    """
    if len(what) > 1:
        return write_comparison([open_run(run) for run in what], Path(out or "comparison.html"))
    if not what or out is not None:
        raise UsageError(
            "report takes one run or study, whose page goes into its folder, or several runs and perhaps a file to write"
        )
    if isinstance(what[0], Run):
        return write_report(what[0])
    folder = Path(getattr(what[0], "folder", what[0]))
    return write_study(folder) if (folder / "study.json").exists() else write_report(open_run(folder))
