"""`seefar report`: the page that shows what a run came to, or several."""

from pathlib import Path

EXAMPLES = (
    "seefar report runs/shapes-tiny-seed0",
    "seefar report runs/cifar10-baseline-seed0 runs/cifar10-deep-seed0 --out comparison.html",
)


def report(*runs: Path, out: Path | None = None) -> None:
    """Write a page that needs no network: of one run report.html in its folder, of several a comparison. Prints its path.

    Parameters
    ----------
    runs
        The run folders.
    out
        Of several runs, the file to write; comparison.html by default.
    """
    import seefar as sf

    print(sf.report(*runs, out=out))
