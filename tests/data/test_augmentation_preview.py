"""Training images as a run sees them: each as it is, then as augmentation shows it, the same that training itself gets."""

import numpy as np
import pytest
import torch
from tests.conftest import images

from seefar.data.augmentation_preview import augmented, views_of
from seefar.data.batches import Batches
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.recipes import Augmentation, Sampling

HOW = Augmentation(flip="alternating", shift=2)


def test_first_the_image_itself_then_its_views() -> None:
    data = images(5, 0, "train")
    shown = views_of(data, HOW, 4, seed=0)
    assert shown.shape == (5, 5, 16, 16, 3)
    assert shown.dtype == np.uint8
    assert np.array_equal(shown[:, 0], data.pixels)
    assert len({view.tobytes() for view in shown[0]}) > 2
    assert np.array_equal(views_of(data, Augmentation(), 2, seed=0)[:, 1], data.pixels)


def test_the_views_are_those_of_a_run_with_that_seed() -> None:
    data = images(1, 0, "train")
    batches = Batches(data, Sampling(batch_size=1), HOW, 3, torch.device("cpu"))
    expected = [next(batches.epoch(epoch)).pixels[0].permute(1, 2, 0).numpy() for epoch in (1, 2, 3)]
    assert np.array_equal(views_of(data, HOW, 3, seed=3)[0, 1:], expected)


def test_images_are_taken_from_all_classes_in_turn(small_data: Dataset) -> None:
    found = augmented(small_data, "deep", images=6, views=2, shift=0, flip="none")
    assert found.names == ["class 0", "class 0", "class 1", "class 1", "class 2", "class 2"]
    assert found.pixels.shape == (6, 3, 16, 16, 3)
    assert np.array_equal(found.pixels[:, 1], found.pixels[:, 0])
    assert "as recipe deep+shift=0+flip=none shows them" in found.title
    with pytest.raises(UsageError, match="no field 'shfit'"):
        augmented(small_data, shfit=1)
