"""What a run keeps of its images: small, and nothing of test before test was looked at."""

import dataclasses
from pathlib import Path

import numpy as np
from tests.conftest import images

from seefar.data.images import Dataset
from seefar.runs import folder
from seefar.runs.pictures import MOST_PICTURES, keep_test_description, keep_training_pictures


def test_training_pictures_are_few_and_from_every_class(tmp_path: Path) -> None:
    for classes in (3, 100, 200):
        run = folder.create(tmp_path / str(classes))
        train = images(400, 0, "train", classes=classes, size=8)
        keep_training_pictures(run, train)
        kept = run.arrays("pictures-train.npz")
        assert set(kept["labels"]) == set(range(classes))
        assert len(kept["labels"]) <= max(MOST_PICTURES, classes)
        assert kept["means"].shape == (classes, 8, 8, 3)
        expected = train.pixels[train.labels == 1].mean(0)
        assert np.abs(kept["means"][1] - expected).max() <= 0.5
        assert run.read("description-train.json")["images"] == 400


def test_leaks_between_the_splits_are_described_with_test(tmp_path: Path) -> None:
    run = folder.create(tmp_path / "run")
    train, test = images(60, 0, "train"), images(30, 1, "test")
    pixels = test.pixels.copy()
    pixels[:2] = train.pixels[:2]
    data = Dataset("x", train, dataclasses.replace(test, pixels=pixels), "made up", warnings=("careful",))
    keep_test_description(run, data)
    found = run.read("description-test.json")
    assert found["leaks"]["test_ids"] == ["test/00000", "test/00001"]
    assert found["images"]["images"] == 30
    assert found["warnings"] == ["careful"]


def test_other_test_images_are_described_anew_and_the_same_are_not(tmp_path: Path) -> None:
    run = folder.create(tmp_path / "run")
    data = Dataset("x", images(60, 0, "train"), images(30, 1, "test"), "made up")
    keep_test_description(run, data)
    first = (run.path / "description-test.json").stat().st_mtime_ns
    keep_test_description(run, data)
    assert (run.path / "description-test.json").stat().st_mtime_ns == first
    keep_test_description(run, dataclasses.replace(data, test=images(21, 1, "test")))
    assert run.read("description-test.json")["images"]["images"] == 21
