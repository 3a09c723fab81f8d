"""`seefar report`: the page that shows what a run came to."""

from pathlib import Path

EXAMPLES = (
    "seefar report runs/shapes-tiny-seed0",
    "seefar report runs/cifar10-baseline-seed0-2",
)


def report(run: Path) -> None:
    """Write report.html into the run folder: one page that needs no network. Prints its path.

    Parameters
    ----------
    run
        The run folder.
    """
    import seefar as sf

    print(sf.report(run))
