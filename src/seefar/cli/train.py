"""`seefar train`: train a network and leave it in a run folder."""

from seefar.cli.options import LoadOptions, TrainOptions

EXAMPLES = (
    "seefar train --data cifar10 --recipe baseline --seed 1",
    "seefar train --data my-photos/ --set learning_rate=0.002 --set dense=128 --out runs/wide",
)


def train(
    *,
    data: str,
    load: LoadOptions = LoadOptions(),  # noqa: B008 (frozen)
    train: TrainOptions = TrainOptions(),  # noqa: B008 (frozen)
) -> None:
    """Train a network; the test images are not looked at. Prints the run folder.

    Parameters
    ----------
    data
        cifar10, cifar100, shapes, or the path of a folder or zip of images.
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.api import choose

    choose(train.recipe, size=load.size, **train.changes())  # refuse a bad recipe before anything is downloaded or decoded
    images = sf.load(data, **asdict(load))
    finished = sf.train(images, train.recipe, train.seed, out=train.out, device=train.device, **train.changes())
    print(finished.path)
