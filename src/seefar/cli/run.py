"""`seefar run`: the whole path from images to a report."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, MachineOptions, TrainOptions, settle
from seefar.cli.started import StartUp

if TYPE_CHECKING:
    from seefar.recipes import Recipe

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
    strict: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Load images, train, evaluate on test once, and write a report.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    strict
        Exit with code 3, after all is done, if the test images cannot measure anything, or something serious is wrong with them.
    json
        Print the test evaluation as one JSON document (with several seeds a list of them).
    """
    settle()  # before torch is loaded
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.output import print_json, print_run
    from seefar.cli.result import refuse, tell_if_nothing_is_believed
    from seefar.training.check import choose

    choose(train.recipe, size=load.size, **train.changes())  # refuse a bad recipe before anything is downloaded or decoded
    runs = train.folders()
    with StartUp() as start_up:
        images = sf.load(data, **asdict(load))
    finished: list[sf.Run] = []
    recipe: str | Recipe = train.recipe
    for seed, out in runs:
        options = {**train.arguments(machine, recipe), "spent": start_up.charge()}
        finished.append(sf.run(images, recipe, seed, out=out, start=train.from_, **options))
        recipe = train.settled(finished[-1])
    evaluations = [run.evaluation("test") for run in finished]
    if json:
        tell_if_nothing_is_believed(evaluations[0])
        print_json(evaluations if train.seeds > 1 else evaluations[0])
    else:
        for run in finished:
            print_run(run)
    if strict:
        refuse(evaluations[0])  # it is about the images, which are the same for all seeds
