"""`seefar find-rate`: a good learning rate in half a minute, before the long training."""

from pathlib import Path

from seefar.cli.options import LoadOptions, RecipeOptions

EXAMPLES = (
    "seefar find-rate --data cifar10 --recipe deep",
    "seefar find-rate --data my-photos/ --recipe deep --set optimiser=adamw --out rates.png",
)


def find_rate(
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    recipe: RecipeOptions = RecipeOptions(),  # noqa: B008 (frozen)
    out: Path | None = None,
    device: str = "auto",
) -> None:
    """Try learning rates from tiny to huge on a copy of the network, and print the one to start from.

    Parameters
    ----------
    data
        shapes, cifar10, mnist or another name, or a path: a folder, zip, .npz or .csv, Parquet or IDX files.
    out
        A PNG file to draw the curve into: loss against rate.
    device
        auto, cpu, cuda or mps.
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.training.check import choose

    choose(recipe.recipe, size=load.size, **recipe.changes())  # refuse a bad recipe before anything is downloaded or decoded
    images = sf.load(data, **asdict(load))
    curve = sf.find_rate(images, recipe.recipe, recipe.seed, device=device, **recipe.changes())
    if out is not None:
        sf.picture(curve).save(out)
    print(f"{curve.suggestion:.2g}")
