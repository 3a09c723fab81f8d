"""The drawn image set: repeatable, balanced, and hard enough that only the outlines tell the classes.

That a small network learns it within a minute is tested in tests/test_shapes_promise.py.
"""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from seefar.data import load
from seefar.data.images import Dataset
from seefar.data.shapes import BLOCK, OUTLINES, load_shapes
from seefar.errors import UsageError


@pytest.fixture(scope="module")
def shapes() -> Dataset:
    return load_shapes(train=6_000, test=2_000)


@pytest.fixture(scope="module")
def flat(shapes: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Train and test pixels as rows of numbers from 0 to 1."""
    return tuple(part.pixels.reshape(len(part), -1).astype(np.float32) / 255 for part in (shapes.train, shapes.test))


# Repeat


def test_every_call_gives_the_same_bytes():
    assert load_shapes(seed=3, train=20, test=20).train.digest == load_shapes(seed=3, train=20, test=20).train.digest


def test_another_seed_gives_other_images():
    first, second = load_shapes(seed=0, train=20, test=20), load_shapes(seed=1, train=20, test=20)
    assert not (first.train.pixels == second.train.pixels).all(axis=(1, 2, 3)).any()


def test_a_larger_set_begins_with_the_smaller_one(shapes: Dataset):
    small = load_shapes(train=BLOCK + 13, test=17)
    for few, many in ((small.train, shapes.train), (small.test, shapes.test)):
        assert few.digest == many[: len(few)].digest


# Laws


@pytest.mark.parametrize(("train", "test"), [(10, 10), (37, 255), (BLOCK, 2 * BLOCK)])
def test_classes_are_balanced(train: int, test: int):
    dataset = load_shapes(train=train, test=test)
    for part, n in ((dataset.train, train), (dataset.test, test)):
        assert part.counts().sum() == n
        assert np.ptp(part.counts()) == (1 if n % 10 else 0)


def test_no_image_occurs_twice(shapes: Dataset):
    images = [image.tobytes() for part in (shapes.train, shapes.test) for image in part.pixels]
    assert len(set(images)) == len(images) == 8_000


def test_a_set_says_what_it_is(shapes: Dataset):
    small = load_shapes(train=10, test=20)
    assert (small.name, len(small.classes), small.train.size) == ("shapes", 10, 32)
    assert "not photographs" in small.source
    assert "not CIFAR-10" in small.source
    assert small.train.ids[7] == "train/00007"
    assert small.test.ids[7] == "test/00007"
    assert small.modes == {"train": {"RGB": 10}, "test": {"RGB": 20}}
    assert small.sizes == {"train": {"32x32": 10}, "test": {"32x32": 20}}


def test_only_the_usual_set_says_that_load_gives_it_again():
    assert load.SOURCES["shapes"]().origin == {"data": "shapes"}  # drawn once for all tests
    assert load_shapes(train=10, test=10).origin == {}


@pytest.mark.parametrize("name", OUTLINES)
def test_outlines_are_distances_of_like_areas(name: str):
    step = 0.01
    axis = np.arange(-2, 2, step)
    distance = OUTLINES[name](axis[None, :], axis[:, None])
    assert 0.75 < (distance < 0).sum() * step**2 / np.pi < 1.25
    assert all(np.abs(np.diff(distance, axis=k)).max() <= step * 1.001 for k in (0, 1)), "a distance changes by a step at most"
    assert np.median(np.hypot(*np.gradient(distance, step))) == pytest.approx(1, abs=0.01), (
        "and by a step straight away from it"
    )


# Oracles: what knows nothing of outlines stays low


def test_logistic_regression_on_pixels_fails(shapes: Dataset, flat: tuple[np.ndarray, np.ndarray]):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=10, C=0.01).fit(flat[0][:3_000], shapes.train.labels[:3_000])
    assert model.score(flat[1], shapes.test.labels) < 0.25  # measured 0.13


def test_nearest_neighbour_on_pixels_fails(shapes: Dataset, flat: tuple[np.ndarray, np.ndarray]):
    model = KNeighborsClassifier(1).fit(flat[0], shapes.train.labels)
    assert model.score(flat[1], shapes.test.labels) < 0.4  # measured 0.31, and 0.33 with 10,000 training images


def test_mean_colour_tells_nothing(shapes: Dataset):
    train, test = (part.pixels.mean(axis=(1, 2)) for part in (shapes.train, shapes.test))
    for model in (LogisticRegression(max_iter=1_000), KNeighborsClassifier(15)):
        accuracy = model.fit(train, shapes.train.labels).score(test, shapes.test.labels)
        assert accuracy < 0.13  # chance is 0.10 with a standard deviation of 0.0067


# Hostile input


@pytest.mark.parametrize(
    ("sizes", "split", "found"), [({"train": 9}, "train", 9), ({"test": 0}, "test", 0), ({"test": -1}, "test", -1)]
)
def test_fewer_images_than_classes_are_refused(sizes: dict[str, int], split: str, found: int):
    with pytest.raises(UsageError, match=f"at least 10 {split} images.*found {found}") as caught:
        load_shapes(**{"train": 10, "test": 10} | sizes)
    assert caught.value.exit_code == 2
