"""Neighbours against brute force, votes against scikit-learn's, maps that are the same for the same seed."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from seefar.explaining import space
from seefar.explaining.space import knn_accuracy, nearest, pca, tsne
from seefar.metrics import wilson


def groups(n: int, seed: int, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Features in three groups, and which group each is of."""
    labels = np.arange(n) % 3
    centres = np.random.default_rng(0).normal(size=(3, 8)) * apart
    noise = np.random.default_rng(seed).normal(size=(n, 8))
    return (centres[labels] + noise).astype(np.float32), labels


def global_state() -> list[object]:
    return [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()]  # noqa: NPY002


def test_nearest_is_what_comparing_all_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "BLOCK", 7)
    queries, known = groups(20, 1)[0], groups(50, 2)[0]
    positions, cosines = nearest(queries, known, 5)
    assert (positions.dtype, positions.shape, cosines.dtype, cosines.shape) == (np.int64, (20, 5), np.float32, (20, 5))
    for query, places, values in zip(queries.astype(np.float64), positions, cosines, strict=True):
        every = [float(query @ row / np.linalg.norm(query) / np.linalg.norm(row)) for row in known.astype(np.float64)]
        assert places.tolist() == sorted(range(50), key=lambda i: -every[i])[:5]
        assert values == pytest.approx([every[i] for i in places], abs=1e-6)


def test_of_equally_near_ones_the_first() -> None:
    known = np.array([[0, 1], [1, 0], [2, 0], [0, 3], [4, 0]], np.float32)
    assert nearest(np.array([[5, 0]], np.float32), known, 2)[0].tolist() == [[1, 2]]
    assert nearest(np.array([[5, 0]], np.float32), known, 4)[0].tolist() == [[1, 2, 4, 0]]
    assert nearest(np.zeros((2, 2), np.float32), known, 3)[0].tolist() == [[0, 1, 2]] * 2  # a query without a direction


def test_an_image_finds_itself_and_no_more_than_there_are() -> None:
    features = groups(12, 1)[0]
    positions, cosines = nearest(features, features, 99)
    assert positions.shape == (12, 12)
    assert positions[:, 0].tolist() == list(range(12))
    assert cosines[:, 0] == pytest.approx(1)
    assert cosines.max() <= 1
    assert nearest(features, features[:0], 3)[0].shape == (12, 0)
    assert nearest(features[:0], features, 3)[1].shape == (0, 3)


def test_votes_agree_with_those_of_scikit_learn_where_groups_stand_apart() -> None:
    (known, known_labels), (features, labels) = groups(90, 1), groups(60, 2)
    judge = KNeighborsClassifier(5, metric="cosine", weights="distance").fit(known, known_labels)
    doubtful = np.where(np.arange(60) < 9, (labels + 1) % 3, labels)  # nine that neighbours cannot know
    expected = int((judge.predict(features) == doubtful).sum())
    assert 45 < expected < 60
    assert knn_accuracy(features, doubtful, known, known_labels, 5) == wilson(expected, 60)


def test_of_equal_votes_the_nearer_wins_and_a_near_one_outvotes_two_far_ones() -> None:
    query = np.array([[1, 0]], np.float32)
    known = np.array([[0.6, 0.8], [0.8, 0.6], [0.8, -0.6], [0.6, -0.8]], np.float32)
    for labels, winner in (([1, 0, 1, 0], 0), ([0, 1, 0, 1], 1)):  # one vote of 0.6 and one of 0.8 each
        assert knn_accuracy(query, np.array([winner]), known, np.array(labels), 4).value == 1
    known = np.array([[1, 0.01], [0.6, 0.8], [0.6, -0.8]], np.float32)
    assert knn_accuracy(query, np.array([1]), known, np.array([1, 0, 0]), 3).value == 1
    assert knn_accuracy(query, np.array([0]), known, np.array([0, 1, 1]), 3).value == 1
    known = np.array([[0.8, 0.6], [0.79, 0.61], [0.79, -0.61]], np.float32)  # but two that are about as near outvote one
    assert knn_accuracy(query, np.array([1]), known, np.array([0, 1, 1]), 3).value == 1


def test_with_nothing_known_nothing_is_found() -> None:
    features, labels = groups(6, 1)
    assert knn_accuracy(features, labels, features[:0], labels[:0]) == wilson(0, 6)
    assert knn_accuracy(features[:0], labels[:0], features, labels) == wilson(0, 0)


def test_pca_is_scikit_learns_and_keeps_what_lies_in_a_plane() -> None:
    features = groups(40, 1)[0]
    assert np.abs(pca(features)) == pytest.approx(np.abs(PCA(2, svd_solver="full").fit_transform(features)), abs=1e-4)
    rng = np.random.default_rng(3)
    flat = (rng.normal(size=(30, 2)) @ np.linalg.qr(rng.normal(size=(8, 2)))[0].T).astype(np.float32)
    between = np.linalg.norm(flat[:, None] - flat, axis=2)
    places = pca(flat)
    assert np.linalg.norm(places[:, None] - places, axis=2) == pytest.approx(between, abs=1e-4)


@pytest.mark.parametrize("embed", [pca, tsne])
def test_the_same_seed_gives_the_same_bytes_and_global_randomness_stays(embed: space.Callable) -> None:
    features = groups(60, 1)[0]
    before = global_state()
    first, second = embed(features, 5), embed(features.copy(), 5)
    assert (first.dtype, first.shape) == (np.float32, (60, 2))
    assert first.tobytes() == second.tobytes()
    assert global_state() == before


def test_tsne_keeps_groups_together() -> None:
    features, labels = groups(90, 1, apart=5)
    places = tsne(features, 0)
    judge = KNeighborsClassifier(3).fit(places[::2], labels[::2])
    assert judge.score(places[1::2], labels[1::2]) == 1


@pytest.mark.parametrize("embed", [pca, tsne])
@pytest.mark.parametrize(
    "features",
    [
        np.zeros((0, 4)),
        np.ones((1, 4)),
        np.ones((20, 4)),
        np.zeros((20, 4)),
        np.arange(20)[:, None],
        np.arange(12).reshape(3, 4),
    ],
    ids=["none", "one", "all the same", "all zero", "a line", "three"],
)
def test_however_little_there_is_a_map_of_numbers(embed: space.Callable, features: np.ndarray) -> None:
    places = embed(features.astype(np.float32), 0)
    assert places.dtype == np.float32
    assert places.shape == (len(features), 2)
    assert np.isfinite(places).all()
