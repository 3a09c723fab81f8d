"""What a page is given of a trained network: its layers, what it can say of itself, and images to try it with."""

from pathlib import Path
from typing import Any

from seefar.data.images import Dataset
from seefar.playing.from_file import of_file
from seefar.runs.folder import Run, open_run


def material(source: str | Path | Run, data: Dataset | None = None) -> dict[str, Any]:
    """Everything a page is given of one network, as JSON has it.

    A run that was not evaluated on validation is evaluated first, because its temperature and its mistakes come from there.

    Args:
        source: a run, its folder, or an ONNX file that `seefar export` wrote. A file holds no training images and no mistakes.
        data: the data the run was trained on; by default it is loaded again from where it came from. Where it is no longer there, the
            page has no training images to compare with, and says so.

    Raises:
        ModelFileError: the run or the file is missing, damaged, or of a kind that a page cannot compute.
        UsageError: a package that ONNX files need is not installed.
    """
    if not isinstance(source, Run) and (Path(source).is_file() or Path(source).suffix == ".onnx"):
        return of_file(Path(source))
    from seefar.playing.from_run import of_run

    return of_run(open_run(source), data)
