"""Layer by layer: what the page computes is what ONNX Runtime computes, for every kind of network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from seefar import recipes
from seefar.errors import ModelFileError, UsageError
from seefar.exporting.onnx_writer import onnx_graph
from seefar.model.model import Model
from seefar.model.protobuf import read_message
from seefar.networks.build import build_network
from seefar.networks.fast import Whitening
from seefar.networks.layers import Network
from seefar.playing.described import described, tray
from seefar.playing.folder import DATA, static_files
from seefar.playing.layers import layers_of, weights_in_graph

NETWORKS: dict[str, recipes.AnyNetwork] = {
    "plain": recipes.Vgg(widths=((5,), (9,))),
    "dense": recipes.Vgg(widths=((8,), (8, 12)), dense=7, pixels="standard"),
    "norm": recipes.Vgg(widths=((6, 6), (10, 11, 12)), batch_norm=True, dense=9, dropout=(0.1, 0.2), spatial_dropout=0.1),
    "fast": recipes.Fast(widths=((6, 7), (8,), (16,))),
    "residual": recipes.Fast(widths=((8, 8, 8), (9, 10, 11))),
    "residual of two": recipes.Fast(widths=((8, 8), (9, 10)), residual=True, patterns=5),
}
SIZE, CLASSES = 16, ("one", "two", "three")
COMPARED = ("conv", "pool", "norm", "relu", "gelu", "max", "dense")


def random_network(how: recipes.AnyNetwork) -> Network:
    """With weights, and statistics of norms, that no layer could be left out of unseen."""
    network = build_network(how, len(CLASSES), SIZE).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        network.scale.mean.copy_(torch.tensor([0.5, 0.4, 0.3]))
        network.scale.deviation.copy_(torch.tensor([0.2, 0.3, 0.25]))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                assert layer.running_mean is not None
                assert layer.running_var is not None
                layer.running_mean.normal_(generator=generator)
                layer.running_var.uniform_(0.5, 2, generator=generator)
                layer.weight.uniform_(0.5, 2, generator=generator)
                layer.bias.normal_(generator=generator)
            elif layer is not network and hasattr(layer, "weight"):
                layer.weight.normal_(0, 0.3, generator=generator)
    return network


def model_of(how: recipes.AnyNetwork) -> Model:
    settled = replace(recipes.RECIPES["tiny"], network=how)
    return Model(None, CLASSES, SIZE, "white", 1.5, None, None, {}, settled, random_network(how))  # type: ignore[arg-type]


def weights_of(network: Network) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_page_computes_what_onnx_runtime_computes(name: str, opened, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = model_of(NETWORKS[name])
    made = onnx_graph(model)
    layers = layers_of(NETWORKS[name], dict(weights_in_graph(read_message(memoryview(made.SerializeToString()))["graph"])))
    found = described(model, layers, name) | {"tray": tray(model, np.zeros((0, SIZE, SIZE, 3), np.uint8), [])}
    for file, content in static_files().items():
        (tmp_path / file).write_bytes(content)
    text = json.dumps(found | {"bank": None, "confusion": None})
    (tmp_path / DATA).write_text(f"(window.seefarModels ??= []).push({text});\n")
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    wanted = intermediate(made, pixels)
    page = opened(tmp_path / "index.html")
    for plain in (False, True):
        computed = page.evaluate("([pixels, plain]) => seefar.layers(pixels, plain)", [pixels.ravel().tolist(), plain])
        computed = [one for one in computed if one["kind"] in COMPARED]
        assert [one["kind"] for one in computed] == [kind for kind, _ in wanted]
        for one, (kind, values) in zip(computed, wanted, strict=True):
            np.testing.assert_allclose(
                np.array(one["values"]), values.ravel(), rtol=1e-4, atol=1e-4 * np.abs(values).max(), err_msg=kind
            )
    outputs = run_graph(made, pixels)
    np.testing.assert_allclose(
        page.evaluate("p => seefar.maps(p)", pixels.ravel().tolist()),
        outputs["maps"][0].reshape(3, -1),
        rtol=1e-3,
        atol=1e-4 * np.abs(outputs["maps"]).max(),
    )
    probabilities = page.evaluate("p => Array.from(seefar.answer(p).probabilities)", pixels.ravel().tolist())
    np.testing.assert_allclose(probabilities, outputs["probabilities"][0], atol=1e-4)


def intermediate(made, pixels: np.ndarray) -> list[tuple[str, np.ndarray]]:  # type: ignore[no-untyped-def]
    """What each operator that is a layer of ours gives, in order, on the way to the logits."""
    import onnx

    kinds = {
        "Conv": "conv",
        "MaxPool": "pool",
        "BatchNormalization": "norm",
        "Relu": "relu",
        "ReduceMax": "max",
        "Gemm": "dense",
    }
    named = [(kinds[node.op_type], node.output[0]) for node in made.graph.node if node.op_type in kinds]
    named += [
        ("gelu", node.output[0]) for node in made.graph.node if node.op_type == "Mul" and node.output[0].startswith("gelu")
    ]
    order = {node.output[0]: place for place, node in enumerate(made.graph.node)}
    named.sort(key=lambda one: order[one[1]])
    for _, output in named:
        if output not in {known.name for known in made.graph.output}:
            made.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    outputs = run_graph(made, pixels)
    return [(kind, outputs[output]) for kind, output in named]


def run_graph(made, pixels: np.ndarray) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    import onnxruntime

    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_of_a_network_has_its_layer(name: str) -> None:
    network = random_network(NETWORKS[name])
    layers = layers_of(NETWORKS[name], weights_of(network))
    kinds = [layer["kind"] for layer in layers.layers]
    assert kinds.count("conv") == sum(isinstance(layer, nn.Conv2d | Whitening) for layer in network.modules())
    assert len(layers.content()) == 4 * layers.length


def test_a_missing_weight_and_a_strange_one_are_said() -> None:
    how = NETWORKS["plain"]
    weights = weights_of(random_network(how))
    with pytest.raises(ModelFileError, match=r"stages\.0\.0\.weight.*without --int8"):
        layers_of(how, {name: value for name, value in weights.items() if name != "stages.0.0.weight"})
    with pytest.raises(ModelFileError, match="'odd', which its recipe does not name"):
        layers_of(how, weights | {"odd": np.zeros(1)})


def test_a_network_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="vgg and fast, and this is another"):
        layers_of(recipes.AnyNetwork(widths=((8,),)), {})
    assert {kind.in_browser for kind in (recipes.Fast, recipes.Vgg)} == {True}
    assert {kind.in_browser for kind in (recipes.AnyNetwork, recipes.Outside)} == {False}
