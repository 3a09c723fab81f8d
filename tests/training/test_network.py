"""From a recipe to a network, and from a run to its trained one."""

from pathlib import Path

import pytest
import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar import recipes
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.training.network import load_network, new_network

CPU = torch.device("cpu")


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    recipe, data = recipes.change(recipes.find("tiny"), SMALL), images(20, 0, "train")
    state = torch.get_rng_state()
    networks = [new_network(recipe, seed, data).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    assert not torch.equal(networks[0]["stages.0.0.weight"], networks[2]["stages.0.0.weight"])
    assert torch.equal(state, torch.get_rng_state())


def test_standard_pixels_reach_the_first_convolution_with_mean_0_and_deviation_1() -> None:
    data = images(200, 0, "train")
    network = new_network(recipes.change(recipes.find("tiny"), SMALL | {"pixels": "standard"}), 0, data)
    scaled = network.scale(torch.tensor(data.pixels).permute(0, 3, 1, 2))
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(3), atol=1e-3)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(3), atol=1e-3)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no model is called 'plian' \(did you mean 'plain'"):
        new_network(recipes.change(recipes.find("tiny"), {"model": "plian"}), 0, images(20, 0, "train"))


def test_a_trained_network_comes_back_as_it_was(small_data: Dataset, tmp_path: Path) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    first, second = (load_network(run, CPU).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not load_network(run, CPU).training


@pytest.mark.parametrize(
    "content", [b"", b"not safetensors", b"\x80\x04\x95.", bytes(64), (10**12).to_bytes(8, "little") + b"{}"]
)
def test_damaged_weights_are_refused_even_with_a_matching_manifest(small_data: Dataset, tmp_path: Path, content: bytes) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    run.write_bytes("weights/best.safetensors", content)
    run.seal(finished=True)
    with pytest.raises(ModelFileError, match=r"cannot load .*best.safetensors"):
        load_network(run, CPU)
