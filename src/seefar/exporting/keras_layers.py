"""A network of ours as a Keras model: standard layers alone, the same weights, names and order, and the answers of the original."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from seefar.errors import UsageError
from seefar.networks.fast import Multiply, Residual, Whitening
from seefar.networks.layers import Dropout, Network, Scale, SpatialDropout


@dataclass
class Flow:
    """What has come of the pixels so far.

    Attributes:
        values: the symbolic tensor of Keras, `(n, h, w, c)` or `(n, values)`.
        order: once flattened, the index that torch gives to each of Keras's values: torch flattens channel by channel, Keras pixel
            by pixel. None where there is nothing to reorder.
    """

    values: Any
    order: np.ndarray | None = None

    def through(self, layer: Any, weights: list[np.ndarray] | None = None) -> None:
        """Pass a layer, and give it its weights, as it is built now."""
        self.values = layer(self.values)
        if weights:
            layer.set_weights(weights)


def keras_module() -> Any:
    """Keras 3. On the torch backend, unless it is imported already or KERAS_BACKEND names another. Raises UsageError without it."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError as error:
        raise UsageError(
            f"a Keras file needs Keras 3 and its backend, and importing it failed ({error}); pip install 'seefar[keras]', and set "
            "KERAS_BACKEND=torch"
        ) from error
    if int(keras.__version__.split(".")[0]) < 3:
        raise UsageError(f"a Keras file needs Keras 3, and {keras.__version__} is installed; pip install 'seefar[keras]'")
    return keras


def keras_model(network: Network, size: int, temperature: float | None = None, name: str = "network") -> Any:
    """The network as an uncompiled `keras.Model`, from raw pixels `(n, size, size, 3)` in 0..255 to probabilities `(n, classes)`.

    Each layer of torch becomes one of Keras, of the same name with underscores for dots (`stages.0.0` is `stages_0_0`: Keras's
    torch backend allows no dots). Behind them come `temperature`, where there is one, and `probabilities`, the softmax.

    Args:
        network: any of ours, with its weights; it is only read.
        size: height and width of the images in pixels.
        temperature: logits are divided by it.
        name: of the model.

    Raises:
        UsageError: Keras is missing, or has no layer like one of the network's.
    """
    keras = keras_module()
    pixels = keras.Input((size, size, 3), name="pixels", dtype="float32")
    flow = Flow(pixels)
    for part in network.parts:
        _add(getattr(network, part), part, flow)
    if temperature is not None:
        flow.through(keras.layers.Rescaling(1 / temperature, name="temperature", dtype="float32"))
    flow.through(keras.layers.Softmax(name="probabilities", dtype="float32"))
    return keras.Model(pixels, flow.values, name=re.sub(r"\W", "_", name))


def with_all_answers(made: Any) -> Any:
    """A model of Keras that gives logits, features and probabilities for the pixels of one that `keras_model` made."""
    dense = [layer for layer in made.layers if type(layer).__name__ == "Dense"]
    logits = next(layer.output for layer in reversed(made.layers) if layer.name not in ("temperature", "probabilities"))
    return keras_module().Model(made.input, [logits, dense[-1].input, made.output])


def feature_order(made: Any) -> np.ndarray | None:
    """Which of torch's features each of Keras's is, where the last dense layer takes flattened maps; None where they are the same."""
    kinds = [type(layer).__name__ for layer in made.layers]
    flatten = made.layers[kinds.index("Flatten")]
    return _channels_first(flatten.input.shape) if kinds.count("Dense") == 1 else None


def _add(layer: nn.Module, name: str, flow: Flow) -> None:
    """Add what a layer of torch, called `name` within the network, becomes."""
    if isinstance(layer, Residual):
        before = flow.values
        _add_all(layer, name, flow)
        flow.values = _layer("Add", name)([before, flow.values])
    elif isinstance(layer, nn.Sequential):
        _add_all(layer, name, flow)
    elif type(layer) in LAYERS:
        LAYERS[type(layer)](layer, name, flow)
    else:
        raise _no_such(layer, name)


def _add_all(layers: nn.Module, name: str, flow: Flow) -> None:
    for child, layer in layers.named_children():
        _add(layer, f"{name}.{child}", flow)


def _layer(kind: str, name: str, **settings: Any) -> Any:
    """A layer of Keras; float32 and channels last whatever the user's configuration says."""
    return getattr(keras_module().layers, kind)(name=name.replace(".", "_"), dtype="float32", **settings)


def _no_such(layer: nn.Module, name: str) -> UsageError:
    what = f"{type(layer).__name__} with layers inside" if list(layer.children()) else layer
    return UsageError(
        f"{name} is {what}, which no standard layer of Keras equals; allowed are, in their usual forms, "
        f"{', '.join(sorted({known.__name__ for known in LAYERS}))}; export to onnx or torch"
    )


def _array(tensor: Tensor) -> np.ndarray:
    found: np.ndarray = tensor.detach().float().cpu().numpy()
    return found


def _scale(layer: Scale, name: str, flow: Flow) -> None:
    """`(pixels / 255 - mean) / deviation` as one factor and one offset a channel, worked out in float64."""
    mean, deviation = _array(layer.mean).astype(np.float64), _array(layer.deviation).astype(np.float64)
    flow.through(_layer("Rescaling", name, scale=(1 / (255 * deviation)).tolist(), offset=(-mean / deviation).tolist()))


def _whitening(layer: Whitening, name: str, flow: Flow) -> None:
    """An ordinary convolution that does not learn."""
    settings = {"use_bias": False, "trainable": False, "data_format": "channels_last"}
    flow.through(_layer("Conv2D", name, filters=len(layer.weight), kernel_size=2, **settings), [_kernel(layer.weight)])


