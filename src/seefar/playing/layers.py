"""A trained network as a list of plain layers and one array of numbers: what a page computes it from. No torch here.

What the network consists of is said by its recipe; the numbers come by name, from a run or from an ONNX file, where the exporter has
worked some norms into the convolutions before them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seefar import recipes
from seefar.errors import ModelFileError, UsageError

FLOOR_OF_FAST, FLOOR_OF_VGG = 1e-12, 1e-5  # added to the variance by norms: of networks/fast.py, and torch's own
LOGIT_SCALE = 1 / 9  # of networks/fast.py


@dataclass
class Layers:
    """The layers in the order in which an image passes them, as JSON has them; `docs/how-to/playground.md` lists the kinds.

    Attributes:
        layers: arrays stand in them as `{"at": ..., "shape": [...]}`, places in `numbers`.
        numbers: float32, array behind array.
    """

    layers: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[np.ndarray] = field(default_factory=list)
    length: int = 0

    def keep(self, array: np.ndarray) -> dict[str, Any]:
        """Store an array; what stands for it in a layer."""
        place = {"at": self.length, "shape": list(array.shape)}
        self.numbers.append(np.ascontiguousarray(array, "<f4").ravel())
        self.length += array.size
        return place

    def content(self) -> bytes:
        """All numbers, little endian."""
        return np.concatenate(self.numbers).astype("<f4").tobytes() if self.numbers else b""


def check_kind(how: recipes.AnyNetwork) -> None:
    """Raise UsageError if a page cannot compute a network of that kind."""
    if not how.in_browser:
        raise UsageError("the playground computes our networks vgg and fast, and this is another one")


def layers_of(how: recipes.AnyNetwork, weights: Mapping[str, np.ndarray]) -> Layers:
    """The layers of a network.

    Args:
        how: the fields of its recipe.
        weights: by the names that torch gives them; a convolution `NAME.weight` into which the norm behind it was worked has a
            `NAME.weight_bias`, and that norm is missing.

    Raises:
        ModelFileError: weights are missing, or there are others.
        UsageError: a page cannot compute a network of that kind.
    """
    check_kind(how)
    made, left = Layers(), dict(weights)
    try:
        made.layers.append({"kind": "scale", "mean": _list(left, "scale.mean"), "deviation": _list(left, "scale.deviation")})
        if isinstance(how, recipes.Fast):
            _Builder(made, left, FLOOR_OF_FAST).fast(how)
        elif isinstance(how, recipes.Vgg):
            _Builder(made, left, FLOOR_OF_VGG).vgg(how)
    except KeyError as error:
        raise ModelFileError(
            f"its weights {error} are not there as float32; give the run, or a file that `seefar export` wrote without --int8"
        ) from None
    if odd := [name for name in left if not name.endswith("num_batches_tracked")]:
        raise ModelFileError(f"it has weights {odd[0]!r}, which its recipe does not name; export it again")
    return made


@dataclass
class _Builder:
    made: Layers
    weights: dict[str, np.ndarray]
    floor: float

    def fast(self, how: recipes.Fast) -> None:
        self._convolution("stem.0", 0)
        self._add("relu")
        for place, channels in enumerate(how.widths):
            same = how.is_residual(channels)
            names, norms = self._fast_names(f"stages.{place}", len(channels), same)
            for number, (name, norm) in enumerate(zip(names, norms, strict=True)):
                self._convolution(name, 1)
                if number == 0:
                    self._add("pool")
                self._norm(norm)
                if same and number == len(channels) - 1:
                    self._add("add")
                self._add("gelu")
                if same and number == 0:
                    self._add("keep")
        self._add("max")
        self._dense("head.2")
        self.made.layers.append({"kind": "multiply", "by": LOGIT_SCALE})

    @staticmethod
    def _fast_names(stage: str, count: int, same: bool) -> tuple[list[str], list[str]]:
        """Of convolutions and norms: conv, pool, norm, GELU, then three layers each, in a module of their own where they are residual."""
        inner, start = (f"{stage}.4", 0) if same else (stage, 4)
        later = range(start, start + 3 * (count - 1), 3)
        return [f"{stage}.0", *(f"{inner}.{at}" for at in later)], [f"{stage}.2", *(f"{inner}.{at + 1}" for at in later)]

    def vgg(self, how: recipes.Vgg) -> None:
        for place, channels in enumerate(how.widths):
            at = 0
            for number in range(len(channels)):
                last = number == len(channels) - 1
                name, norm = f"stages.{place}.{at}", f"stages.{place}.{at + 1 + last}"
                self._convolution(name, 1)
                if last:
                    self._add("pool")
                if how.batch_norm:
                    self._norm(norm)
                self._add("relu")
                at += 2 + last + how.batch_norm
        self._add("flatten")
        at = 2
        if how.dense:
            self._dense("head.2")
            if how.batch_norm:
                self._norm("head.3")
            self._add("relu")
            at += 3 + how.batch_norm
        self._dense(f"head.{at}")

    def _add(self, kind: str) -> None:
        self.made.layers.append({"kind": kind})

    def _convolution(self, name: str, pad: int) -> None:
        self.made.layers.append({"kind": "conv", "name": name, "pad": pad, **self._weight_and_bias(name)})

    def _dense(self, name: str) -> None:
        self.made.layers.append({"kind": "dense", "name": name, **self._weight_and_bias(name)})

    def _weight_and_bias(self, name: str) -> dict[str, Any]:
        weight = self.made.keep(self.weights.pop(f"{name}.weight"))
        bias = self.weights.pop(f"{name}.bias", self.weights.pop(f"{name}.weight_bias", None))
        return {"weight": weight, "bias": None if bias is None else self.made.keep(bias)}

    def _norm(self, name: str) -> None:
        if f"{name}.running_var" not in self.weights and self.made.layers[-1].get("bias"):
            return  # worked into the layer before
        weight, bias, mean, variance = (
            self.weights.pop(f"{name}.{part}").astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + self.floor)
        self.made.layers.append({"kind": "norm", "scale": self.made.keep(scale), "shift": self.made.keep(bias - mean * scale)})


def _list(weights: dict[str, np.ndarray], name: str) -> Sequence[float]:
    found: list[float] = weights.pop(name).astype(np.float64).ravel().tolist()
    return found


def weights_in_graph(graph: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """The weights in the graph of an ONNX file that `seefar export` wrote (model/protobuf.py reads it), by torch's names."""
    tensors = {tensor["name"]: tensor for tensor in graph.get("initializer", [])}
    prefix = "whole.network."
    for name, tensor in tensors.items():
        if name.startswith(prefix) and tensor.get("data_type") == 1:
            yield name.removeprefix(prefix), _numbers(tensor)
    nodes = {kind: [node for node in graph["node"] if node.get("op_type") == kind] for kind in ("Sub", "Div")}
    if (
        nodes["Sub"] and len(nodes["Div"]) > 1
    ):  # pixels / 255, less the mean, by the deviation: the first operators of the graph
        for name, node in (("scale.mean", nodes["Sub"][0]), ("scale.deviation", nodes["Div"][1])):
            if node["input"][1] in tensors:
                yield name, _numbers(tensors[node["input"][1]])


def _numbers(tensor: Mapping[str, Any]) -> np.ndarray:
    raw = bytes(tensor.get("raw_data", b""))
    values = np.frombuffer(raw, "<f4") if raw else np.array(tensor.get("float_data", []), np.float32)
    return values.reshape(tensor.get("dims", []))
