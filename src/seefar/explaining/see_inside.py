"""Look inside a trained run, and keep what was found in its folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from seefar import progress
from seefar.data.images import Dataset
from seefar.data.load import load_again
from seefar.explaining.highlights import explain_highlights
from seefar.explaining.overview import Overview, overview
from seefar.files import lock
from seefar.model.load import load_model
from seefar.model.run_images import check_split, open_split, open_training
from seefar.runs.folder import Run, open_run
from seefar.torchrun import only_alone


def see_inside(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    quick: bool = False,
    data: Dataset | None = None,
    device: str = "auto",
) -> Overview:
    """Filters, feature maps, what excites units, where it looked and whether to believe that, the space of images, classes, learning.

    Numbers go into `inside-<split>.json`, arrays into `inside-<split>.npz`; the report shows them, and draws them as PNG. Where it
    looked on the images of the report's first screen goes into `highlight-maps-<split>.npz`.

    Args:
        run: a trained run or its folder.
        split: where the images come from: "validation", or "test", which is a look at the test images.
        quick: two methods of explanation instead of all, and fewer images: under 30 s instead of under 90 s on two cores.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is damaged or was trained on other data.
    """
    only_alone("see_inside")
    check_split(split)
    run = open_run(run)
    data = load_again(run.read("data.json"), data)
    answers = run.arrays("learning.npz")["answers"] if run.has("learning.npz") else None
    with lock(run.path / ".lock"), progress.bar("looking inside") as tell:
        network, train = load_model(run, device).network, open_training(run, data)
        images = open_split(run, split, "see inside", data)
        found, arrays = overview(network, images, split, train, answers, quick=quick, tell=tell)
        run.write_arrays(f"inside-{split}.npz", **arrays)
        run.write(f"inside-{split}.json", asdict(found))
        explain_highlights(run, network, found.methods)
    return found
