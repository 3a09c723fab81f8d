"""`seefar run`: the whole path from images to a report."""

from typing import Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, MachineOptions, TrainOptions, settle

EXAMPLES = (
    "seefar run --data shapes --recipe tiny",
    "seefar run --data my-photos.zip --recipe baseline --seed 1 --epochs 20",
)


def run(
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    train: TrainOptions = TrainOptions(),  # noqa: B008 (frozen)
    machine: MachineOptions = MachineOptions(),  # noqa: B008 (frozen)
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Load images, train, evaluate on test once, and write a report.

    Parameters
    ----------
    data
        cifar10, cifar100, shapes, or the path of a folder or zip of images.
    json
        Print the test evaluation as one JSON document (with several seeds a list of them).
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.output import print_evaluation, print_json
    from seefar.training.check import choose

    settle()
    choose(train.recipe, size=load.size, **train.changes())  # refuse a bad recipe before anything is downloaded or decoded
    runs = train.folders()
    images = sf.load(data, **asdict(load))
    finished = []
    for seed, out in runs:
        options = {"watch": train.watchers(), **asdict(machine), **train.changes(), "target": train.aim()}
        finished.append(sf.run(images, train.recipe, seed, out=out, start=train.from_, **options))
    evaluations = [run.evaluation("test") for run in finished]
    if json:
        print_json(evaluations if train.seeds > 1 else evaluations[0])
        return
    for run, evaluation in zip(finished, evaluations, strict=True):
        print_evaluation(evaluation)
        print(f"report: {run.path / 'report.html'}")
