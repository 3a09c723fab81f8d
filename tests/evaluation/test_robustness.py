"""Accuracy on corrupted images: recomputable, counted as a look, and from the published files where they are given."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.corruptions import CORRUPTIONS, corrupt
from seefar.data.images import Dataset
from seefar.errors import DataError
from seefar.evaluation import robustness as module
from seefar.model.load import load_model


def test_every_figure_follows_from_the_corrupted_images(run: sf.Run, small_data: Dataset) -> None:
    found = sf.robustness(run, "test", data=small_data)
    model = load_model(run, "cpu")
    test = small_data.test
    right = model.logits(corrupt(test.pixels, "fog", 4)).argmax(1) == test.labels
    assert found.accuracies["fog"][3] == right.mean()
    assert set(found.accuracies) == set(CORRUPTIONS)
    assert found.mean_error == pytest.approx(1 - np.mean(list(found.accuracies.values())))
    assert found.by_class["fog"][0] == pytest.approx(
        np.mean([(model.logits(corrupt(test.pixels, "fog", s)).argmax(1) == 0)[test.labels == 0].mean() for s in range(1, 6)])
    )
    assert found.groups["noise"] == pytest.approx(
        np.mean([found.accuracies[name] for name in ("gaussian_noise", "shot_noise", "impulse_noise")])
    )
    assert run.read("robustness-test.json") == dataclasses.asdict(found)


def test_corrupted_test_images_are_a_look_and_validation_images_are_none(run: sf.Run, small_data: Dataset) -> None:
    sf.robustness(run, "validation", data=small_data)
    assert not run.has("test-ledger.jsonl")
    sf.robustness(run, "test", data=small_data)
    assert '"verb": "robustness"' in (run.path / "test-ledger.jsonl").read_text()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the form of CIFAR-10-C, with 10 images a severity."""
    monkeypatch.setattr(module, "PUBLISHED", 10)
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in CORRUPTIONS:
        np.save(folder / f"{name}.npy", rng.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8))
    np.save(folder / "labels.npy", np.tile(np.arange(10, dtype=np.uint8), 5))
    return folder


def ten_classes(tmp_path: Path) -> tuple[sf.Run, Dataset]:
    def named(n: int, seed: int, split: str) -> sf.ImageSet:
        return dataclasses.replace(images(n, seed, split, classes=10, size=32), classes=module.CIFAR10)

    data = Dataset(name="ten", train=named(100, 1, "train"), test=named(20, 2, "test"), source="colours")
    return sf.train(data, "tiny", out=tmp_path / "ten", quiet=True, **(SMALL | {"epochs": 1})), data


def test_the_published_files_are_used_as_they_are(published: Path, tmp_path: Path) -> None:
    run, data = ten_classes(tmp_path)
    found = sf.robustness(run, "test", files=published, data=data)
    snow = np.load(published / "snow.npy")[20:30]
    right = load_model(run, "cpu").logits(snow).argmax(1) == np.arange(10)
    assert found.accuracies["snow"][2] == right.mean()
    assert found.source == "CIFAR-10-C"


def test_files_that_are_not_it_are_refused_before_anything_is_looked_at(published: Path, run: sf.Run, tmp_path: Path) -> None:
    ten, data = ten_classes(tmp_path)
    (published / "fog.npy").write_bytes(b"not an array")
    with pytest.raises(DataError, match=r"cannot read .*fog.npy"):
        sf.robustness(ten, "test", files=published, data=data)
    np.save(published / "fog.npy", np.zeros((5, 32, 32, 3), np.uint8))
    with pytest.raises(DataError, match="CIFAR-10-C has uint8"):
        sf.robustness(ten, "test", files=published, data=data)
    (published / "fog.npy").unlink()
    with pytest.raises(DataError, match="is not there"):
        sf.robustness(ten, "test", files=published, data=data)
    assert not ten.has("test-ledger.jsonl")


def test_other_classes_cannot_be_judged_by_them(published: Path, run: sf.Run, small_data: Dataset) -> None:
    with pytest.raises(DataError, match="show the classes of CIFAR-10"):
        sf.robustness(run, "test", files=published, data=small_data)
