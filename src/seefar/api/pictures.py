"""One picture of a run by its name, for notebooks and slides."""

from pathlib import Path
from typing import TYPE_CHECKING

from seefar.api.training import open_run
from seefar.runs.folder import Run

if TYPE_CHECKING:
    from seefar.reporting.run_picture import Picture


def picture(run: str | Path | Run, name: str = "curves") -> "Picture":
    """One picture of a run's report, drawn from what is stored in its folder: no network runs, and no image is looked at anew.

    Args:
        run: a run or its folder.
        name: "curves", "matrix", "mistakes", "filters", "path", "where"...: `seefar.reporting.run_picture.PICTURES` has them all,
            and a wrong name lists them.

    Returns:
        A Picture: notebooks show it, `picture.save(path)` writes a PNG file.

    Raises:
        UsageError: there is no such picture, or what it shows has not been done yet.
    """
    from seefar.reporting.run_picture import draw_picture

    return draw_picture(open_run(run), name)
