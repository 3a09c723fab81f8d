"""`seefar run`: the whole path from images to a report."""

from typing import Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, TrainOptions

EXAMPLES = (
    "seefar run --data shapes --recipe tiny",
    "seefar run --data my-photos.zip --recipe baseline --seed 1 --epochs 20",
)


def run(
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    train: TrainOptions = TrainOptions(),  # noqa: B008 (frozen)
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Load images, train, evaluate on test once, and write a report.

    Parameters
    ----------
    data
        cifar10, cifar100, shapes, or the path of a folder or zip of images.
    json
        Print the test evaluation as one JSON document.
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.api import choose
    from seefar.cli.output import print_evaluation, print_json

    choose(train.recipe, size=load.size, **train.changes())  # refuse a bad recipe before anything is downloaded or decoded
    images = sf.load(data, **asdict(load))
    finished = sf.run(images, train.recipe, train.seed, out=train.out, device=train.device, **train.changes())
    evaluation = finished.read("evaluation-test.json")
    if json:
        print_json(evaluation)
    else:
        print_evaluation(evaluation)
        print(f"report: {finished.path / 'report.html'}")
