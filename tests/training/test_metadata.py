"""What a run keeps of its images before the first step: small, and nothing of test."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import images
from tests.training.plans import TINY, new_plan

from seefar.data.images import Dataset
from seefar.recipe_fields import change
from seefar.training.metadata import EPOCHS, MOST_PICTURES, folder_name, write_metadata


@pytest.mark.parametrize("classes", [3, 100, 200])
def test_training_pictures_are_few_and_from_every_class(tmp_path: Path, classes: int) -> None:
    train = images(400, 0, "train", classes=classes, size=8)
    data = Dataset("x", train, train[:0], "made up")
    plan = new_plan(data, tmp_path / "run")
    write_metadata(plan, data)
    kept = plan.run.arrays("pictures-train.npz")
    assert set(kept) == {"pixels", "labels", "means"}
    assert set(kept["labels"]) == set(range(classes))
    assert len(kept["labels"]) <= max(MOST_PICTURES, classes)
    assert kept["means"].shape == (classes, 8, 8, 3)
    expected = train.pixels[train.labels == 1].mean(0)
    assert np.abs(kept["means"][1] - expected).max() <= 0.5
    assert plan.run.read("description-train.json")["images"] == 400
    known = plan.run.read("data.json")
    assert (sum(known["train"]), sum(known["validation"])) == (len(plan.train), len(plan.validation))


def test_with_augmentation_an_image_of_each_class_is_kept_as_it_looks_in_some_epochs(
    small_data: Dataset, tmp_path: Path
) -> None:
    plan = new_plan(small_data, tmp_path / "run", change(TINY, {"brightness": 0.5}))
    write_metadata(plan, small_data)
    kept = plan.run.arrays("pictures-train.npz")
    assert kept["augmented"].shape == (3, 1 + EPOCHS, 16, 16, 3)
    assert any(np.array_equal(kept["augmented"][0, 0], image) for image in small_data.train.of_class("class 0").pixels)
    assert kept["augmented_labels"].tolist() == [0, 1, 2]


def test_a_folder_is_named_without_brackets_and_slashes(small_data: Dataset) -> None:
    recipe = change(TINY, {"widths": [[4], [4]], "dropout": [0, 0]})
    assert not set(folder_name(small_data, recipe, 3)) & set("[]/ ")
    assert folder_name(small_data, recipe, 3).endswith("+widths=_4_,_4_+dropout=_0.0,0.0_-seed3")
