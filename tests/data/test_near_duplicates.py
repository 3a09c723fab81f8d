"""Near duplicates: planted copies are found whatever was done to them, and different images are not."""

import numpy as np
import pytest
from PIL import Image
from tests.data.image_files import jpeg

from seefar.data.near_duplicates import compare, near_duplicates


def moved(pixels: np.ndarray) -> np.ndarray:
    return np.pad(pixels, ((1, 0), (2, 0), (0, 0)), mode="reflect")[:32, :32]


CHANGES = {
    "as it is": lambda pixels: pixels,
    "mirrored": lambda pixels: pixels[:, ::-1],
    "moved": moved,
    "brighter": lambda pixels: np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8),
    "recompressed": jpeg,
}


def photographs(n: int, seed: int) -> np.ndarray:
    """Smooth fields of colour with fine grain: unlike each other, and rich enough to be told apart."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 8, 8, 3)).astype(np.uint8)
    smooth = np.stack([np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC)) for image in coarse])
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_copy_is_found(change: str) -> None:
    training, test = photographs(100, 0), photographs(20, 1)
    planted = test.copy()
    planted[7] = CHANGES[change](training[42])
    features = [np.random.default_rng(i).normal(size=(n, 16)).astype(np.float32) for i, n in enumerate((20, 100))]
    found = near_duplicates(planted, features[0], training, features[1])
    assert [(pair.one, pair.other) for pair in found] == [(7, 42)]
    assert found[0].mirrored == (change == "mirrored")
    assert near_duplicates(test, features[0], training, features[1]) == []


def test_features_find_what_thumbnails_cannot() -> None:
    """The candidate is proposed by equal features alone: its thumbnail is nearer to a decoy's."""
    training, test = photographs(50, 2), photographs(5, 3)
    test[0] = np.roll(training[9], 2, axis=1)
    test[0, :, :2] = 0
    features = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32)
    theirs = np.random.default_rng(1).normal(size=(5, 16)).astype(np.float32)
    theirs[0] = features[9]
    pairs = {(pair.one, pair.other) for pair in near_duplicates(test, theirs, training, features)}
    assert (0, 9) in pairs


def test_within_a_set_each_pair_counts_once_and_nothing_equals_itself() -> None:
    images = photographs(40, 4)
    images[11] = images[3]
    features = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    found = near_duplicates(images, features)
    assert [(pair.one, pair.other) for pair in found] == [(3, 11)]
    assert found[0].detail == pytest.approx(1.0, abs=1e-4)


def test_the_best_overlap_is_where_the_move_was() -> None:
    one = photographs(1, 5)
    likeness, detail, mirrored = compare(one, moved(one[0])[None])
    assert likeness[0] > 0.999
    assert detail[0] > 0.95  # details near the edge see the reflection
    assert not mirrored[0]


def test_empty_sets_and_single_images_have_none() -> None:
    none, features = np.zeros((0, 32, 32, 3), np.uint8), np.zeros((0, 4), np.float32)
    assert near_duplicates(none, features) == []
    assert near_duplicates(photographs(1, 0), np.ones((1, 4), np.float32)) == []
    assert near_duplicates(none, features, photographs(3, 0), np.ones((3, 4), np.float32)) == []
