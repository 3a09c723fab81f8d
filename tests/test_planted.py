"""The planted sets are what their names say: counted here anew, pixel by pixel, without anything of seefar."""

import functools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.planted import DRAWN, EDGE, PLANTED, Planted, joined, left_out, write

from seefar.data.describe import leaks
from seefar.data.distinct import distinct
from seefar.data.images import ImageSet
from seefar.data.load import load
from seefar.evaluation.figures import independent
from seefar.evaluation.headline import headline
from seefar.metrics import wilson

LEAST = 30  # images of a class from which a figure means something


@pytest.fixture(params=PLANTED, scope="module")
def planted(request: pytest.FixtureRequest) -> Planted:
    return PLANTED[request.param]()


def test_what_counts_is_what_is_new_and_there_once(planted: Planted) -> None:
    reasons = left_out(planted.data)
    assert planted.clean.tolist() == [not reason for reason in reasons]
    assert (planted.copies, planted.repeats, planted.contradicting) == tuple(
        reasons.count(reason) for reason in ("copies", "repeats", "contradicting")
    )


def test_a_set_is_measurable_if_enough_of_every_class_counts(planted: Planted) -> None:
    assert planted.measurable == (planted.data.test[planted.clean].counts().min() >= LEAST)


def test_no_image_that_counts_looks_just_like_a_training_image(planted: Planted) -> None:
    assert leaks(planted.data.train, planted.data.test[planted.clean]).count == 0


def test_a_set_is_the_same_each_time(request: pytest.FixtureRequest, planted: Planted) -> None:
    again = PLANTED[request.node.callspec.params["planted"]]()
    assert (again.data.train.digest, again.data.test.digest) == (planted.data.train.digest, planted.data.test.digest)


def by_border(train: ImageSet, test: ImageSet) -> float:
    """What the pixels around an image say of its class: balanced accuracy."""

    def rim(images: ImageSet) -> np.ndarray:
        inside = np.zeros(images.pixels.shape[1:3], bool)
        inside[EDGE:-EDGE, EDGE:-EDGE] = True
        colours: np.ndarray = images.pixels[:, ~inside].mean(1) / 255
        return colours

    model = LogisticRegression(class_weight="balanced").fit(rim(train), train.labels)
    right = model.predict(rim(test)) == test.labels
    return float(np.mean([right[test.labels == label].mean() for label in range(len(test.classes))]))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("border", 0.99, 1), ("perfect", 0.15, 0.5), ("half_copies", 0.15, 0.5), ("uneven", 0.35, 0.65), ("file_type", 0.15, 0.5)],
)
def test_borders_tell_the_classes_apart_in_one_set_only(name: str, low: float, high: float) -> None:
    data = PLANTED[name]().data
    assert low <= by_border(data.train, data.test) <= high


def test_inside_their_borders_the_framed_images_are_mere_noise() -> None:
    data = PLANTED["border"]().data
    inside = data.train.pixels[:, EDGE:-EDGE, EDGE:-EDGE].astype(float)
    means = [inside[data.train.labels == label].mean() for label in range(3)]
    assert max(means) - min(means) < 8  # of 255; the grounds alone differ by as much by chance
    for axis in (1, 2):  # stripes would show as rows or columns that differ from others by more than noise does
        spread = inside.mean(axis=3).mean(axis=axis).std(axis=1)
        assert spread.mean() < 1.1 * 30 / np.sqrt(inside.shape[1])


def test_the_stripes_can_be_told_from_noise() -> None:
    """The other side of the test above."""
    data = PLANTED["perfect"]().data
    level = data.train.pixels[data.train.labels == 0][:, EDGE:-EDGE, EDGE:-EDGE].astype(float)
    assert level.mean(axis=3).mean(axis=2).std(axis=1).mean() > 3 * 30 / np.sqrt(level.shape[1])


def test_the_type_of_a_file_is_its_class() -> None:
    for images in (PLANTED["file_type"]().data.train, PLANTED["file_type"]().data.test):
        pairs = {(Path(id_).suffix, label) for id_, label in zip(images.ids, images.labels.tolist(), strict=True)}
        assert len(pairs) == 3


