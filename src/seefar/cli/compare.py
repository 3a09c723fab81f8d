"""`seefar compare`: runs on the same images, difference by difference."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

EXAMPLES = (
    "seefar compare runs/shapes-tiny-seed0 runs/shapes-tiny+dense=64-seed0",
    "seefar compare runs/*-seed* --split validation --json",
)


def compare(
    *runs: Path,
    split: Literal["validation", "test"] = "test",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Compare runs on the same images, from the answers that `seefar evaluate` stored: this is no look at the test images.

    Parameters
    ----------
    runs
        Two or more run folders; the others are compared with the first. Runs of one recipe with several seeds are summed up.
    split
        Which answers.
    json
        Print one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_comparison, print_json

    found = asdict(sf.compare(runs, split))
    (print_json if json else print_comparison)(found)
