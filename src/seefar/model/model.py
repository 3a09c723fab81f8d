"""A trained network as a value: what prediction, evaluation, explanations and studies take."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seefar.errors import ModelFileError
from seefar.metrics import softmax
from seefar.networks.build import build_network
from seefar.networks.device import choose_device, choose_precision
from seefar.networks.inference import predict, predict_with_features
from seefar.networks.layers import Network
from seefar.recipe_fields import from_json
from seefar.recipes import Recipe
from seefar.runs.folder import Run, open_run
from seefar.runs.weights import read_weights


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with everything that using it takes.

    Attributes:
        network: on its device, in evaluation mode; it takes raw pixels.
        classes: their names; the index is the label.
        size: height and width in pixels that images are brought to: centre crop to a square, then resized.
        background: the colour behind transparent images.
        precision: number format of the arithmetic.
        temperature: logits divided by it give calibrated probabilities; None as long as nobody has evaluated the run on validation.
        recipe: how it was trained.
    """

    network: Network
    classes: tuple[str, ...]
    size: int
    background: str
    precision: torch.dtype
    temperature: float | None
    recipe: Recipe

    def logits(self, pixels: np.ndarray, tta: str = "none") -> np.ndarray:
        """Logits float32 `(n, classes)` for images uint8 `(n, h, w, 3)`, with test-time augmentation by a key of `tta.VIEWS`."""
        return predict(self.network, pixels, self.precision, tta=tta)

    def logits_and_features(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits as above, and what the last layer computes them from: float32 `(n, classes)` and `(n, features)`."""
        return predict_with_features(self.network, pixels, self.precision)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities as the network states them, not calibrated: float64 `(n, classes)`."""
        return softmax(self.logits(pixels))


def load_model(run: str | Path | Run, device: str = "auto") -> Model:
    """The trained network of a run: its best weights or its last, as the recipe's `keep` says.

    Args:
        run: a run or its folder.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run's files are missing, damaged, or do not fit each other.
    """
    run, where = open_run(run), choose_device(device)
    weights = read_weights(run)
    recipe, data = from_json(run.recipe()), run.read("data.json")
    network = build_network(recipe.network, len(data["classes"]), data["size"])
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelFileError(f"the weights of {run.path} are not those of its recipe: {error}; train again") from error
    evaluated = run.evaluation("validation") if run.has("evaluation-validation.json") else {}
    return Model(
        network=network.to(where).eval(),
        classes=tuple(data["classes"]),
        size=data["size"],
        background=(data["origin"] or {}).get("background", "white"),
        precision=choose_precision(recipe.optimisation.precision, where),
        temperature=(evaluated.get("calibration") or {}).get("temperature"),  # None, too, where no validation image counts
        recipe=recipe,
    )
