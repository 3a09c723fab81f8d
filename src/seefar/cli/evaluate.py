"""`seefar evaluate`: what a trained network gets right and wrong."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

EXAMPLES = (
    "seefar evaluate runs/shapes-tiny-seed0",
    "seefar evaluate runs/shapes-tiny-seed0 --split test --corruptions --ood noise --json",
)


def evaluate(
    run: Path,
    *,
    split: Literal["validation", "test"] = "validation",
    corruptions: Annotated[bool, Parameter(negative="")] = False,
    corruption_files: Path | None = None,
    ood: Annotated[list[str] | None, Parameter(consume_multiple=False, negative="")] = None,
    device: str = "auto",
    strict: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Evaluate a trained network on its validation images, or on the test images; each look is counted.

    Parameters
    ----------
    run
        The run folder.
    split
        Each look at test is entered into the run's ledger and shown in its report.
    corruptions
        Corrupt the images in the 15 ways of CIFAR-10-C at 5 severities, too (some minutes for 10,000 images).
    corruption_files
        The unpacked folder of the published CIFAR-10-C, to be used instead.
    ood
        Images that are not the run's own, to be told from its own: noise, shapes, or a folder. May be given several times.
    device
        auto, cpu, cuda or mps.
    strict
        Exit with code 3 if the images cannot measure anything, or something serious is wrong with them.
    json
        Print one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_evaluation, print_json, print_out_of_distribution, print_robustness
    from seefar.cli.result import refuse, tell_if_nothing_is_believed
    from seefar.data.load import load_again
    from seefar.evaluation.earlier import read_evaluation

    opened = sf.open_run(run)
    data = load_again(opened.read("data.json"))
    robust = foreign = None  # first, since they may refuse what they were given before anything is looked at
    if ood:
        foreign = asdict(sf.out_of_distribution(opened, split, others=ood, data=data, device=device))
    if corruptions or corruption_files:
        robust = asdict(sf.robustness(opened, split, files=corruption_files, data=data, device=device))
    found = asdict(sf.evaluate(opened, split, data=data, device=device))
    if json:
        tell_if_nothing_is_believed(found)
        print_json(found | ({"robustness": robust} if robust else {}) | ({"out_of_distribution": foreign} if foreign else {}))
    else:
        print_evaluation(found, read_evaluation(opened, "validation") if opened.has("evaluation-validation.json") else None)
        if robust:
            print_robustness(robust)
        if foreign:
            print_out_of_distribution(foreign)
    if strict:
        refuse(found)