def test_every_training_image_is_there_three_times() -> None:
    train = PLANTED["validation_copies"]().data.train
    assert set(Counter(image.tobytes() for image in train.pixels).values()) == {3}


def test_ninety_nine_of_a_hundred_images_are_of_one_class() -> None:
    data = PLANTED["uneven"]().data
    assert [images.counts().max() / len(images) for images in (data.train, data.test)] == [0.99, 0.99]


def test_the_labels_of_one_set_say_nothing() -> None:
    data, true = PLANTED["chance"]().data, np.repeat(np.arange(3), 120)
    assert (data.train.labels == true).mean() == pytest.approx(1 / 3, abs=0.07)


def test_a_class_of_drawings_is_tested_on_one_image() -> None:
    data = PLANTED["drawings"]().data
    for label in range(len(DRAWN)):
        assert Counter(image.tobytes() for image in data.test.pixels[data.test.labels == label]).most_common(1)[0][1] == 200


@pytest.mark.parametrize("name", ["file_type", "drawings"])
def test_what_is_written_as_files_is_loaded_as_it_was(name: str, tmp_path: Path) -> None:
    planted = PLANTED[name]()
    found = load(write(planted.data, tmp_path / name), size=16)
    order = found.test.select(list(planted.data.test.ids))
    assert np.array_equal(order.pixels, planted.data.test.pixels)
    assert np.array_equal(order.labels, planted.data.test.labels)


@functools.cache
def interval(right: int, images: int) -> tuple[float, float]:
    """The headline's, of a network that was right so often."""
    found = headline(wilson(right, images), [], [100, 100, 100], images, images)
    return found.low, found.high


def covered(right: np.ndarray, truth: float) -> float:
    """How often the interval holds the truth; `right` is bool `(repetitions, images)`."""
    ends = [interval(int(row.sum()), len(row)) for row in right]
    return float(np.mean([low <= truth <= high for low, high in ends]))


@pytest.mark.parametrize("truth", [0.6, 0.85, 0.95])
def test_the_interval_holds_the_truth_whatever_copies_are_planted(truth: float) -> None:
    """In 93 to 97 of 100 test sets: new images are right as often as the truth says, copies always, repeats with their first."""
    data = PLANTED["half_copies"]().data  # 120 new ones, then 120 copies
    repeated = joined([data.test, data.test[:60], data.test[:60]], "test")
    found = distinct(repeated, data.train)
    new = np.random.default_rng(7).random((4000, 120)) < truth
    right = np.concatenate([new, np.ones((4000, 120), bool), new[:, :60], new[:, :60]], axis=1)
    assert 0.93 <= covered(right[:, found.counts], truth) <= 0.97
    assert covered(right, truth) < 0.75  # as they came


@pytest.mark.parametrize("sizes", [[1] * 120, [4] * 50, [1] * 60 + [5] * 20, [1] * 100 + [10] * 4])
@pytest.mark.parametrize("truth", [0.6, 0.85])
def test_the_interval_holds_the_truth_whatever_bursts_there_are(sizes: list[int], truth: float) -> None:
    """Large ones and small ones: counting each as one image held it 60 to 87 times in a hundred."""
    bursts = np.repeat(np.arange(len(sizes)), sizes)
    new = np.random.default_rng(8).random((2000, len(sizes))) < truth
    held = [low <= truth <= high for low, high in (within(int(row[bursts].sum()), tuple(sizes)) for row in new)]
    assert 0.925 <= np.mean(held) <= 0.975


@functools.cache
def within(right: int, sizes: tuple[int, ...]) -> tuple[float, float]:
    """The headline's interval of a network that was right so often on images in bursts."""
    images, bursts = sum(sizes), np.repeat(np.arange(len(sizes)), sizes)
    found = headline(wilson(right, images), [], [100, 100], images, independent(bursts))
    return found.low, found.high
