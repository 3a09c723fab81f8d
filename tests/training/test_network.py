"""From a recipe to a network, and from a run to its trained one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar import recipes
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.training.network import load_network, new_network, start_from

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
    with pytest.raises(UsageError, match=r"no model is called 'vgf' \(did you mean 'vgg'"):
        new_network(recipes.change(recipes.find("tiny"), {"model": "vgf"}), 0, images(20, 0, "train"))


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
    run.commit({"weights/best.safetensors": content}, ended="finished")
    with pytest.raises(ModelFileError, match=r"cannot load .*best.safetensors"):
        load_network(run, CPU)


def trained(tmp_path: Path, classes: int = 3, name: str = "run", **changes: object) -> sf.Run:
    data = Dataset("colours", images(60, 1, "train", classes=classes), images(30, 2, "test", classes=classes), "made up")
    return sf.train(data, "tiny", out=tmp_path / name, quiet=True, **(SMALL | {"epochs": 1} | changes))


def weights(run: sf.Run, name: str = "last") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run.path / "weights" / f"{name}.safetensors")


def test_a_start_from_the_same_classes_takes_everything(tmp_path: Path, small_data: Dataset) -> None:
    first = trained(tmp_path)
    recipe = recipes.from_json(first.recipe())
    taken = start_from(first, recipe, small_data.classes, 16)
    network = new_network(recipe, 5, small_data.train, taken)
    there = weights(first, "best")
    assert all(torch.equal(value, there[name]) for name, value in network.state_dict().items())


def test_a_start_from_other_classes_gets_a_new_head_and_keeps_the_scaling(tmp_path: Path, small_data: Dataset) -> None:
    first = trained(tmp_path, classes=5)
    recipe = recipes.from_json(first.recipe())
    network = new_network(recipe, 5, small_data.train, start_from(first, recipe, small_data.classes, 16))
    there, fresh = weights(first, "best"), new_network(recipe, 5, small_data.train).state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, fresh[name] if name.startswith("head.") else there[name]), name
    assert network.classifier.out_features == 3


def test_frozen_stages_stay_and_the_rest_learns(tmp_path: Path, small_data: Dataset) -> None:
    first = trained(tmp_path, classes=5, batch_norm=True)
    run = sf.train(
        small_data,
        "tiny",
        start=first,
        out=tmp_path / "second",
        quiet=True,
        **(SMALL | {"batch_norm": True, "frozen_stages": 1, "averaging": 0.5}),
    )
    before, after = weights(first, "best"), weights(run)
    for name, value in after.items():
        if name.startswith("stages.0."):
            assert torch.equal(value, before[name]), name
        elif name.startswith("stages.1.") and value.is_floating_point():
            assert not torch.equal(value, before[name]), name
    assert run.read("data.json")["start"]["run"] == "run"
    assert run.read("environment.json")["command"].endswith("--from run")


def test_a_start_that_goes_on_after_a_break_does_not_need_the_other_run(tmp_path: Path, small_data: Dataset) -> None:
    first = trained(tmp_path, classes=5)
    run = sf.train(small_data, "tiny", start=first, out=tmp_path / "second", quiet=True, **SMALL)
    end = weights(run)
    for path in run.path.rglob("*"):
        if path.is_file() and (path.parent.name == "weights" or path.name in ("manifest.json", "history.csv", "timing.json")):
            path.unlink()
    shutil.rmtree(first.path)
    for seal in sorted((run.path / "state").glob("*.json"))[1:]:
        seal.unlink()
    again = weights(sf.resume(run, data=small_data, quiet=True))
    assert all(torch.equal(end[name], again[name]) for name in end)


def test_another_network_is_refused_with_a_table_of_differences(tmp_path: Path, small_data: Dataset) -> None:
    """Fault 69."""
    first = trained(tmp_path)
    wider = recipes.change(recipes.find("tiny"), SMALL | {"widths": [[8], [16]]})
    with pytest.raises(ModelFileError, match=r"the network of .*run is not that of recipe tiny") as caught:
        start_from(first, wider, small_data.classes, 16)
    assert "stages.1.0.weight: 8 x 8 x 3 x 3 there, 16 x 8 x 3 x 3 here" in caught.value.details


def test_frozen_stages_need_a_start(small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frozen_stages would freeze random weights; give a run to start from"):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"frozen_stages": 1}))
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """Fault 71."""
    run = trained(tmp_path)
    odd = weights(run, "best")
    odd["head.2.weight"][0, 0] = float("nan")
    run.commit({"weights/best.safetensors": safetensors.torch.save(odd)}, ended="finished")
    with pytest.raises(ModelFileError, match=r"holds numbers that are not finite, in head.2.weight"):
        load_network(run, CPU)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Fault 69: a file of one run copied into another, with a manifest that fits."""
    one, other = trained(tmp_path), trained(tmp_path, classes=5, name="other")
    one.commit({"weights/best.safetensors": (other.path / "weights/best.safetensors").read_bytes()}, ended="finished")
    with pytest.raises(ModelFileError, match="are not those of its recipe"):
        load_network(one, CPU)


def test_a_run_of_format_1_predicts_as_it_did(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 70: the folder was written, and evaluated, by the first version."""
    shutil.copytree(Path(__file__).parents[1] / "runs" / "format-1", tmp_path / "old")
    before = sf.open_run(tmp_path / "old").arrays("predictions-validation.npz")["logits"]
    evaluation = sf.evaluate(tmp_path / "old", "validation", data=small_data)
    after = sf.open_run(tmp_path / "old").arrays("predictions-validation.npz")["logits"]
    assert np.allclose(before, after, atol=1e-5)
    assert evaluation.accuracy.value == pytest.approx(2 / 3)
    assert sf.report(tmp_path / "old").exists()
