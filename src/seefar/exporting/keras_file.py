"""A trained network as a native `.keras` file: it opens in Keras 3 with any backend, and without seefar.

The file is Keras's own: config.json, metadata.json and model.weights.h5 in a zip. Beside them lies `seefar.json`, which Keras ignores:
what the model is, and its certificate.
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seefar.exporting.keras_layers import keras_model, keras_module, logits_of
from seefar.model.model import Model

NOTES = "seefar.json"
BATCH = 500  # images at a time, as networks/inference.py has them


def keras_file(model: Model) -> bytes:
    """The content of a `.keras` file for a trained network, without notes. Raises UsageError as `keras_model` does."""
    made = keras_model(model.network, model.size, model.temperature, model.recipe.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        made.save(path)
        return path.read_bytes()


def with_notes(content: bytes, notes: Mapping[str, Any]) -> bytes:
    """The same file with `notes` in it."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(NOTES, json.dumps(notes, ensure_ascii=False, allow_nan=False))
    return file.getvalue()


def keras_answers(content: bytes, pixels: np.ndarray, batch: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    """What the file says, opened as anybody would open it.

    Args:
        content: of a `.keras` file that `keras_file` made.
        pixels: uint8 `(n, size, size, 3)`.
        batch: images at a time.

    Returns:
        Logits and probabilities, float32 `(n, classes)` each.
    """
    keras = keras_module()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        opened = keras.models.load_model(path, compile=False)
    both = keras.Model(opened.input, [logits_of(opened), opened.output])
    parts = [both.predict_on_batch(pixels[start : start + batch]) for start in range(0, len(pixels), batch)]
    logits, probabilities = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
    return logits, probabilities
