"""Networks of ours in Keras: the same answers, names and parameters, from standard layers alone."""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.exporting.trained_networks import as_trained, probabilities, varied
from tests.networks.test_networks import KINDS, every_kind, pixels
from torch import nn

from seefar.errors import UsageError
from seefar.exporting.keras_layers import keras_model, with_all_answers
from seefar.networks.inference import predict
from seefar.networks.layers import Network
from seefar.recipes import AnyNetwork, Fast, Vgg

CLOSE = 2e-4  # float32 sums in another order, over up to twenty layers; a wrong layer makes tenths


def difference(network: Network, size: int) -> float:
    """The largest difference of logits on five images, beside how much these differ from image to image."""
    images = varied(5, size)
    expected = predict(network, images, torch.float32)
    made = keras_model(network, size)
    found = with_all_answers(made).predict_on_batch(images)[0]
    return float(np.abs(found - expected).max() / expected.std(0).max())


@every_kind
@pytest.mark.parametrize(("size", "classes"), [(16, 2), (17, 10), (32, 200)])
def test_the_answers_are_those_of_torch(kind: str, size: int, classes: int) -> None:
    assert difference(as_trained(KINDS[kind], classes, size), size) < CLOSE


@pytest.mark.parametrize("how", [Vgg(widths=((4,),), dense=8), Fast(widths=((4,), (8, 8)), residual=True, patterns=5)])
@pytest.mark.parametrize("size", [8, 224])
def test_the_smallest_and_the_largest_images(how: AnyNetwork, size: int) -> None:
    assert difference(as_trained(how, 3, size), size) < CLOSE


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_any_fields_any_size_any_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, classes = int(rng.integers(8, 97)), int(rng.integers(2, 201))
    stages = int(rng.integers(1, 1 + max(1, min(4, int(np.log2(size / 4))))))
    convolutions = int(rng.integers(1, 5))
    widths = tuple(tuple(int(w) for w in rng.integers(1, 24, convolutions)) for _ in range(stages))
    if seed % 2 and size > 2**stages:
        even = tuple((stage[0],) * convolutions for stage in widths)
        how: AnyNetwork = Fast(widths=even if seed % 3 else widths)
    else:
        dense, norm = int(rng.choice([0, 7, 32])), bool(rng.integers(2))
        how = Vgg(widths=widths, batch_norm=norm, dense=dense, dropout=(0.3, 0.2), spatial_dropout=float(rng.choice([0, 0.3])))
    assert difference(as_trained(how, classes, size, seed), size) < CLOSE


@pytest.mark.parametrize("temperature", [None, 0.4, 3.0])
def test_probabilities_are_the_softmax_of_logits_over_the_temperature(temperature: float | None) -> None:
    network, images = as_trained(KINDS["deep"], 5, 16), varied(6, 16)
    expected = probabilities(predict(network, images, torch.float32), temperature or 1.0)
    np.testing.assert_allclose(keras_model(network, 16, temperature).predict_on_batch(images), expected, atol=1e-5)


def layers_of(network: Network) -> Iterator[str]:
    """The names of the layers that do something, and of the sums of residual blocks, in the order in which an image passes them."""
    order: list[nn.Module] = []
    names = {layer: name for name, layer in network.named_modules()}
    works = [
        m
        for m in network.modules()
        if not isinstance(m, nn.Identity) and (not list(m.children()) or "Residual" in str(type(m)))
    ]
    hooks = [layer.register_forward_hook(lambda layer, _inputs, _output: order.append(layer)) for layer in works]
    network(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    return (names[layer].replace(".", "_") for layer in order)


@every_kind
def test_layers_have_the_names_and_the_order_of_torch(kind: str) -> None:
    network = as_trained(KINDS[kind], 5, 32)
    found = [layer.name for layer in keras_model(network, 32, 1.7, "a+b=3").layers]
    assert found == ["pixels", *layers_of(network), "temperature", "probabilities"]
    assert [layer.name for layer in keras_model(network, 32).layers] == [name for name in found if name != "temperature"]


@every_kind
def test_what_learns_in_torch_learns_in_keras(kind: str) -> None:
    network = as_trained(KINDS[kind], 5, 32)
    made = keras_model(network, 32)
    assert sum(int(np.prod(weight.shape)) for weight in made.trainable_weights) == sum(
        parameter.numel() for parameter in network.parameters() if parameter.requires_grad
    )


@every_kind
def test_every_layer_is_one_of_keras_own(kind: str) -> None:
    """As a file says it: nothing registered by us, nothing that holds code."""
    made = keras_model(as_trained(KINDS[kind], 5, 32), 32, 1.7)
    text = made.to_json()
    assert "Lambda" not in text
    assert "seefar" not in text
    layers = json.loads(text)["config"]["layers"]
    assert {layer["module"] for layer in layers} == {"keras.layers"}
    assert {layer["registered_name"] for layer in layers} == {None}


def test_norms_follow_a_batch_as_those_of_torch_do() -> None:
    network = as_trained(Vgg(widths=((4,), (8,)), batch_norm=True), 3, 16)
    made, images = keras_model(network, 16), pixels(64, 16)
    made(images.astype(np.float32), training=True)
    network.train()
    network(torch.tensor(images).permute(0, 3, 1, 2))
    for name, layer in network.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            moved = made.get_layer(name.replace(".", "_"))
            np.testing.assert_allclose(moved.get_weights()[2], layer.running_mean, atol=1e-5)
            np.testing.assert_allclose(moved.get_weights()[3], layer.running_var, rtol=1e-3)  # torch divides by n - 1


class Strided(Network):
    """Convolutions that Keras's own padding does not fit, as in CONTRIBUTING.md."""

    def __init__(self, kernel: int, padding: int, groups: int = 1) -> None:
        super().__init__()
        pairs = pairwise([3, 6, 12])
        self.stages = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(a, b, kernel, 2, padding, groups=groups), nn.ReLU()) for a, b in pairs)
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3))


@pytest.mark.parametrize(("kernel", "padding", "groups"), [(2, 1, 1), (3, 1, 1), (5, 2, 1), (4, 0, 1), (3, 1, 3)])
def test_convolutions_that_move_by_two_pixels_are_padded_as_in_torch(kernel: int, padding: int, groups: int) -> None:
    assert difference(Strided(kernel, padding, groups).eval(), 17) < CLOSE


@pytest.mark.parametrize(
    "layer",
    [
        nn.Softplus(),
        nn.GELU(approximate="tanh"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AdaptiveMaxPool2d(2),
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        nn.BatchNorm2d(3, affine=False),
    ],
)
def test_what_keras_has_no_layer_for_is_refused_by_name(layer: nn.Module) -> None:
    network = Strided(3, 1)
    network.stem = nn.Sequential(nn.Identity(), layer)
    with pytest.raises(UsageError, match=r"stem\.1 is .*no standard layer of Keras equals; allowed are, .*Conv2d.*; export to"):
        keras_model(network, 16)


def test_without_keras_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(UsageError, match=r"needs Keras 3 and its backend.*pip install 'seefar\[keras\]'"):
        keras_model(Strided(3, 1), 16)
