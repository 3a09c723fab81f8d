"""`seefar ui`: a page of all runs, studies and searches below a folder."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

EXAMPLES = ("seefar ui", "seefar ui runs --open", "seefar ui /data/experiments --port 8601")


def ui(
    folder: Path = Path(),
    *,
    port: int = 8600,
    open: Annotated[bool, Parameter(negative="")] = False,  # noqa: A002  as it is called on the command line
) -> None:
    """Show all runs of a folder in the browser: sort, filter, compare, curves, looks at test; needs pip install 'seefar[ui]'.

    The page follows runs while they train. It only reads, answers this machine alone, and ends with Ctrl-C.

    Parameters
    ----------
    folder
        Where runs, studies and searches are looked for, in all folders below it too; by default the folder you are in.
    port
        0: any free one.
    open
        Open the page in the browser.
    """
    from seefar.cli.output import tells
    from seefar.errors import UsageError

    try:
        from seefar.home.server import show
    except ModuleNotFoundError as error:
        raise UsageError(f"the page needs {error.name}; pip install 'seefar[ui]'") from None

    show(folder, port, tell=tells(f"{folder} at", open))
