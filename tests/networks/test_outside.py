"""A module from outside is a network of the house: its parts are found, its maps are true, and what is no classifier is refused."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.networks import outside_networks as theirs

from seefar.errors import UsageError
from seefar.explaining.attribution import EXPLAINERS, attribute
from seefar.explaining.filters import first_filters, health
from seefar.explaining.receptive_field import Field, receptive_field
from seefar.explaining.units import exciting, maximise
from seefar.networks.build import build_network
from seefar.networks.class_maps import WithMaps, predict_maps
from seefar.networks.inference import predict, predict_with_features
from seefar.networks.outside import Outside
from seefar.recipe_fields import change, find
from seefar.training.check import check, choose

SIZE = 16
PIXELS = np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), dtype=np.uint8)
every_kind = pytest.mark.parametrize("kind", theirs.KINDS)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs.write(tmp_path)
    monkeypatch.chdir(tmp_path)


def built(kind: str, seed: int = 0, **changes: object) -> Outside:
    network = build_network(theirs.recipe(kind, **changes).network, 5, SIZE)
    assert isinstance(network, Outside)
    network.initialise(torch.Generator().manual_seed(seed), PIXELS)
    return network.eval()


def of(code: str, size: int = SIZE) -> Outside:
    """The network `Net` of a file with this code."""
    Path("net.py").write_text(f"import torch\nfrom torch import nn\n\n{code}")
    recipe = change(find("tiny"), {"model": "net.py:Net"})
    check(recipe, 5, size)
    network = build_network(recipe.network, 5, size)
    assert isinstance(network, Outside)
    return network


STAGES = {
    "residual": (["0", "1"], "mean"),
    "Functional": (["conv1", "conv2"], ""),  # the maps are pooled by functions behind the last layer
    "flat": (["1", "4", "5"], "flatten"),
    "hidden": (["1", "4", "5"], ""),
    "largest": (["1"], "max"),
    "Tied": (["b"], ""),
}


@pytest.mark.parametrize("kind", [kind for kind in theirs.KINDS if kind != "AllConvolutions"])
def test_stages_are_the_last_layers_at_each_resolution(kind: str) -> None:
    network = built(kind)
    assert (network.stage_names, network.pool) == STAGES[kind]
    assert set(network.stage_names) <= set(network.layer_names())


@every_kind
def test_logits_features_and_maps_belong_together(kind: str) -> None:
    network = built(kind)
    logits, features = predict_with_features(network, PIXELS, torch.float32)
    assert logits.shape == (6, 5)
    assert np.array_equal(logits, predict(network, PIXELS, torch.float32))
    rows = network.classifier.weight.detach().flatten(1).numpy()
    assert np.allclose(features @ rows.T + network.classifier.bias.detach().numpy(), logits, atol=1e-4)
    with torch.no_grad():
        answers = WithMaps(network)(torch.tensor(PIXELS).permute(0, 3, 1, 2))
    also_logits, also_features, maps = (values.numpy() for values in answers)
    assert np.allclose(also_logits, logits, atol=1e-5)
    assert np.allclose(also_features, features, atol=1e-5)
    assert maps.shape[:2] == (6, 5)
    if network.pool in ("mean", "flatten"):
        assert np.allclose(maps.sum((2, 3)) + network.classifier.bias.detach().numpy(), logits, atol=1e-4)
    assert np.allclose(predict_maps(network, PIXELS), maps, atol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "flat"])
def test_emptying_places_gives_what_the_weights_say(kind: str) -> None:
    network = built(kind)
    by_weights = predict_maps(network, PIXELS)
    network.pool = ""
    assert np.allclose(predict_maps(network, PIXELS), by_weights, atol=1e-5)


@every_kind
def test_no_images_are_no_answers(kind: str) -> None:
    network, none = built(kind), PIXELS[:0]
    logits, features = predict_with_features(network, none, torch.float32)
    assert logits.shape == (0, 5)
    assert len(features) == len(predict_maps(network, none)) == 0


@every_kind
def test_whatever_looks_inside_finds_its_way(kind: str) -> None:
    network = built(kind)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layer = network.stage_names[-1]
    assert first_filters(network).pixels.shape[0] == health(network, PIXELS)[0].filters
    assert len(exciting(network, PIXELS, layer, [0, 1], 3).patches) == 2
    assert maximise(network, layer, [0], SIZE, steps=3).shape == (1, SIZE, SIZE, 3)
    targets = np.zeros(2, np.int64)
    for method in EXPLAINERS:
        assert np.isfinite(attribute(network, PIXELS[:2], targets, method)).all()
    for name in network.layer_names():
        assert attribute(network, PIXELS[:2], targets, "grad_cam", name).shape == (2, SIZE, SIZE)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


def test_the_receptive_field_is_found_by_trial() -> None:
    """A 5x5 kernel; pooling by 2, another 5x5: 5 + 1 + 4 * 2."""
    network = built("Functional")
    assert receptive_field(network, "conv1") == Field(5, 1, 0)
    assert receptive_field(network, "conv2").size == 14


def test_stages_can_be_named() -> None:
    assert built("residual", stages="0.norm,1").stage_names == ["0.norm", "1"]
    with pytest.raises(UsageError, match=r"has no layer '0.nrm' that gives feature maps .did you mean '0.norm'..; there are"):
        built("residual", stages="0.nrm")
    with pytest.raises(UsageError, match=r"stages is 1,0; name them in the order"):
        built("residual", stages="1,0")


def test_a_layout_that_a_view_does_not_bear_is_not_used() -> None:
    network = build_network(theirs.recipe("Functional").network, 5, 24)
    assert isinstance(network, Outside)
    assert not network.channels_last
    assert built("largest").channels_last


@every_kind
def test_first_weights_follow_from_the_seed_alone(kind: str) -> None:
    state = torch.random.get_rng_state()
    one, same, other = built(kind), built(kind), built(kind, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(predict(one, PIXELS, torch.float32), predict(same, PIXELS, torch.float32))
    assert not np.array_equal(predict(one, PIXELS, torch.float32), predict(other, PIXELS, torch.float32))


def test_what_it_draws_and_does_not_save_is_the_same_each_time() -> None:
    one, other = built("Tied"), built("Tied", seed=1)
    assert torch.equal(one.body.constant, other.body.constant)  # type: ignore[arg-type]


def test_frozen_stages_learn_nothing_more() -> None:
    network = built("residual")
    network.freeze(1)
    network.train()
    assert {name for name, parameter in network.named_parameters() if not parameter.requires_grad} == {
        name for name, _ in network.named_parameters() if name.startswith("body.0.")
    }
    assert not network.layer("0.norm").training
    assert network.layer("1.norm").training
    with pytest.raises(UsageError, match=r"cannot freeze 3 stages of a network that has 2; allowed is 0 to 2"):
        network.freeze(3)


def test_it_takes_other_sizes_where_it_can() -> None:
    assert built("residual").takes(12)
    assert not built("flat").takes(12)
    assert choose("tiny", SIZE, model="my_net.py:residual", resolution=[[0, 0.5], [0.5, 1]])
    with pytest.raises(UsageError, match=r"'my_net.py:flat' takes images of one size only"):
        choose("tiny", SIZE, model="my_net.py:flat", resolution=[[0, 0.5], [0.5, 1]])


def test_a_convolution_that_onednn_computes_wrongly_with_channels_last_lies_plainly() -> None:
    """Its gradients were wrong, or the program ended (https://github.com/uxlfoundation/oneDNN/issues/6035)."""
    assert built("largest").channels_last
    network = built("residual").eval()  # its way around the first block is 1x1, with stride 2, of three channels
    assert not network.channels_last
    pixels = torch.randint(0, 256, (32, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    exact = copy.deepcopy(network).double()
    exact.body(exact.scale(pixels).double().contiguous()).square().sum().backward()
    network(pixels).square().sum().backward()
    for (name, weight), wanted in zip(network.named_parameters(), exact.parameters(), strict=True):
        assert weight.grad is not None, name
        assert wanted.grad is not None, name
        assert torch.allclose(weight.grad.double(), wanted.grad, rtol=1e-3, atol=1e-3 * wanted.grad.abs().max().item()), name


NET = "class Net(nn.Module):\n    def __init__(self, classes):\n        super().__init__()\n        self.conv = nn.Conv2d(3, 8, 3, 2)\n"
NET += "        self.fc = nn.Linear(8, classes)\n\n    def forward(self, x):\n        x = self.conv(x)\n        return "
REFUSED = {
    "self.fc(x.mean((2, 3))), x": "gives a tuple of 2 and not one tensor; return the logits .n, classes. alone",
    "{'out': self.fc(x.mean((2, 3)))}": "gives a dict of 1 and not one tensor",
    "x": r"for 2 images net.py:Net gives the shape \(2, 8, 7, 7\); it has to be \(2, 5\)",
    "self.fc(x.mean((2, 3))).sum(0)": r"gives the shape \(5,\)",
    "self.fc(x.mean((2, 3))).squeeze()": r"for 1 image net.py:Net gives the shape \(5,\); it has to be \(1, 5\)",
    "self.fc(x.mean((2, 3))).softmax(1)": "gives probabilities, and the loss takes logits; leave the softmax",
    "self.fc(x.mean((2, 3))) * float('nan')": "gives numbers that are not finite for images of noise",
    "self.fc(x.mean((2, 3))).argmax(1)": r"gives the shape \(2,\)",
    "self.fc(x)": "net.py:Net fails on images of 16x16 pixels: RuntimeError: mat1 and mat2 shapes cannot be multiplied",
    "self.fc(x.mean((2, 3)).detach()).detach()": "nothing of net.py:Net would learn: its forward gives a result without gradients",
    "self.missing(x)": "AttributeError: 'Net' object has no attribute 'missing'",
    "__import__('sys').exit(3)": "it calls sys.exit.3.",
    "(self.fc(x.mean((2, 3))), x) if self.training else self.fc(x.mean((2, 3)))": "net.py:Net in training mode gives a tuple of 2",
    "x.mean((2, 3))[:, :5]": "has no last layer that seefar can find; let it end with torch.nn.Linear",
}


@pytest.mark.parametrize("result", REFUSED)
def test_what_is_no_classifier_is_refused_in_a_sentence(result: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[result]) as caught:
        of(NET + result)
    assert "\n" not in str(caught.value)


REFUSED_FILES = {
    "import nothing_of_that_name": "net.py:Net cannot be imported: ModuleNotFoundError: No module named 'nothing_of_that_name'",
    "import sys\nsys.exit(2)": "net.py:Net cannot be imported: it calls sys.exit.2.",
    "def Net(": "net.py:Net cannot be imported: SyntaxError",
    "def Other(classes): ...": "net.py does not define Net; what can be called there is Other",
    "Net = 3": "net.py:Net is no callable but int",
    "def Net(num_classes): ...": r"net.py:Net takes \(num_classes\), and has to take classes",
    "def Net(classes, depth): ...": "net.py:Net needs depth, which recipe fields do not give it; give that parameter a default",
    "def Net(classes): return 3": "net.py:Net gave int; it has to return a torch.nn.Module",
    "def Net(classes): raise ValueError('no\\nway')": "net.py:Net cannot be built: ValueError: no way",
    "def Net(classes): return nn.Flatten()": "net.py:Net has no parameters that could learn",
    "def Net(classes, size): return nn.Sequential(nn.Flatten(), nn.Linear(3 * size**2, classes))": (
        "no layer of net.py:Net gives feature maps of more than one place; seefar is for convolutional networks"
    ),
}


@pytest.mark.parametrize("code", REFUSED_FILES)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(code: str) -> None:
    with pytest.raises(UsageError, match=REFUSED_FILES[code]) as caught:
        of(code)
    assert "\n" not in str(caught.value)


def test_the_line_that_failed_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        of(NET + "self.fc(x)")
    assert any(line.startswith("net.py, line 12: return self.fc(x)") for line in caught.value.details)


@pytest.mark.parametrize(
    "result", ["self.fc(x.mean((2, 3)))", "torch.log_softmax(self.fc(x.mean((2, 3))), 1)", "3 * self.fc(x.mean((2, 3)))"]
)
def test_what_is_a_classifier_is_not_refused(result: str) -> None:
    assert of(NET + result).pool == ("mean" if result.startswith("self") else "")
