"""`seefar study`: does a change help?"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seefar.cli.options import LoadOptions, settle

EXAMPLES = (
    "seefar study enhancement --data cifar10 --seeds 5",
    "seefar study --base deep --vary dropout=0,0.2,0.4 --vary flip=random,none --data my-photos.zip --seeds 5",
)


def study(
    question: str | None = None,
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    base: str | None = None,
    vary: Annotated[list[str] | None, Parameter(consume_multiple=False, negative="")] = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None,
    seeds: int = 3,
    until: float | None = None,
    subset: int | None = None,
    out: Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train variants of a recipe with several seeds each, and say which change helps, by how much, how sure, and at what cost.

    Parameters
    ----------
    question
        A study by name (enhancement, enhancement-removed, augmentation, optimisers, regularisation, speed), or a TOML file.
    data
        cifar10, cifar100, shapes, or the path of a folder or zip of images.
    base
        The recipe that --vary starts from.
    vary
        A field with the values to try, the first being the base: --vary dropout=0,0.2,0.4. Several make a grid.
    set_
        A recipe field that all variants change alike: --set epochs=12. May be given several times.
    seeds
        Trainings of each variant.
    until
        Add seeds until every interval is so many points wide; nothing is tested then.
    subset
        Use that many training images, all classes alike.
    out
        The study's folder; by default studies/NAME-DATA. The same command goes on with it.
    device
        auto, cpu, cuda or mps.
    threads
        Threads on the CPU; by default as many as it has cores.
    json
        Print one JSON document.
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.options import RecipeOptions
    from seefar.cli.output import print_json, print_study
    from seefar.errors import UsageError
    from seefar.studies.study import vary as varied

    if (question is None) == (vary is None):
        raise UsageError("name a study, or say what to --vary; `seefar study --help` shows both")
    if (base is None) != (vary is None):
        raise UsageError("--base and --vary go together: the recipe, and the fields of it that are tried")
    changes = RecipeOptions(set_=set_).changes()
    asked = varied(base or "", vary, changes) if vary else question or ""
    settle()
    images = sf.load(data, **asdict(load))
    options = {} if vary else changes
    found = asdict(
        sf.study(asked, images, seeds, out=out, until=until, subset=subset, device=device, threads=threads, **options)
    )
    (print_json if json else print_study)(found)
