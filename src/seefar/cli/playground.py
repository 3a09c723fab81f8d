"""`seefar playground`: a page on which the network runs in the browser, opened at once or written as a folder."""

import contextlib
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

EXAMPLES = (
    "seefar playground runs/shapes-tiny-seed0",
    "seefar playground model.onnx --out course/playground",
    "seefar playground runs/plain --other runs/augmented",
)


def playground(
    source: Path,
    *,
    other: Path | None = None,
    out: Path | None = None,
    port: int = 8700,
    open: Annotated[bool, Parameter()] = True,  # noqa: A002  as it is called on the command line
) -> None:
    """Try the network: draw, drop or photograph an image, and see its answer, where it looked, and every step in between.

    It computes in the browser; no image leaves it. Without --out the page is shown to this machine alone, until Ctrl-C.

    Parameters
    ----------
    source
        A run, or an ONNX file that seefar export wrote.
    other
        A second one, to compare with.
    out
        Write the page into this folder instead: any web server can host it, and it also opens from disk.
    port
        Where the page is shown; 0: any free port.
    open
        Open the page in the browser; --no-open only says where it is.
    """
    from seefar.cli.output import tells
    from seefar.playing.folder import page_files
    from seefar.playing.folder import playground as write
    from seefar.playing.server import show

    if out is not None:
        print(f"the page is at {write(source, out, other=other)}")
        return

    with contextlib.suppress(KeyboardInterrupt):  # that is how it is meant to end
        show(page_files(source, other), port, tell=tells(f"the playground of {source} is at", open))
