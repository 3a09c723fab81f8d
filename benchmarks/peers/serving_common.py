"""What the peers of seefar serve share: the same decoding for images of the right size, and the same session."""

import io
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image


def open_session(path: str) -> Any:
    """All cores, and no threads that spin, as in seefar."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def answer(session: Any, pixels: np.ndarray) -> np.ndarray:
    """Probabilities of a batch, (n, classes)."""
    found: np.ndarray = session.run(["probabilities"], {"pixels": pixels})[0]
    return found
