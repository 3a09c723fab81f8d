"""Where a network looked in chosen images, by chosen methods, with a score that says whether to believe the maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from seefar.data.folder import read_images
from seefar.data.images import Dataset, ImageSet
from seefar.display import Shown
from seefar.errors import DataError, UsageError, did_you_mean
from seefar.explaining.attribution import attribute
from seefar.explaining.faithfulness import Faithfulness, faithfulness
from seefar.files import write_bytes
from seefar.metrics import softmax, surest_mistakes
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.run_images import ids_of, open_split
from seefar.networks.inference import predict
from seefar.runs.folder import Run, npz_bytes, open_run
from seefar.torchrun import only_alone

METHODS = ("grad_cam", "layer_cam", "integrated_gradients", "occlusion")
MOST = 24  # images of a split that are explained at once (chosen by hand: as many as fit a page)


@dataclass(frozen=True, eq=False)
class Explanation(Shown):
    """Maps for images; `n` of them.

    Attributes:
        images: ids or names of files.
        pixels: uint8 `(n, h, w, 3)`, as the network saw them.
        labels: the true classes; None where they are unknown.
        predicted: what the network said.
        targets: the class whose evidence the maps show.
        probability: of that class, 0..1.
        maps: by method, float32 `(n, h, w)`: how much each pixel speaks for the class; where there are negative values, against it.
        scores: by method, whether its maps are faithful, beside random maps for scale.
        title: data and recipe.
    """

    images: list[str]
    pixels: np.ndarray
    labels: list[str] | None
    predicted: list[str]
    targets: list[str]
    probability: list[float]
    maps: dict[str, np.ndarray]
    scores: dict[str, Faithfulness]
    title: str

    def __repr__(self) -> str:
        return f"Explanation({len(self.images)} images by {', '.join(self.maps)})"

    def save(self, path: str | Path) -> Path:
        """Write ids, pixels and a map for each method into an .npz file; return its path."""
        write_bytes(Path(path), npz_bytes(ids=np.array(self.images), pixels=self.pixels, **self.maps))
        return Path(path)


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
    data: Dataset | None = None,
    device: str = "auto",
) -> Explanation:
    """Where the network looked in some images. `sf.picture` draws the result, and its `save` keeps the arrays.

    Args:
        run: a trained run or its folder.
        images: files and folders, prepared as the training images were; or, without them, images of a split:
        split: "validation", or "test", which is a look at the test images.
        ids: which images of the split.
        mistakes: only those that the network gets wrong, the most confident first.
        of_class: only those of a class.
        most: how many of the split at most; those that `ids` names are all explained.
        methods: keys of `seefar.explaining.attribution.EXPLAINERS`.
        layer: for the methods that look at one layer; "": each method's own choice.
        target: the class whose evidence is shown: "predicted" (what the network says), "true", or the name of a class.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        UsageError: an unknown method, layer, class or id, or nothing is left to explain.
        DataError: a file cannot be read.
        ModelFileError: the run is damaged or was trained on other data.
    """
    only_alone("explain")
    run = open_run(run)
    if most < 1:
        raise UsageError(f"most is {most}; allowed is 1 or more")
    facts = run.read("data.json")
    if of_class is not None and of_class not in facts["classes"]:
        known = facts["classes"]
        raise UsageError(f"no class is called {of_class!r}{did_you_mean(of_class, known)}; there are {', '.join(known)}")
    model = load_model(run, device)
    if images:
        names, pixels = _from_files([Path(image) for image in images], model)
        labels = None
    else:
        chosen = _from_split(run, model, split, ids, mistakes, of_class, data)
        chosen = chosen if ids else chosen[:most]
        names, pixels, labels = list(chosen.ids), chosen.pixels, chosen.labels
    title = f"{facts['name']}, recipe {run.recipe()['name']}"
    return explain_images(model, pixels, names, labels, methods, layer, target, title)


def _from_files(paths: list[Path], model: Model) -> tuple[list[str], np.ndarray]:
    pixels = []
    files = read_images(paths, model.size, model.background)
    for name, decoded in files:
        if isinstance(decoded, DataError):
            raise DataError(f"{name}: {decoded}; choose other images")
        pixels.append(decoded.pixels)
    return [name for name, _ in files], np.stack(pixels)


def _from_split(
    run: Run,
    model: Model,
    split: str,
    ids: Sequence[str],
    mistakes: bool,
    of_class: str | None,
    data: Dataset | None,
) -> ImageSet:
    """The images of a split that were asked for."""
    if missing := sorted(set(ids) - set(ids_of(run, split, data))):
        raise UsageError(f"there is no {split} image {missing[0]!r}; predictions-{split}.npz lists the ids")
    images = open_split(run, split, "explain", data)
    if ids:
        images = images.select(list(ids))
    if of_class is not None:
        images = images[images.labels == images.classes.index(of_class)]
    if mistakes and len(images):
        images = images[surest_mistakes(images.labels, predict(model.network, images.pixels, torch.float32))]
    return images


def explain_images(
    model: Model,
    pixels: np.ndarray,
    names: Sequence[str],
    labels: np.ndarray | None,
    methods: Sequence[str],
    layer: str = "",
    target: str = "predicted",
    title: str = "",
) -> Explanation:
    """See `Explanation`.

    Args:
        model: whose network looks.
        pixels: uint8 `(n, h, w, 3)`, at least one image.
        names: of the images.
        labels: their classes, if they are known.
        methods: keys of EXPLAINERS.
        layer: for the methods that look at one; "": the method's own choice.
        target: "predicted" for what the network says, "true" for the true class, or the name of a class.
        title: data and recipe, for pictures.

    Raises:
        UsageError: an unknown method, layer or class; no images; or the true class was asked for where it is unknown.
    """
    if not len(pixels):
        raise UsageError("there are no images to explain; choose others")
    network, classes = model.network, model.classes
    logits = predict(network, pixels, torch.float32)
    probabilities, predicted = softmax(logits), logits.argmax(1)
    if target == "predicted":
        wanted = predicted
    elif target == "true":
        if labels is None:
            raise UsageError("the true class of these images is not known; use --target predicted, or name a class")
        wanted = labels
    elif target in classes:
        wanted = np.full(len(pixels), list(classes).index(target), np.int64)
    else:
        raise UsageError(f"no class is called {target!r}{did_you_mean(target, classes)}; there are {', '.join(classes)}")
    maps = {method: attribute(network, pixels, wanted, method, layer) for method in dict.fromkeys(methods)}
    return Explanation(
        images=list(names),
        pixels=pixels,
        labels=None if labels is None else [classes[i] for i in labels],
        predicted=[classes[i] for i in predicted],
        targets=[classes[i] for i in wanted],
        probability=[round(float(probabilities[i, j]), 4) for i, j in enumerate(wanted)],
        maps=maps,
        scores={method: faithfulness(network, pixels, wanted, found) for method, found in maps.items()},
        title=title,
    )
