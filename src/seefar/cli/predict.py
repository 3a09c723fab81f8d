"""`seefar predict`: a trained network's answers for image files."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

PARTLY = 3  # exit code where some files could not be read: the one for bad data


EXAMPLES = (
    "seefar predict runs/shapes-tiny-seed0 photo.png other.jpg",
    "seefar predict runs/shapes-tiny-seed0 my-photos/ --json",
)


def predict(
    run: Path,
    images: Annotated[list[Path], Parameter(negative="")],
    *,
    device: str = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Classify image files. The exit code is 3 if any of them could not be read.

    Parameters
    ----------
    run
        The run folder.
    images
        Files, or folders that hold them.
    device
        auto, cpu, cuda or mps.
    json
        Print one JSON document, with the probabilities of all classes.
    """
    import seefar as sf
    from seefar.cli.output import print_json, print_table

    answers = sf.predict(run, images, device=device)
    if json:
        print_json([asdict(answer) for answer in answers])
    else:
        rows = [
            (
                a.image,
                a.label or f"unreadable: {a.error}",
                "" if a.probability is None else f"{a.probability:.1%}",
                _next(a.probabilities),
            )
            for a in answers
        ]
        print_table(["image", "class", "probability", "next"], rows)
    return PARTLY if any(answer.error for answer in answers) else 0


def _next(probabilities: dict[str, float]) -> str:
    """The second and third most probable classes in words."""
    return ", ".join(f"{name} {chance:.1%}" for name, chance in list(probabilities.items())[1:3])
