"""What a network sees: everything inside it at a glance, and where it looked in chosen images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from seefar import progress
from seefar.api.results import images_of
from seefar.api.training import data_of, open_run
from seefar.data.images import Dataset, ImageSet
from seefar.errors import DataError, UsageError, did_you_mean
from seefar.runs.folder import Run
from seefar.training.launch import only_alone

if TYPE_CHECKING:
    from seefar.explaining.explanation import Explanation
    from seefar.explaining.overview import Overview
    from seefar.models.layers import Network

METHODS = ("grad_cam", "layer_cam", "integrated_gradients", "occlusion")
MOST = 24  # images of a split that are explained at once (chosen by hand: as many as fit a page)


def see_inside(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    quick: bool = False,
    data: Dataset | None = None,
    device: str = "auto",
) -> "Overview":
    """Filters, feature maps, what excites units, where it looked and whether to believe it, the space of images, classes, learning.

    Numbers go into `inside-<split>.json`, arrays into `inside-<split>.npz`; the report shows them, and draws them as PNG.

    Args:
        run: a trained run or its folder.
        split: where the images come from: "validation", or "test", which is a look at the test images.
        quick: two methods of explanation instead of all, and fewer images: under 30 s instead of under 90 s on two cores.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is damaged or was trained on other data.
    """
    from dataclasses import asdict

    from seefar.explaining.overview import overview
    from seefar.files import lock
    from seefar.models.device import choose_device
    from seefar.runs.ledger import record_look
    from seefar.training.network import load_network

    only_alone("see_inside")
    run = open_run(run)
    data = data or data_of(run)
    images, _ = images_of(run, split, data)
    training = data.train.select(run.read("splits.json")["train"])
    network = load_network(run, choose_device(device))
    answers = run.arrays("learning.npz")["answers"] if run.has("learning.npz") else None
    with lock(run.path / ".lock"), progress.bar("looking inside") as tell:
        if split == "test":
            record_look(run, images.digest, "see inside")
        found, arrays = overview(network, images, split, training, answers, quick=quick, tell=tell)
        run.write_arrays(f"inside-{split}.npz", **arrays)
        run.write(f"inside-{split}.json", asdict(found))
    return found


def explain(
    run: str | Path | Run,
    images: Sequence[str | Path] = (),
    *,
    split: Literal["validation", "test"] = "validation",
    ids: Sequence[str] = (),
    mistakes: bool = False,
    of_class: str | None = None,
    most: int = MOST,
    methods: Sequence[str] = METHODS,
    layer: str = "",
    target: str = "predicted",
    out: str | Path | None = None,
    data: Dataset | None = None,
    device: str = "auto",
) -> "Explanation":
    """Where the network looked in some images.

    Args:
        run: a trained run or its folder.
        images: files and folders, prepared as the training images were; or, without them, images of a split:
        split: "validation", or "test", which is a look at the test images.
        ids: which images of the split.
        mistakes: only those that the network gets wrong, the surest first.
        of_class: only those of a class.
        most: how many of the split at most; those that `ids` names are all explained.
        methods: keys of `seefar.explaining.attribution.EXPLAINERS`.
        layer: for the methods that look at one layer; "": each method's own choice.
        target: the class whose evidence is shown: "predicted" (what the network says), "true", or the name of a class.
        out: a folder for `explanation.png` and `explanation.npz`.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        UsageError: an unknown method, layer, class or id, or nothing is left to explain.
        DataError: a file cannot be read.
        ModelFileError: the run is damaged or was trained on other data.
    """
    from seefar.explaining.explanation import explain_images
    from seefar.models.device import choose_device
    from seefar.training.network import load_network

    only_alone("explain")
    run = open_run(run)
    if most < 1:
        raise UsageError(f"most is {most}; allowed is 1 or more")
    facts = run.read("data.json")
    if of_class is not None and of_class not in facts["classes"]:
        known = facts["classes"]
        raise UsageError(f"no class is called {of_class!r}{did_you_mean(of_class, known)}; there are {', '.join(known)}")
    network = load_network(run, choose_device(device))
    if images:
        names, pixels = _from_files([Path(image) for image in images], facts)
        labels = None
    else:
        chosen = _from_split(run, network, split, ids, mistakes, of_class, most, data)
        names, pixels, labels = list(chosen.ids), chosen.pixels, chosen.labels
    found = explain_images(network, pixels, names, labels, facts["classes"], methods, layer, target)
    if out is not None:
        from seefar.reporting.explanation_files import write_explanation

        write_explanation(found, Path(out), f"{facts['name']}, recipe {run.recipe()['name']}")
    return found


def _from_files(paths: list[Path], facts: dict[str, object]) -> tuple[list[str], np.ndarray]:
    from seefar.data.folder import read_images

    origin = facts["origin"]
    background = origin.get("background", "white") if isinstance(origin, dict) else "white"
    files = read_images(paths, int(str(facts["size"])), background)
    for name, decoded in files:
        if isinstance(decoded, DataError):
            raise DataError(f"{name}: {decoded}; choose other images")
    return [name for name, _ in files], np.stack([decoded.pixels for _, decoded in files])  # type: ignore[union-attr] # looked at above


def _from_split(
    run: Run,
    network: "Network",
    split: str,
    ids: Sequence[str],
    mistakes: bool,
    of_class: str | None,
    most: int,
    data: Dataset | None,
) -> ImageSet:
    """The images of a split that were asked for."""
    from seefar.runs.ledger import record_look

    whole, _ = images_of(run, split, data)
    images = whole
    if ids:
        if missing := sorted(set(ids) - set(images.ids)):
            raise UsageError(f"there is no {split} image {missing[0]!r}; predictions-{split}.npz lists the ids")
        images = images.select(list(ids))
    if of_class is not None:
        images = images[images.labels == images.classes.index(of_class)]
    if split == "test":
        record_look(run, whole.digest, "explain")
    if mistakes and len(images):
        import torch

        from seefar.evaluation.evaluate import surest_mistakes
        from seefar.models.predict import predict

        images = images[surest_mistakes(images.labels, predict(network, images.pixels, torch.float32))]
    return images if ids else images[:most]
