"""A file that is made and not yet written: what it answers, and what it becomes once it is certified. One class a format."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from seefar.exporting.onnx_writer import onnx_graph, with_metadata
from seefar.model import self_test
from seefar.model.answers import Answers
from seefar.model.model import Model
from seefar.model.onnx_engine import OnnxEngine


class Draft(Protocol):
    """What every format offers."""

    engine: str
    """What computes, for people: "ONNX Runtime 1.32.0 on cpu"."""
    libraries: tuple[str, ...]
    """Packages whose versions belong into the certificate."""
    size: int
    """Bytes of the network in it, without what it says of itself."""

    def answers(self, pixels: np.ndarray, batch: int, maps: bool = False) -> Answers:
        """The answers for uint8 `(n, size, size, 3)`, in batches of exactly so many images (but for the last one)."""
        ...

    def timed(self, threads: int) -> Callable[[np.ndarray], object] | None:
        """What answers images in so many threads, to be timed; None where this is not how the file is used."""
        ...

    def finished(self, facts: Mapping[str, Any], examples: list[self_test.Example]) -> bytes:
        """The content of the file, with what it says of itself and its self-test."""
        ...


class OnnxDraft:
    """An ONNX file.

    Args:
        model: from a run, in float32.
        made: another graph than the model's own: an `onnx.ModelProto`.
    """

    libraries: tuple[str, ...] = ("torch", "onnx", "onnxscript", "onnxruntime")

    def __init__(self, model: Model, made: Any = None) -> None:
        self._made = onnx_graph(model) if made is None else made
        self._side = model.size
        self._content = self._made.SerializeToString(deterministic=True)
        self.size = len(self._content)
        self._engine = OnnxEngine(self._content, model.size, maps=True)
        self.engine = self._engine.name

    def answers(self, pixels: np.ndarray, batch: int, maps: bool = False) -> Answers:
        """See `Draft`."""
        blocks = [pixels[start : start + batch] for start in range(0, max(len(pixels), 1), batch)]
        parts = [self._engine.run(block, maps) for block in blocks]
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return Answers(**whole)

    def timed(self, threads: int) -> Callable[[np.ndarray], object] | None:
        """See `Draft`."""
        return OnnxEngine(self._content, self._side, maps=True, threads=threads).compute

    def finished(self, facts: Mapping[str, Any], examples: list[self_test.Example]) -> bytes:
        """See `Draft`."""
        return with_metadata(self._made, facts, self_test.as_json(examples))
