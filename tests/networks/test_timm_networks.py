"""Classifiers of timm: small images, names that do not exist, weights from its cache or a file."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import safetensors.torch
import torch

from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.networks.build import build_network
from seefar.networks.outside import Outside
from seefar.networks.timm_networks import cached_weights, classifier
from seefar.recipe_fields import change, find, flat
from seefar.training.environment import environment
from seefar.training.new_network import first_weights

pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
SMALL = "timm:mobilenetv3_small_050"


def built(model: str, size: int) -> Outside:
    made = build_network(change(find("tiny"), {"model": model}).network, 10, size)
    assert isinstance(made, Outside)
    return made


@pytest.mark.parametrize(
    ("model", "size", "stages", "last"),
    [
        ("timm:resnet18", 32, ["layer1", "layer2", "layer3", "layer4"], 4),
        ("timm:resnet18", 64, ["layer1", "layer2", "layer3", "layer4"], 8),
        ("timm:resnet18", 96, ["act1", "layer1", "layer2", "layer3", "layer4"], 3),
        (SMALL, 32, ["blocks.0", "blocks.1", "blocks.3", "blocks"], 4),
    ],
)
def test_of_small_images_the_first_two_halvings_are_left_out(model: str, size: int, stages: list[str], last: int) -> None:
    network = built(model, size).eval()
    assert network.stage_names == stages
    with network.with_last_maps() as seen, torch.no_grad():
        assert network(torch.zeros(2, 3, size, size)).shape == (2, 10)
    assert seen["maps"].shape[2:] == (last, last)


def test_a_resnet_begins_with_stride_1_and_no_pooling() -> None:
    small, large = built("timm:resnet18", 32), built("timm:resnet18", 96)
    assert (small.layer("conv1").stride, large.layer("conv1").stride) == ((1, 1), (2, 2))
    assert isinstance(small.layer("maxpool"), torch.nn.Identity)
    assert isinstance(large.layer("maxpool"), torch.nn.MaxPool2d)
    assert small.layer("layer2.0.conv1").stride == (2, 2)


@pytest.mark.parametrize(
    ("model", "size", "sentence"),
    [
        (
            SMALL,
            16,
            r"leaves 2x2 places of images of 16x16 pixels, and at least 4x4 are needed; use larger images \(--size 32\)",
        ),
        ("timm:resnt18", 32, r"timm [\d.]+ has no classifier 'resnt18' \(did you mean 'resnet18'\?\)"),
        ("timm:vit_tiny_patch16_224", 32, "does not take images of 32x32 pixels: AssertionError: Input height"),
        ("timm:resnet18.nobody_in1k", 32, "timm:resnet18.nobody_in1k cannot be built: RuntimeError: Invalid pretrained tag"),
        ("timm:hf-hub:someone/model", 32, "has no classifier"),
        ("timm:", 32, "has no classifier ''"),
    ],
)
def test_what_does_not_fit_is_refused(model: str, size: int, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        built(model, size)


def test_the_recipe_says_which_and_the_environment_which_version(small_data: Dataset, tmp_path: Path) -> None:
    from tests.training.plans import new_plan

    recipe = change(find("tiny"), {"model": SMALL})
    assert flat(recipe)["model"] == SMALL
    assert flat(recipe)["sha256"] == ""
    assert environment(new_plan(small_data, tmp_path / "run", recipe), {"data": "x"})["libraries"]["timm"].startswith("1.")


def test_weights_from_the_cache_are_found_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_data: Dataset
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    name = "mobilenetv3_small_050.lamb_in1k"
    with pytest.raises(ModelFileError, match=f"the weights of {name} are not in timm's cache, and seefar downloads none"):
        cached_weights(name)
    weights = classifier(name, 1000, 224)[0].state_dict()
    place = tmp_path / f"models--timm--{name}"
    (place / "snapshots" / "abc").mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    safetensors.torch.save_file(weights, place / "snapshots" / "abc" / "model.safetensors")
    recipe = change(find("tiny"), {"model": f"timm:{name}"})
    start, begins = first_weights("pretrained", recipe, small_data.classes, 32)
    assert begins["run"] == "model.safetensors of timm's cache"
    assert torch.equal(start["body.conv_stem.weight"], weights["conv_stem.weight"])
    assert not [key for key in start if key.startswith("body.classifier.")]
    assert torch.allclose(start["scale.mean"], torch.tensor([0.485, 0.456, 0.406]))


def test_without_timm_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"needs the package timm; pip install 'seefar\[timm\]'"):
        built("timm:resnet18", 32)
