"""`seefar study`: does a change help?"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, settle

EXAMPLES = (
    "seefar study enhancement --data cifar10 --seeds 5",
    "seefar study --base deep --vary dropout=0,0.2,0.4 --vary flip=random,none --data my-photos.zip --seeds 5 --jobs 2",
)


def study(
    question: str | None = None,
    *,
    data: str | None = None,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    base: str | None = None,
    vary: Annotated[list[str] | None, Parameter(consume_multiple=False, negative="")] = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None,
    seeds: int | None = None,
    until: float | None = None,
    budget: str | None = None,
    jobs: int = 1,
    ray: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train variants of a recipe with several seeds each, and say which change helps, by how much, how certain, and at what cost.

    Parameters
    ----------
    question
        A study by name (enhancement, enhancement-removed, augmentation, optimisers, regularisation, speed), or a TOML file.
    data
        shapes, cifar10, mnist or another name, or a path: folder, zip, .npz, .csv, Parquet, IDX. By default what the study itself names.
    base
        The recipe that --vary starts from.
    vary
        A field with the values to try, the first being the base: --vary dropout=0,0.2,0.4. Several make a grid.
    set_
        A recipe field that all variants change alike: --set epochs=12. May be given several times.
    seeds
        Trainings of each variant. By default 3, or what the study itself says.
    until
        Add seeds until every interval is at most that many points wide; nothing is tested then.
    budget
        Time after which no further seed starts, such as 30m or 2h.
    jobs
        Trainings that go on at the same time on this machine, each with its part of the threads.
    ray
        Train on a Ray cluster (pip install 'seefar[cluster]'): auto, local, or an address such as ray://host:10001.
    out
        The study's folder; by default studies/NAME-DATA. The same command resumes it.
    device
        auto, cpu, cuda or mps.
    threads
        Threads of each training; by default the cores divided by --jobs. A study keeps the number that it began with.
    json
        Print one JSON document.
    """
    settle()  # before torch is loaded
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.options import RecipeOptions
    from seefar.cli.output import print_json, print_study
    from seefar.errors import UsageError
    from seefar.recipe_fields import seconds
    from seefar.studies.carry_out import choose_study
    from seefar.studies.vary import vary as varied

    if (question is None) == (vary is None):
        raise UsageError("name a study, or say what to --vary; `seefar study --help` shows both")
    if (base is None) != (vary is None):
        raise UsageError("--base and --vary go together: the recipe, and the fields of it that are tried")
    changes = RecipeOptions(set_=set_).changes()
    asked = choose_study(varied(base or "", vary, changes) if vary else question or "", {} if vary else changes)
    if not (data or asked.data):
        raise UsageError("say with --data on which images the study is carried out")
    images = sf.load(data or asked.data, **asdict(load))
    found = sf.study(
        asked,
        images,
        seeds,
        out=out,
        until=until,
        budget=None if budget is None else seconds(budget),
        jobs=jobs,
        ray=ray,
        device=device,
        threads=threads,
    )
    page = sf.report(found)
    (print_json if json else print_study)(asdict(found))
    if not json:
        print(f"report: {page}")
