"""Portraits and neighbours by hand; changes that are counted as successes only if the network, asked again, says so."""

import copy

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from tests.conftest import SMALL, images
from tests.explaining.small_networks import state, unsettle
from torch import nn

import seefar as sf
from seefar.data.images import Dataset, ImageSet
from seefar.errors import UsageError
from seefar.explaining import classes
from seefar.explaining.classes import counterfactual_neighbours, log_odds, portraits, smallest_change
from seefar.model.load import load_model
from seefar.networks.inference import predict
from seefar.networks.layers import Network

EACH = {
    "vgg": SMALL,
    "fast": {name: value for name, value in SMALL.items() if name != "dense"} | {"model": "fast"},
}
TEST = images(15, 2, "test")


@pytest.fixture(scope="module", params=EACH)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A network of each kind that has learned the three colours."""
    data = Dataset(name="colours", train=images(120, 1, "train"), test=TEST, source="noise around three colours")
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))  # the fixture of that name comes later than this one
        run = sf.train(data, "tiny", out=folder / "run", quiet=True, **EACH[request.param])
    return load_model(run, "cpu").network


def predicted(network: Network, pixels: np.ndarray) -> np.ndarray:
    return predict(network, pixels, torch.float32).argmax(1)


def rms(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one.astype(np.float64) - other) ** 2).mean((1, 2, 3)))


def test_log_odds_order_images_even_where_probabilities_are_rounded_to_one() -> None:
    logits = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    labels = np.arange(9) % 4
    assert expit(log_odds(logits, labels)) == pytest.approx(softmax(logits, 1)[np.arange(9), labels])
    sure = log_odds(np.array([[900, 0], [800, 0]], np.float32), np.array([0, 0]))
    assert sure[0] > sure[1]


def test_a_portrait_by_hand() -> None:
    lead = [5, -1, 3, 1, 4, -2, 2, 9]  # of the first class over the second; the last image is of the second
    labels = np.array([0] * 7 + [1])
    logits = np.stack([lead, np.zeros(8)], 1).astype(np.float32)
    pixels = np.full((8, 2, 2, 3), 10, np.uint8) * np.arange(8, dtype=np.uint8)[:, None, None, None]
    one, other, empty = portraits(np.pad(logits, ((0, 0), (0, 1)), constant_values=-9), labels, pixels, ("a", "b", "c"), most=2)
    assert (one.name, one.images, one.confident) == ("a", 7, 5)
    assert one.typical == [0, 4]
    assert one.atypical == [3, 5]  # the least confident right one; the wrong one with the lowest probability
    assert one.mean_image.dtype == np.uint8
    assert (one.mean_image == 30).all()  # images 0, 2, 3, 4, 6
    assert (other.images, other.confident, other.typical, other.atypical) == (1, 0, [], [7])
    assert (empty.images, empty.confident, empty.typical, empty.atypical) == (0, 0, [], [])
    assert not other.mean_image.any()
    assert empty.mean_image.shape == (2, 2, 3)


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_a_portrait_fills_up_with_the_other_kind_and_shows_none_twice(most: int) -> None:
    rng = np.random.default_rng(most)
    logits, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    labels[:12], logits[:12, 3] = 3, 9  # a class without a mistake
    right = logits.argmax(1) == labels
    for label, found in enumerate(portraits(logits, labels, np.zeros((60, 4, 4, 3), np.uint8), list("abcd"), most)):
        members, good = (labels == label).sum(), (right & (labels == label)).sum()
        shown = found.typical + found.atypical
        assert len(set(shown)) == len(shown)
        assert (labels[shown] == label).all()
        assert right[found.typical].all()
        assert len(found.typical) == min(most, good)
        assert len(found.atypical) == min(most, members - len(found.typical))


def test_the_mean_is_of_the_most_confident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "AVERAGED", 2)
    logits = np.stack([[1.0, 3.0, 2.0], [0.0] * 3], 1)
    pixels = np.array([100, 7, 12], np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    (found,) = portraits(logits, np.zeros(3, np.int64), pixels, ["a"])
    assert found.confident == 2
    assert (found.mean_image == 10).all()  # 9.5, to the even


def test_counterfactual_neighbours_are_what_comparing_all_gives() -> None:
    rng = np.random.default_rng(0)
    queries, known = rng.normal(size=(20, 6)).astype(np.float32), rng.normal(size=(40, 6)).astype(np.float32)
    mine, theirs = rng.integers(0, 4, 20), rng.integers(0, 3, 40)
    positions, cosines = counterfactual_neighbours(queries, mine, known, theirs)
    assert (positions.dtype, cosines.dtype) == (np.int64, np.float32)
    for query, label, place, value in zip(queries, mine, positions, cosines, strict=True):
        every = known @ query / np.linalg.norm(known, axis=1) / np.linalg.norm(query)
        every[theirs == label] = -2
        assert place == every.argmax()
        assert value == pytest.approx(every.max(), abs=1e-6)


def test_where_all_are_called_the_same_there_is_no_counterfactual() -> None:
    features = np.eye(3, dtype=np.float32)
    positions, cosines = counterfactual_neighbours(features, np.array([0, 1, 0]), features, np.zeros(3, np.int64))
    assert positions.tolist() == [-1, 1, -1]
    assert cosines.tolist() == [-1, 1, -1]
    assert counterfactual_neighbours(features, np.zeros(3), features[:0], np.zeros(0))[0].tolist() == [-1] * 3


def test_nearly_all_are_turned_by_less_than_what_the_nearest_real_image_differs(trained: Network) -> None:
    pixels = TEST.pixels
    wanted = (predicted(trained, pixels) + 1) % 3
    found = smallest_change(trained, pixels, wanted)
    assert (found.pixels.dtype, found.pixels.shape) == (np.uint8, pixels.shape)
    assert (found.turned.dtype, found.size.dtype) == (bool, np.float32)
    assert found.turned.mean() >= 0.9
    assert (predicted(trained, found.pixels) == wanted)[found.turned].all()
    assert found.size == pytest.approx(rms(found.pixels, pixels))
    train: ImageSet = images(120, 1, "train")
    calls = predicted(trained, train.pixels)
    for i in np.flatnonzero(found.turned):
        real = train.pixels[calls == wanted[i]]
        assert 0 < found.size[i] < rms(real, pixels[i]).min()


def test_in_batches_of_one_they_are_turned_too(trained: Network) -> None:
    wanted = (predicted(trained, TEST.pixels) + 1) % 3
    found = smallest_change(trained, TEST.pixels, wanted, steps=30)
    assert (predict(trained, found.pixels, torch.float32, batch=1).argmax(1) == wanted)[found.turned].all()


def test_on_a_linear_network_it_is_the_way_to_the_boundary() -> None:
    """Where the answer is known: half a level of rounding aside, the change is the lead divided by the slope."""

    class Linear(Network):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.Sequential(nn.Identity())
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))

    network = Linear()
    weights = torch.randn(2, 192, generator=torch.Generator().manual_seed(0))
    network.classifier.load_state_dict({"weight": weights, "bias": torch.zeros(2)})
    pixels = np.random.default_rng(0).integers(100, 156, (8, 8, 8, 3), dtype=np.uint8)
    logits = predict(network, pixels, torch.float32)
    found = smallest_change(network, pixels, 1 - logits.argmax(1))
    slope = float((weights[0] - weights[1]).norm()) / 255
    least = np.abs(logits[:, 0] - logits[:, 1]) / slope / np.sqrt(192)
    assert found.turned.all()
    assert (found.size > least * 0.999).all()
    assert (found.size < least * 1.05 + 0.5).all()


def test_an_image_that_is_called_so_already_stays(trained: Network) -> None:
    pixels = TEST.pixels[:6]
    wanted = predicted(trained, pixels)
    wanted[0] = (wanted[0] + 1) % 3
    found = smallest_change(trained, pixels, wanted)
    assert np.array_equal(found.pixels[1:], pixels[1:])
    assert found.size[1:].tolist() == [0] * 5
    assert found.turned[1:].all()
    assert found.size[0] > 0


def test_what_cannot_be_turned_is_not_said_to_be_and_stays(trained: Network) -> None:
    blind = copy.deepcopy(trained)
    for parameter in blind.classifier.parameters():
        parameter.data.zero_()
    found = smallest_change(blind, TEST.pixels[:5], np.array([0, 1, 2, 1, 0]), steps=5)  # without a slope, and all are called 0
    assert found.turned.tolist() == [True, False, False, False, True]
    assert np.array_equal(found.pixels, TEST.pixels[:5])
    assert not found.size.any()


def test_what_the_search_finds_counts_only_if_the_network_says_so(trained: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "_says", lambda _network, images, _wanted: np.zeros(len(images), bool))
    found = smallest_change(trained, TEST.pixels[:3], (predicted(trained, TEST.pixels[:3]) + 1) % 3, steps=10)
    assert not found.turned.any()
    assert np.array_equal(found.pixels, TEST.pixels[:3])
    assert not found.size.any()


@pytest.mark.parametrize(("name", "off"), [("SHRINK", (0.0, 0.0)), ("BISECTIONS", 0)])
def test_shrinking_and_bisecting_find_smaller_changes(
    trained: Network, monkeypatch: pytest.MonkeyPatch, name: str, off: object
) -> None:
    pixels = TEST.pixels
    wanted = (predicted(trained, pixels) + 1) % 3
    best = smallest_change(trained, pixels, wanted, steps=20)
    monkeypatch.setattr(classes, name, off)
    plain = smallest_change(trained, pixels, wanted, steps=20)
    assert best.turned[plain.turned].all()
    assert best.size[plain.turned].sum() < plain.size[plain.turned].sum()


def test_more_steps_find_smaller_changes_and_the_same_call_the_same_bytes(trained: Network) -> None:
    pixels = TEST.pixels[:12]
    wanted = (predicted(trained, pixels) + 1) % 3
    few, many, again = (smallest_change(trained, pixels, wanted, steps) for steps in (6, 60, 60))
    assert many.size[few.turned].mean() < few.size[few.turned].mean()
    assert many.pixels.tobytes() == again.pixels.tobytes()


def test_the_network_is_as_it_was_and_the_images_too(trained: Network) -> None:
    pixels = TEST.pixels[:3].copy()
    unsettle(trained)
    before = state(trained)
    with torch.no_grad():
        smallest_change(trained, pixels, np.array([0, 1, 2]), steps=3)
    assert np.array_equal(pixels, TEST.pixels[:3])
    assert state(trained) == before
    trained.zero_grad()
    trained.eval()


def test_no_images_and_classes_that_are_not_there(trained: Network) -> None:
    none = smallest_change(trained, TEST.pixels[:0], np.zeros(0, np.int64))
    assert none.pixels.shape == (0, 16, 16, 3)
    assert none.turned.shape == none.size.shape == (0,)
    with pytest.raises(UsageError, match=r"must be 0\.\.2; found 0\.\.3"):
        smallest_change(trained, TEST.pixels[:2], np.array([0, 3]))
