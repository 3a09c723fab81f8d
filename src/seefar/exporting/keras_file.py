"""A trained network as a native `.keras` file: it opens in Keras 3 with any backend, and without seefar.

The file is Keras's own: config.json, metadata.json and model.weights.h5 in a zip. Beside them lies `seefar.json`, which Keras ignores:
what the model is, its certificate, and its self-test.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seefar.exporting.keras_layers import feature_order, keras_model, keras_module, with_all_answers
from seefar.exporting.notes import NAME, notes
from seefar.model import self_test
from seefar.model.answers import Answers
from seefar.model.model import Model

BATCH = 500  # images at a time where speed is measured, as networks/inference.py has them


class KerasDraft:
    """A `.keras` file that is made and not yet written, and opened again as anybody would open it. See `drafts.Draft`.

    Args:
        model: from a run, in float32.

    Raises:
        UsageError: Keras is missing, or has no layer like one of the network's.
    """

    libraries: tuple[str, ...] = ("torch", "keras", "h5py")

    def __init__(self, model: Model) -> None:
        keras = keras_module()
        self._content = _saved(keras_model(model.network, model.size, model.temperature, model.recipe.name))
        self.size = len(self._content)
        self.engine = f"Keras {keras.__version__} on {keras.config.backend()}"
        opened = _opened(self._content)
        self._all, self._order = with_all_answers(opened), feature_order(opened)

    def answers(self, pixels: np.ndarray, batch: int, maps: bool = False) -> Answers:
        """The answers for uint8 `(n, size, size, 3)`, in batches of so many images. Keras files give no maps."""
        blocks = [pixels[start : start + batch] for start in range(0, len(pixels), batch)]
        parts = [self._all.predict_on_batch(block) for block in blocks]
        logits, features, probabilities = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        if self._order is not None:
            features = features[:, np.argsort(self._order)]
        return Answers(logits, features, probabilities)

    def timed(self, threads: int) -> Callable[[np.ndarray], object] | None:
        """What answers images, to be timed; None where so many threads cannot be asked for: with other backends than torch."""
        return (lambda pixels: self.answers(pixels, BATCH)) if self.engine.endswith("torch") else None

    def finished(self, facts: Mapping[str, Any], examples: list[self_test.Example]) -> bytes:
        """The content of the file, with what it says of itself and its self-test in `seefar.json`."""
        file = io.BytesIO(self._content)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(NAME, notes(facts, examples))
        return file.getvalue()


def _saved(made: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        made.save(path)
        return path.read_bytes()


def _opened(content: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return keras_module().models.load_model(path, compile=False)
