"""Maps of the first screen's images: of the class that was named, by the method trusted most, and no look at test."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, colours

import seefar as sf
from seefar.explaining.attribution import attribute
from seefar.explaining.faithfulness import Faithfulness
from seefar.explaining.highlights import most_faithful


def score(insertion: float, deletion: float) -> Faithfulness:
    line = [0.0, 1.0]
    return Faithfulness(deletion, insertion, 0.5, 0.5, line, line, line, line, line, line, line)


def test_the_most_faithful_of_the_methods_that_can_be_read_small_is_taken() -> None:
    scores = {"grad_cam": score(0.5, 0.3), "layer_cam": score(0.5, 0.4), "occlusion": score(1.0, 0.0)}
    assert most_faithful(scores) == "grad_cam"
    assert most_faithful({}) == "layer_cam"


def test_maps_are_those_of_the_named_class_and_test_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path / "home"))
    data = colours()
    run = sf.train(data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"epochs": 2}))
    sf.evaluate(run, "test", data=data)
    looks = (run.path / "test-ledger.jsonl").read_bytes()
    sf.see_inside(run, quick=True, data=data, device="cpu")
    assert (run.path / "test-ledger.jsonl").read_bytes() == looks
    assert not run.has("highlight-maps-validation.npz")
    kept, found = run.arrays("highlights-test.npz"), run.arrays("highlight-maps-test.npz")
    assert np.array_equal(found["positions"], kept["positions"])
    named = run.arrays("predictions-test.npz")["logits"][kept["positions"]].argmax(1)
    network = sf.load_model(run, "cpu").network
    expected = attribute(network, kept["pixels"], named, str(found["method"]))
    np.testing.assert_allclose(found["maps"], expected, rtol=1e-4, atol=1e-6)
