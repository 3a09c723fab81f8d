"""`seefar tune`: search the fields of a recipe, and confirm what is found."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, settle

EXAMPLES = (
    "seefar tune --base deep --search learning_rate=0.005..0.5:log --search dropout=0..0.5 --data cifar10 --subset 10000",
    "seefar tune --base baseline --search batch_size=32,64,128 --search flip=none,random --data my-photos.zip --jobs 2",
)


def tune(
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    base: str = "deep",
    search: Annotated[list[str], Parameter(consume_multiple=False, negative="")],
    set_: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None,
    trials: int = 30,
    confirm: int = 3,
    seed: int = 0,
    jobs: int = 1,
    storage: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Search recipe fields on validation, then train the winner and the base with fresh seeds, and say on test what it is worth.

    Trials that fall behind are pruned. The same command resumes an interrupted search. Needs pip install 'seefar[tune]'.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    base
        The recipe that is searched around.
    search
        A field with what is tried: learning_rate=0.001..0.1:log, dropout=0..0.5, flip=none,random. May be given several times.
    set_
        A recipe field that all trials change alike: --set epochs=12. May be given several times.
    trials
        How many trainings, including pruned and failed ones.
    confirm
        Fresh seeds for winner and base, judged on test; with 0 test stays closed, and nothing is claimed.
    seed
        Of all trials and of the search; the fresh seeds are those after it.
    jobs
        Trainings that go on at the same time on this machine, each with its part of the threads.
    storage
        A database for the trials, such as postgresql://user:password@host/name. By default a file in the folder. With the same
        --out on a shared disk several machines work on one search.
    out
        The folder of the search; by default tunings/BASE-DATA. The same command resumes it.
    device
        auto, cpu, cuda or mps.
    threads
        Threads of each training; by default the cores divided by --jobs. A search keeps the number that it began with.
    json
        Print one JSON document.
    """
    settle()  # before torch is loaded
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.options import RecipeOptions
    from seefar.cli.output import print_json, print_tuning
    from seefar.studies.search_space import settings
    from seefar.studies.tune import choose_space

    changes, space = RecipeOptions(set_=set_).changes(), settings(search)
    choose_space(space, base, changes)  # what is wrong with it is told before images are loaded
    images = sf.load(data, **asdict(load))
    found = sf.tune(
        images,
        space,
        base,
        trials,
        confirm=confirm,
        seed=seed,
        jobs=jobs,
        storage=storage,
        out=out,
        device=device,
        threads=threads,
        **changes,
    )
    if found.confirmation is not None:
        sf.report(found.confirmation)
    (print_json if json else print_tuning)(asdict(found))
