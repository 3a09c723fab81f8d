"""From a recipe to a network: new, or with another run's weights."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images
from tests.networks import outside_networks as theirs
from tests.training.plans import TINY

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.networks.outside import Outside
from seefar.recipe_fields import change, from_json
from seefar.recipes import AnyNetwork
from seefar.training import new_network as new_networks
from seefar.training.new_network import first_weights, new_network, start_from


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    data, state = images(20, 0, "train"), torch.get_rng_state()
    networks = [new_network(TINY, seed, data).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    assert not torch.equal(networks[0]["stages.0.0.weight"], networks[2]["stages.0.0.weight"])
    assert torch.equal(state, torch.get_rng_state())


def test_standard_pixels_reach_the_first_convolution_with_mean_0_and_deviation_1() -> None:
    data = images(200, 0, "train")
    scaled = new_network(TINY, 0, data).scale(torch.tensor(data.pixels).permute(0, 3, 1, 2))
    assert TINY.network.pixels == "standard"
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(3), atol=1e-3)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(3), atol=1e-3)


def test_a_channel_that_never_changes_is_left_alone() -> None:
    data = images(20, 0, "train")
    pixels = data.pixels.copy()
    pixels[..., 2] = 7
    scale = new_network(TINY, 0, dataclasses.replace(data, pixels=pixels)).scale
    assert scale.deviation[2] == torch.tensor(1 / 255)


# Another run's weights


@pytest.fixture(scope="module")
def of_five(tmp_path_factory: pytest.TempPathFactory) -> sf.Run:
    """A run with batch norm on five classes."""
    data = Dataset("colours", images(60, 1, "train", classes=5), images(30, 2, "test", classes=5), "made up")
    out = tmp_path_factory.mktemp("of five") / "run"
    return sf.train(data, "tiny", out=out, quiet=True, **(SMALL | {"epochs": 1, "batch_norm": True}))


def weights(run: sf.Run, name: str = "last") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run.path / "weights" / f"{name}.safetensors")


def test_a_start_from_the_same_classes_takes_everything(of_five: sf.Run) -> None:
    recipe, data = from_json(of_five.recipe()), images(60, 1, "train", classes=5)
    network = new_network(recipe, 5, data, start_from(of_five, recipe, data.classes, 16))
    there = weights(of_five, "best")
    assert all(torch.equal(value, there[name]) for name, value in network.state_dict().items())


def test_a_start_from_other_classes_gets_a_new_head_and_keeps_the_scaling(of_five: sf.Run, small_data: Dataset) -> None:
    recipe = from_json(of_five.recipe())
    network = new_network(recipe, 5, small_data.train, start_from(of_five, recipe, small_data.classes, 16))
    there, fresh = weights(of_five, "best"), new_network(recipe, 5, small_data.train).state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, fresh[name] if name.startswith("head.") else there[name]), name
    assert network.classifier.out_features == 3


def test_frozen_stages_stay_and_the_rest_learns(of_five: sf.Run, tmp_path: Path, small_data: Dataset) -> None:
    fields = SMALL | {"epochs": 2, "batch_norm": True, "frozen_stages": 1, "averaging": 0.5}
    run = sf.train(small_data, "tiny", start=of_five, out=tmp_path / "second", quiet=True, **fields)
    before, after = weights(of_five, "best"), weights(run)
    for name, value in after.items():
        if name.startswith("stages.0."):
            assert torch.equal(value, before[name]), name
        elif name.startswith("stages.1.") and value.is_floating_point():
            assert not torch.equal(value, before[name]), name
    assert run.read("data.json")["start"]["run"] == "run"
    assert run.read("environment.json")["command"].endswith("--from run")


def test_a_start_that_goes_on_after_a_break_does_not_need_the_other_run(
    of_five: sf.Run, tmp_path: Path, small_data: Dataset
) -> None:
    first = sf.open_run(shutil.copytree(of_five.path, tmp_path / "first"))
    fields = SMALL | {"epochs": 2, "batch_norm": True}
    run = sf.train(small_data, "tiny", start=first, out=tmp_path / "second", quiet=True, **fields)
    end = weights(run)
    for path in run.path.rglob("*"):
        if path.is_file() and (path.parent.name == "weights" or path.name in ("manifest.json", "history.csv", "timing.json")):
            path.unlink()
    shutil.rmtree(first.path)
    for seal in sorted((run.path / "state").glob("*.json"))[1:]:
        seal.unlink()
    again = weights(sf.resume(run, data=small_data, quiet=True))
    assert all(torch.equal(end[name], again[name]) for name in end)
    shutil.rmtree(run.path / "state")
    for name in ("manifest.json", "history.csv", "timing.json"):
        (run.path / name).unlink()
    with pytest.raises(
        ModelFileError, match="has no checkpoint yet, and began with the weights of first; use the full command"
    ):
        sf.resume(run, data=small_data, quiet=True)


def test_another_network_is_refused_with_a_table_of_differences(of_five: sf.Run) -> None:
    """Fault 69."""
    wider = change(TINY, {"widths": [[8], [16]], "batch_norm": True})
    with pytest.raises(ModelFileError, match=r"the network of .*run is not that of recipe tiny") as caught:
        start_from(of_five, wider, ("a", "b", "c"), 16)
    assert "stages.1.0.weight: 8 x 8 x 3 x 3 there, 16 x 8 x 3 x 3 here" in caught.value.details


def test_frozen_stages_need_a_start(small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frozen_stages would freeze random weights; give a run to start from"):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"frozen_stages": 1}))
    assert not (tmp_path / "run").exists()


def test_a_file_that_knows_its_scaling_keeps_it(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the makers of a network say is for files that do not."""
    theirs.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    recipe = theirs.recipe("largest")

    def built(how: AnyNetwork, classes: int, size: int) -> Network:
        network = build_network(how, classes, size)
        assert isinstance(network, Outside)
        network.stated = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        return network

    monkeypatch.setattr(new_networks, "build_network", built)
    whole = {name: value.contiguous() for name, value in built(recipe.network, 3, 16).state_dict().items()}
    whole["scale.mean"] = torch.full_like(whole["scale.mean"], 0.7)
    for kept, mean in ((whole, 0.7), ({name: one for name, one in whole.items() if "scale" not in name}, 0.1)):
        safetensors.torch.save_file(kept, "weights.safetensors")
        start, _ = first_weights("weights.safetensors", recipe, small_data.classes, 16)
        assert start["scale.mean"].flatten()[0].item() == pytest.approx(mean)
