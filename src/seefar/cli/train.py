"""`seefar train`: train a network and leave it in a run folder, or resume an interrupted training."""

from typing import TYPE_CHECKING, Any

from seefar.cli.options import LoadOptions, MachineOptions, TrainOptions, settle
from seefar.cli.started import StartUp
from seefar.errors import UsageError
from seefar.torchrun import is_first

if TYPE_CHECKING:
    from seefar.recipes import Recipe

EXAMPLES = (
    "seefar train --data cifar10 --recipe deep --seeds 3",
    "seefar train --data my-photos/ --set learning_rate=0.002 --set dense=128 --out runs/wide",
    "seefar train --data my-photos/ --recipe deep --from runs/cifar10-deep-seed0 --set frozen_stages=2",
    "seefar train --data cifar10 --recipe fast --budget 60s",
    "seefar train --resume runs/cifar10-deep-seed0",
    "torchrun --nproc-per-node 2 --max-restarts 3 -m seefar train --data cifar10 --recipe deep --resume auto",
)


def train(
    *,
    data: str | None = None,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    train: TrainOptions = TrainOptions(),  # noqa: B008 (frozen)
    machine: MachineOptions = MachineOptions(),  # noqa: B008 (frozen)
    resume: str | None = None,
) -> None:
    """Train a network; the test images are not looked at. Prints the run folder.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    resume
        A run folder: resume it; of the other options only --epochs and those of the machine may be given.
        Or auto, with the full command: resume the run that the command made, or start it.
    """
    settle()  # before torch is loaded
    from dataclasses import asdict

    import seefar as sf
    from seefar.training.check import choose

    if resume is not None and resume != "auto":
        _nothing_else(data, load, train)
        options: dict[str, Any] = {"watch": train.watchers(), **asdict(machine)}
        path = sf.resume(resume, epochs=train.epochs, **options).path
        if is_first():
            print(path)
        return
    if data is None:
        raise UsageError(
            "--data is missing: shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files"
        )
    choose(train.recipe, size=load.size, **train.changes())  # refuse a bad recipe before anything is downloaded or decoded
    runs = train.folders()
    with StartUp() as start_up:
        images = sf.load(data, **asdict(load))
    recipe: str | Recipe = train.recipe
    for seed, out in runs:
        options = {**train.arguments(machine, recipe), "spent": start_up.charge()}
        run = sf.train(images, recipe, seed, out=out, start=train.from_, resume=resume == "auto", **options)
        recipe = train.settled(run)
        if is_first():
            print(run.path)


def _nothing_else(data: str | None, load: LoadOptions, train: TrainOptions) -> None:
    """Raise UsageError if anything is given that the run to resume has decided already."""
    given = {"--data": data is not None, "--from": train.from_ is not None, "--out": train.out is not None}
    given |= {f"--{name.replace('_', '-')}": getattr(load, name) != value for name, value in vars(LoadOptions()).items()}
    given |= {
        f"--{name}": getattr(train, name) != getattr(TrainOptions(), name)
        for name in ("recipe", "seed", "seeds", "budget", "target", "tag")
    }
    given |= {f"--set {word}": True for word in train.set_ or []}
    if extra := [option for option, is_given in given.items() if is_given]:
        raise UsageError(
            f"with --resume RUN the run has decided {', '.join(extra)} already; leave that out, or use --resume auto with the full command"
        )
