"""Where a network looked in chosen images, by chosen methods, with a score that says whether to believe the maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from seefar.display import Shown
from seefar.errors import UsageError, did_you_mean
from seefar.explaining.attribution import explain
from seefar.explaining.faithfulness import Faithfulness, faithfulness
from seefar.metrics import softmax
from seefar.models.layers import Network
from seefar.models.predict import predict


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
        scores: by method, whether its maps are true, beside random maps for scale.
    """

    images: list[str]
    pixels: np.ndarray
    labels: list[str] | None
    predicted: list[str]
    targets: list[str]
    probability: list[float]
    maps: dict[str, np.ndarray]
    scores: dict[str, Faithfulness]

    def __repr__(self) -> str:
        return f"Explanation({len(self.images)} images by {', '.join(self.maps)})"


def explain_images(
    network: Network,
    pixels: np.ndarray,
    names: Sequence[str],
    labels: np.ndarray | None,
    classes: Sequence[str],
    methods: Sequence[str],
    layer: str = "",
    target: str = "predicted",
) -> Explanation:
    """See `Explanation`.

    Args:
        network: in evaluation mode.
        pixels: uint8 `(n, h, w, 3)`, at least one image.
        names: of the images.
        labels: their classes, if they are known.
        classes: names of the classes.
        methods: keys of EXPLAINERS.
        layer: for the methods that look at one; "": the method's own choice.
        target: "predicted" for what the network says, "true" for the true class, or the name of a class.

    Raises:
        UsageError: an unknown method, layer or class; no images; or the true class was asked for where it is unknown.
    """
    if not len(pixels):
        raise UsageError("there are no images to explain; choose others")
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
    maps = {method: explain(network, pixels, wanted, method, layer) for method in dict.fromkeys(methods)}
    return Explanation(
        images=list(names),
        pixels=pixels,
        labels=None if labels is None else [classes[i] for i in labels],
        predicted=[classes[i] for i in predicted],
        targets=[classes[i] for i in wanted],
        probability=[round(float(probabilities[i, j]), 4) for i, j in enumerate(wanted)],
        maps=maps,
        scores={method: faithfulness(network, pixels, wanted, found) for method, found in maps.items()},
    )
