"""A trained network as a value: loaded whole and ready to answer, or refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.metrics import softmax
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.recipe_fields import change, find
from seefar.runs.weights import read_weights


def test_everything_that_using_it_takes_comes_from_the_run(run: sf.Run, small_data: Dataset) -> None:
    model = load_model(run, "cpu")
    assert not any(layer.training for layer in model.network.modules())
    assert (model.classes, model.size, model.background) == (small_data.classes, 16, "white")
    assert (model.engine.name, model.temperature) == ("torch, float32 on cpu", None)
    assert model.recipe == change(find("tiny"), SMALL | {"epochs": 6})
    weights = read_weights(run)
    assert all(torch.equal(value, weights[name]) for name, value in model.network.state_dict().items())
    for other in (str(run.path), run.path):
        assert load_model(other).recipe == model.recipe


def test_the_temperature_is_that_of_the_evaluation_on_validation(run: sf.Run, small_data: Dataset) -> None:
    sf.evaluate(run, "test", data=small_data)
    assert load_model(run).temperature is None
    evaluation = sf.evaluate(run, "validation", data=small_data)
    assert load_model(run).temperature == evaluation.calibration.temperature


def test_the_colour_behind_transparent_images_is_that_of_the_training_images(run: sf.Run) -> None:
    run.change({"data.json": run.read("data.json") | {"origin": {"data": "somewhere", "background": "#102030"}}})
    assert load_model(run).background == "#102030"


def test_logits_features_and_probabilities_are_those_of_the_network(run: sf.Run, small_data: Dataset) -> None:
    model: Model = load_model(run)
    pixels = small_data.train.pixels[:7]
    with torch.inference_mode():
        expected = model.network(torch.tensor(pixels).permute(0, 3, 1, 2)).numpy()
    answers = model.answers(pixels)
    assert np.allclose(model.logits(pixels), expected, atol=1e-5)
    assert np.array_equal(answers.logits, model.logits(pixels))
    assert np.array_equal(answers.features, model.features(pixels))
    assert answers.features.shape == (7, 16)
    assert np.allclose(model.predict_proba(pixels), softmax(answers.logits), atol=1e-6)
    mirrored = (model.logits(pixels) + model.logits(pixels[:, :, ::-1].copy())) / 2
    assert np.allclose(model.logits(pixels, tta="flip"), mirrored, atol=1e-4)


def test_logits_alone_gather_no_features(run: sf.Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of many large images would take more memory than the images."""
    model = load_model(run, "cpu")
    expected = model.answers(small_data.test.pixels).logits
    monkeypatch.setattr("seefar.model.torch_engine.predict_with_features", lambda *_: pytest.fail("features were computed"))
    assert np.array_equal(model.logits(small_data.test.pixels), expected)


def test_a_device_that_is_not_there_is_refused(run: sf.Run) -> None:
    with pytest.raises(UsageError, match="no device is called 'tpu'"):
        load_model(run, "tpu")


@pytest.mark.parametrize("content", [b"", b"not safetensors"])
def test_damaged_weights_are_refused_even_with_a_matching_manifest(run: sf.Run, content: bytes) -> None:
    run.commit({"weights/best.safetensors": content}, ended="finished")
    with pytest.raises(ModelFileError, match=r"cannot load .*best.safetensors"):
        load_model(run)


def test_weights_of_another_network_are_refused(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    """Fault 69: a file of one run copied into another, with a manifest that fits."""
    other = sf.train(small_data, "tiny", out=tmp_path / "other", quiet=True, **(SMALL | {"epochs": 1, "dense": 8}))
    run.commit({"weights/best.safetensors": (other.path / "weights/best.safetensors").read_bytes()}, ended="finished")
    with pytest.raises(ModelFileError, match="are not those of its recipe"):
        load_model(run)
