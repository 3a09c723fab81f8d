"""`seefar evaluate`: what a trained network gets right and wrong."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

EXAMPLES = (
    "seefar evaluate runs/shapes-tiny-seed0",
    "seefar evaluate runs/shapes-tiny-seed0 --split test --json",
)


def evaluate(
    run: Path,
    *,
    split: Literal["validation", "test"] = "validation",
    device: str = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Evaluate a trained network on its validation images, or on the test images, which is counted.

    Parameters
    ----------
    run
        The run folder.
    split
        Each look at test is entered into the run's ledger and shown in its report.
    device
        auto, cpu, cuda or mps.
    json
        Print one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_evaluation, print_json

    evaluation = asdict(sf.evaluate(run, split, device=device))
    (print_json if json else print_evaluation)(evaluation)
