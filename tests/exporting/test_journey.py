"""On real images: train, evaluate, export to Keras and torch, open each as anybody would, and get the same answers to the image."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import seefar as sf

CLEAR = 1e-3  # two largest probabilities that are nearer to each other are a tie


def with_keras(file: Path, pixels: np.ndarray) -> np.ndarray:
    import keras

    answers: np.ndarray = keras.models.load_model(file).predict(pixels, batch_size=250, verbose=0)
    return answers


def with_torch(file: Path, pixels: np.ndarray) -> np.ndarray:
    program = torch.export.load(io.BytesIO(file.read_bytes())).module()
    with torch.inference_mode():
        return np.concatenate([program(block)["probabilities"].numpy() for block in torch.tensor(pixels).split(250)])


OPENED: dict[str, Callable[[Path, np.ndarray], np.ndarray]] = {"keras": with_keras, "torch": with_torch}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("recipe", ["fast", "deep"])
def test_every_form_gives_the_same_test_accuracy_to_the_image(real_images: Path, tmp_path: Path, recipe: str) -> None:
    data = sf.load(real_images, subset=2000)
    run = sf.train(data, recipe, out=tmp_path / "run", quiet=True, epochs=2, precision="fp32")
    sf.evaluate(run, "validation", data=data)
    sf.evaluate(run, "test", data=data)
    stored = run.arrays("predictions-test.npz")
    ours = sf.load_model(run, "cpu").predict_proba(data.test.pixels)
    assert np.array_equal(ours.argmax(1), stored["logits"].argmax(1))
    two = np.sort(ours, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > CLEAR
    for to, opened in OPENED.items():
        made = sf.export(run, tmp_path / f"there.{to if to == 'keras' else 'pt2'}", to, data=data)
        theirs = opened(made.path, data.test.pixels)
        np.testing.assert_allclose(theirs, ours, atol=CLEAR)
        assert np.array_equal(theirs.argmax(1)[clear], ours.argmax(1)[clear])
        right = (theirs.argmax(1) == stored["labels"])[clear].sum()
        assert right == (stored["logits"].argmax(1) == stored["labels"])[clear].sum()
        assert run.read("export.json")[to]["certificate"]["agreement"]["differing"] == 0
    assert len((run.path / "test-ledger.jsonl").read_text().splitlines()) == 1  # exports do not look at test images
