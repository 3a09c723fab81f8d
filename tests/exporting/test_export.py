"""From a run to a certified file: what is written, what is recorded, what is refused. The journey on real images is slow."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DiskError, ModelFileError, UsageError
from seefar.exporting import export as module
from seefar.exporting.drafts import OnnxDraft
from seefar.model.answers import Answers


def test_what_is_written_and_recorded(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    made = sf.export(run, data=small_data)
    content = made.path.read_bytes()
    assert made.path == run.path / "model.onnx"
    assert (made.bytes, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    validation = run.evaluation("validation")
    assert made.certificate.digest == validation["digest"]
    assert made.certificate.agreement.images == validation["images"] == 12
    assert list(made.certificate.batches) == ["1", "7", "512"]
    assert all(found.holds and found.map is not None for found in made.certificate.batches.values())
    assert {speed.threads for speed in made.certificate.speeds} >= {1}
    assert made.certificate.own_precision is None  # the run is in float32 itself
    recorded = run.read("export.json")["onnx"]
    assert (recorded["file"], recorded["sha256"]) == ("model.onnx", made.sha256)
    assert recorded["certificate"]["versions"].keys() >= {"python", "torch", "onnxruntime", "seefar"}
    assert str(tmp_path) not in json.dumps(recorded)
    run.verify()
    assert not run.has("test-ledger.jsonl")

    elsewhere = sf.export(run.path, tmp_path / "elsewhere.onnx", data=small_data)
    assert elsewhere.path.is_file()
    assert run.read("export.json")["onnx"]["file"] == "elsewhere.onnx"


def test_a_run_that_nobody_evaluated_is_evaluated_on_validation(small_data: Dataset, tmp_path: Path) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"epochs": 1}))
    sf.export(run, data=small_data)
    assert sf.load_model(run.path / "model.onnx").temperature == run.evaluation("validation")["calibration"]["temperature"]
    assert not run.has("evaluation-test.json")


def lying(change: Callable[[Answers, int], Answers]) -> type[OnnxDraft]:
    """A draft whose answers are changed."""

    class Lying(OnnxDraft):
        def answers(self, pixels: np.ndarray, batch: int, maps: bool = False) -> Answers:
            return change(super().answers(pixels, batch, maps), batch)

    return Lying


def other_class(answers: Answers, batch: int) -> Answers:
    return Answers(answers.logits[:, ::-1], answers.features, answers.probabilities[:, ::-1], answers.maps)


def other_in_sevens(answers: Answers, batch: int) -> Answers:
    return other_class(answers, batch) if batch == 7 else answers


@pytest.mark.parametrize(
    ("change", "words"),
    [(other_class, "the onnx file does not say"), (other_in_sevens, "asked 7 images at a time, does not say")],
)
def test_a_file_that_disagrees_is_not_written(
    run: sf.Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch, change: Any, words: str
) -> None:
    monkeypatch.setitem(module.FORMATS, "onnx", module.Format(".onnx", lying(change)))
    with pytest.raises(ModelFileError, match=words) as raised:
        sf.export(run, data=small_data)
    assert raised.value.exit_code == 4
    assert not run.has("model.onnx")
    assert not run.has("export.json")


def test_wrong_requests_are_refused(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no export to 'onxx' \(did you mean 'onnx'\?\); there is onnx"):
        sf.export(run, to="onxx", data=small_data)
    with pytest.raises(ModelFileError, match="there is no run folder"):
        sf.export(tmp_path / "none")
    with pytest.raises(DiskError):
        sf.export(run, tmp_path / "missing" / "x.onnx", data=small_data)
    (run.path / "weights/best.safetensors").write_bytes(b"x")
    with pytest.raises(ModelFileError, match="is damaged or was changed"):
        sf.export(run, data=small_data)


def test_int8_is_for_onnx_alone(run: sf.Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.FORMATS, "other", module.FORMATS["onnx"])
    with pytest.raises(UsageError, match="int8 is for ONNX files, and other was asked for"):
        sf.export(run, to="other", int8=True, data=small_data)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("recipe", "changes"), [("fast", {"epochs": 1, "precision": "fp32"}), ("deep", {"epochs": 1, "precision": "fp32"})]
)
def test_the_journey_on_real_images(real_images: Path, tmp_path: Path, recipe: str, changes: dict[str, Any]) -> None:
    """Train, evaluate, export, predict from both: equal answers, and the same test accuracy to the image. Other forms: test_journey.py."""
    whole = sf.load(real_images, subset=2000)
    data = dataclasses.replace(whole, test=whole.test[:1000])
    run = sf.train(data, recipe, out=tmp_path / "run", quiet=True, **changes)
    sf.evaluate(run, "validation", data=data)
    sf.evaluate(run, "test", data=data)
    stored = run.arrays("predictions-test.npz")
    two = np.sort(sf.load_model(run).predict_proba(data.test.pixels), axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 1e-3
    made = sf.export(run, data=data)
    assert made.certificate.agreement.holds
    assert made.certificate.agreement.images == 200
    found = sf.load_model(made.path).logits(data.test.pixels)
    assert np.array_equal(found.argmax(1)[clear], stored["logits"].argmax(1)[clear])
    right = [(logits.argmax(1) == stored["labels"])[clear].sum() for logits in (found, stored["logits"])]
    assert right[0] == right[1]
    files = [tmp_path / f"{place}.png" for place in range(8)]
    for place, file in enumerate(files):
        Image.fromarray(data.test.pixels[place]).resize((40, 50)).save(file)
    ours, theirs = sf.load_model(run).predict(files), sf.load_model(run.path / "model.onnx").predict(files)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.label, one.unlike) == (other.label, other.unlike)
        assert one.probability == pytest.approx(other.probability, abs=1e-3)
