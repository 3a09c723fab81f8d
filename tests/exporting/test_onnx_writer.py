"""The ONNX graph of every network: standard operators alone, the network's answers, and nothing about the machine that made it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.exporting.trained_networks import as_model, as_trained, varied

from seefar.exporting.certificate import agreement
from seefar.exporting.drafts import OnnxDraft
from seefar.exporting.onnx_writer import IR_VERSION, OPSET, onnx_graph
from seefar.model.onnx_graph import check_graph
from seefar.recipes import AnyNetwork, Fast, Vgg

VGG, FAST = ((8,), (12, 16)), ((8, 8), (16, 16, 16))
NETWORKS: Mapping[str, tuple[AnyNetwork, int, int]] = {  # the network, classes, size
    "with every field": (
        Vgg(widths=VGG, batch_norm=True, spatial_dropout=0.3, dense=24, dropout=(0.2, 0.5), pixels="standard", frozen_stages=1),
        10,
        32,
    ),
    "fast": (Fast(widths=FAST, pixels="standard"), 10, 32),
    "two classes of 8 pixels": (Vgg(widths=((8,),)), 2, 8),
}
MORE: Mapping[str, tuple[AnyNetwork, int, int]] = {
    "plain": (Vgg(widths=VGG), 10, 32),
    "normed": (Vgg(widths=VGG, batch_norm=True), 3, 16),
    "hidden": (Vgg(widths=VGG, dense=12, dropout=(0.0, 0.5)), 3, 16),
    "fast of residual stages": (Fast(widths=((8, 8, 8), (16, 16, 16))), 7, 24),
    "fast of residual stages of two": (Fast(widths=((8, 8), (16, 8), (8, 8)), residual=True, patterns=5), 3, 16),
    "fast of one stage": (Fast(widths=((8,),)), 2, 8),
    "200 classes of 224 pixels": (Fast(widths=((8, 8), (16, 16), (16, 16), (16, 16))), 200, 224),
    "flattened, 200 classes of 224 pixels": (Vgg(widths=((8,), (8,), (8,), (8,), (8,)), dense=32), 200, 224),
}


def agrees(how: AnyNetwork, classes: int, size: int) -> None:
    """The graph of such a network gives the network's answers, in batches of 1, 7 and all."""
    model, pixels = as_model(as_trained(how, classes, size), size), varied(20, size)
    draft = OnnxDraft(model)
    expected = model.answers(pixels, maps=True)
    for batch in (1, 7, 20):
        found = agreement(expected, draft.answers(pixels, batch, maps=True))
        assert found.holds
        assert found.images == 20
        assert max(found.probability, found.feature, found.map or 0) < 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_of_a_network_gives_its_answers(name: str) -> None:
    agrees(*NETWORKS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_the_graph_of_every_network_from_8_to_224_pixels_gives_its_answers(name: str) -> None:
    agrees(*MORE[name])


@pytest.mark.parametrize("name", ["with every field", "fast"])
def test_it_names_nothing_of_this_machine_and_uses_standard_operators_alone(name: str) -> None:
    how, classes, size = NETWORKS[name]
    made = onnx_graph(as_model(as_trained(how, classes, size), size))
    content = made.SerializeToString()
    onnx.checker.check_model(made, full_check=True)
    assert [(opset.domain, opset.version) for opset in made.opset_import] == [("", OPSET)]
    assert made.ir_version == IR_VERSION
    for word in (str(Path.home()), "site-packages", "seefar/", "Program", "stack_trace", "File "):
        assert word.encode() not in content
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    assert set(check_graph(content).outputs) == {"probabilities", "logits", "features", "maps"}


def test_the_same_network_gives_the_same_bytes() -> None:
    how, classes, size = NETWORKS["fast"]
    model = as_model(as_trained(how, classes, size), size)
    assert onnx_graph(model).SerializeToString(deterministic=True) == onnx_graph(model).SerializeToString(deterministic=True)


def test_the_network_stays_as_it_is() -> None:
    how, classes, size = NETWORKS["with every field"]
    model, pixels = as_model(as_trained(how, classes, size), size), varied(4, size)
    before = model.logits(pixels)
    onnx_graph(model)
    assert np.array_equal(model.logits(pixels), before)