def _convolution(layer: nn.Conv2d, name: str, flow: Flow) -> None:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise _no_such(layer, name)
    padding = "valid"
    if any(layer.padding):
        # What Keras calls "same" is as much on both sides, and that of torch, only for odd kernels that move by one pixel
        reach = tuple(step * (side - 1) for step, side in zip(layer.dilation, layer.kernel_size, strict=True))
        if tuple(2 * pad for pad in layer.padding) == reach and set(layer.stride) == {1}:
            padding = "same"
        else:
            flow.through(_layer("ZeroPadding2D", f"{name}.padding", padding=layer.padding, data_format="channels_last"))
    made = _layer(
        "Conv2D",
        name,
        filters=layer.out_channels,
        kernel_size=layer.kernel_size,
        strides=layer.stride,
        padding=padding,
        dilation_rate=layer.dilation,
        groups=layer.groups,
        use_bias=layer.bias is not None,
        data_format="channels_last",
    )
    flow.through(made, [_kernel(layer.weight), *([] if layer.bias is None else [_array(layer.bias)])])


def _kernel(weight: Tensor) -> np.ndarray:
    """Filters `(out, in, h, w)` as Keras has them, `(h, w, in, out)`."""
    return _array(weight).transpose(2, 3, 1, 0)


def _dense(layer: nn.Linear, name: str, flow: Flow) -> None:
    weight = _array(layer.weight)
    if flow.order is not None:
        weight, flow.order = weight[:, flow.order], None
    made = _layer("Dense", name, units=layer.out_features, use_bias=layer.bias is not None)
    flow.through(made, [weight.T, *([] if layer.bias is None else [_array(layer.bias)])])


def _norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, name: str, flow: Flow) -> None:
    """Momentum is the part of the old value in Keras, of the new one in torch. A scale that is never trained is left out."""
    mean, variance, momentum = layer.running_mean, layer.running_var, layer.momentum
    if not layer.affine or mean is None or variance is None or momentum is None:
        raise _no_such(layer, name)
    scales = layer.weight.requires_grad or not bool(layer.weight.eq(1).all())
    made = _layer("BatchNormalization", name, momentum=1 - momentum, epsilon=layer.eps, scale=scales)
    weights = [layer.weight, layer.bias, mean, variance] if scales else [layer.bias, mean, variance]
    arrays = [_array(values) for values in weights]
    flow.through(made, arrays if flow.order is None else [values[flow.order] for values in arrays])


def _pooling(layer: nn.MaxPool2d, name: str, flow: Flow) -> None:
    if layer.padding or layer.dilation != 1 or layer.ceil_mode:
        raise _no_such(layer, name)
    settings = {"pool_size": layer.kernel_size, "strides": layer.stride, "data_format": "channels_last"}
    flow.through(_layer("MaxPooling2D", name, **settings))


def _over_the_map(kind: str) -> Callable[[Any, str, Flow], None]:
    """One value a channel, by the layer of Keras called `kind`."""

    def add(layer: nn.AdaptiveMaxPool2d | nn.AdaptiveAvgPool2d, name: str, flow: Flow) -> None:
        if layer.output_size not in (1, (1, 1)):
            raise _no_such(layer, name)
        flow.through(_layer(kind, name, keepdims=True, data_format="channels_last"))

    return add


def _flatten(layer: nn.Flatten, name: str, flow: Flow) -> None:
    if layer.start_dim != 1 or layer.end_dim != -1:
        raise _no_such(layer, name)
    flow.order = _channels_first(flow.values.shape)
    flow.through(_layer("Flatten", name, data_format="channels_last"))


def _channels_first(shape: Sequence[int]) -> np.ndarray:
    """For each value of maps `(n, h, w, c)` flattened, its place among those of the same maps as torch has them, `(n, c, h, w)`."""
    height, width, channels = shape[1:]
    return np.arange(channels * height * width).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _dropout(layer: Dropout, name: str, flow: Flow) -> None:
    flow.through(_layer("Dropout", name, rate=layer.share))


def _dropout_of_torch(layer: nn.Dropout, name: str, flow: Flow) -> None:
    flow.through(_layer("Dropout", name, rate=layer.p))


def _spatial_dropout(layer: SpatialDropout, name: str, flow: Flow) -> None:
    flow.through(_layer("SpatialDropout2D", name, rate=layer.share, data_format="channels_last"))


def _multiply(layer: Multiply, name: str, flow: Flow) -> None:
    flow.through(_layer("Rescaling", name, scale=layer.factor))


def _relu(_layer_of_torch: nn.ReLU, name: str, flow: Flow) -> None:
    flow.through(_layer("ReLU", name))


def _gelu(layer: nn.GELU, name: str, flow: Flow) -> None:
    if layer.approximate != "none":
        raise _no_such(layer, name)
    flow.through(_layer("Activation", name, activation="gelu"))


def _nothing(_layer_of_torch: nn.Identity, _name: str, _flow: Flow) -> None:
    """A place where a network has no layer."""


LAYERS: dict[type[nn.Module], Callable[[Any, str, Flow], None]] = {
    Scale: _scale,
    Whitening: _whitening,
    Multiply: _multiply,
    Dropout: _dropout,
    SpatialDropout: _spatial_dropout,
    nn.AdaptiveAvgPool2d: _over_the_map("GlobalAveragePooling2D"),
    nn.AdaptiveMaxPool2d: _over_the_map("GlobalMaxPooling2D"),
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.Conv2d: _convolution,
    nn.Dropout: _dropout_of_torch,
    nn.Flatten: _flatten,
    nn.GELU: _gelu,
    nn.Identity: _nothing,
    nn.Linear: _dense,
    nn.MaxPool2d: _pooling,
    nn.ReLU: _relu,
}
