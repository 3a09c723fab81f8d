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
    from seefar.reporting.tables import Table
    from seefar.reporting.words import percent

    answers = sf.predict(run, images, device=device)
    if json:
        print_json([asdict(answer) for answer in answers])
    else:
        said = [[f"{name} {percent(chance)}" for name, chance in answer.probabilities.items()] for answer in answers]
        rows = [
            (
                answer.image,
                answer.label or f"unreadable: {answer.error}",
                "" if answer.probability is None else percent(answer.probability),
                ", ".join(chances[1:3]),
            )
            for answer, chances in zip(answers, said, strict=True)
        ]
        print_table(Table(["image", "class", "probability", "next"], rows))
    return PARTLY if any(answer.error for answer in answers) else 0
