"""Folders of runs for the tests of the page: many that were made by chance, and a real one."""

from pathlib import Path
from typing import Any

from tests.conftest import script

from seefar.home.rows import read_row
from seefar.home.untrusted import inside

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MANY = script(BENCHMARKS / "many_runs.py")


def made(folder: Path, count: int = 1) -> list[Path]:
    """So many runs in a folder, in their order."""
    MANY.make_runs(folder, count)
    return sorted(folder.iterdir(), key=lambda path: path.name[-5:])


def row_of(path: Path) -> dict[str, Any]:
    """What the table says of a run."""
    with inside(path.parent, (path.name,)) as folder:
        return read_row(folder)[0]
