"""`seefar data`: look at images before training, fetch archives, free the cache."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from seefar.cli.options import LoadOptions, RecipeOptions, epilogue
from seefar.errors import DataError, UsageError

app = App(
    name="data",
    help="Look at images before training, fetch archives, free the cache.",
    help_epilogue=epilogue("seefar data describe shapes", "seefar data audit --help"),
    sort_key=1,
)


@app.command(
    help_epilogue=epilogue(
        "seefar data describe shapes",
        "seefar data describe my-photos.zip --skip-bad --strict --out pictures",
    )
)
def describe(
    data: str,
    *,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    out: Path | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Count, measure and compare images: classes, colours, duplicates, test images that are also training images.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    out
        A folder for pictures: examples and mean image of each class, brightness and colours.
    strict
        Exit with code 3 if a test image is also a training image.
    json
        Print one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_description, print_json

    images = sf.load(data, **asdict(load))
    found = sf.describe(images)
    if out is not None:
        sf.picture(images).save(out / "examples.png")
        sf.picture(found).save(out / "brightness.png")
    if json:
        facts = {name: getattr(images, name) for name in ("name", "source", "modes", "sizes", "skipped", "warnings")}
        print_json(facts | asdict(found))
    else:
        print_description(images, found)
    if strict and found.leaks.count:
        raise DataError(
            f"{found.leaks.count} of {len(images.test)} test images are also training images; remove them from training or test"
        )


@app.command(
    help_epilogue=epilogue(
        "seefar data augment shapes --recipe deep",
        "seefar data augment my-photos/ --set rotate=15 --set cutout=8 --out augmented.png",
    )
)
def augment(
    data: str,
    *,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    recipe: RecipeOptions = RecipeOptions(recipe="deep"),  # noqa: B008 (frozen)
    out: Path = Path("augmented.png"),
) -> None:
    """Draw training images as the network sees them in the first epochs: a row for each, the image itself in front.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    out
        The PNG file to draw into; its path is printed.
    """
    import seefar as sf
    from seefar.training.check import choose

    choose(recipe.recipe, size=load.size, **recipe.changes())  # refuse a bad recipe before anything is downloaded or decoded
    images = sf.load(data, **asdict(load))
    print(sf.picture(sf.augmented(images, recipe.recipe, recipe.seed, **recipe.changes())).save(out))


@app.command(
    help_epilogue=epilogue(
        "seefar data audit my-photos/ --out audit",
        "seefar data audit --run runs/cifar10-fast-seed0",
    )
)
def audit(
    data: str | None = None,
    *,
    run: Path | None = None,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    recipe: RecipeOptions = RecipeOptions(recipe="fast"),  # noqa: B008 (frozen)
    device: str = "auto",
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Can the images and labels be trusted? Near duplicates, likely label errors, classes that overlap, strange images.

    Networks are trained on parts of the training images to judge the others: some minutes. They judge the test images too, which counts
    as a look at them. Needs pip install 'seefar[audit]'.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: folder, zip, .npz, .csv, Parquet, IDX; with --run that of the run, if left out.
    run
        A run on these images: what is found is kept with it, and its report shows it.
    device
        auto, cpu, cuda or mps.
    out
        A folder for audit.json and galleries of what was found.
    json
        Print one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_audit, print_json, write_audit
    from seefar.data.load import load_again
    from seefar.training.check import choose

    if data is None and run is None:
        raise UsageError("nothing is named that could be audited; give images (shapes, a folder, a zip), or a run with --run")
    choose(recipe.recipe, size=load.size, **recipe.changes())
    images = sf.load(data, **asdict(load)) if data is not None else load_again(sf.open_run(run or Path()).read("data.json"))
    found = sf.audit(images, run=run, recipe=recipe.recipe, seed=recipe.seed, device=device, **recipe.changes())
    if out is not None:
        write_audit(found, images, out)
    (print_json if json else print_audit)(asdict(found))
    if out is not None and not json:
        print(f"galleries: {out}")


@app.command(
    help_epilogue=epilogue(
        "seefar data fetch cifar10",
        "seefar data fetch cifar100",
        "SEEFAR_MIRROR=https://mirror.example.org/sets seefar data fetch cifar10",
    )
)
def fetch(name: Literal["cifar10", "cifar100", "mnist", "fashion-mnist", "kmnist", "svhn", "cifar10.1"], /) -> None:
    """Download the files of a published set into the cache, verified, and print where they are. What is there already is only checked.

    Parameters
    ----------
    name
        cifar10, cifar100, mnist, fashion-mnist, kmnist, svhn, or cifar10.1 (test images for networks trained on CIFAR-10).
    """
    from seefar.data.cache import fetch

    print(*fetch(name), sep="\n")


@app.command(
    help_epilogue=epilogue(
        "seefar data clean",
        "seefar data clean --archives",
    )
)
def clean(*, archives: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Delete decoded images and unfinished downloads from the cache; they come back when they are needed.

    Parameters
    ----------
    archives
        Delete downloaded archives, too.
    """
    from seefar.data.cache import clean

    deleted = clean(archives=archives)
    for what, size in deleted:
        print(f"{size / 2**20:9.1f} MiB  {what}")
    print(f"{sum(size for _, size in deleted) / 2**20:9.1f} MiB freed")
