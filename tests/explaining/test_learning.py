"""Learning by tables worked by hand: when, how often forgotten, how sure, and images that were not shown."""

import numpy as np
import pytest

from seefar.explaining.learning import LISTED, learning, regions

NAN = np.nan
R, W, _ = 0.8, 0.2, NAN  # right with 0.8, wrong with 0.2, not shown


def table(*rows: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """One row an image, one column an epoch; turned as `learning` takes them. Right means more than a half."""
    probability = np.array(rows, np.float32).T
    return probability > 0.5, probability


CASES = [  # what was shown, learned_at, forgotten
    ([R, R, R, R], 1, 0),
    ([W, W, R, R], 3, 0),
    ([W, R, W, R], 4, 1),
    ([R, W, R, W], 0, 2),
    ([W, W, W, W], 0, 0),
    ([W, W, W, R], 4, 0),
    ([R, _, W, R], 4, 1),  # forgotten between the first and the third epoch, its consecutive showings
    ([R, _, _, R], 1, 0),
    ([W, _, R, _], 3, 0),  # learned at a showing, not in the epoch without one
    ([_, _, R, W], 0, 1),
    ([_, R, _, _], 2, 0),
    ([_, _, _, _], 0, 0),
]


def test_when_learned_and_how_often_forgotten() -> None:
    found = learning(*table(*(row for row, *_expected in CASES)))
    assert found.learned_at.tolist() == [when for _row, when, _often in CASES]
    assert found.forgotten.tolist() == [often for _row, _when, often in CASES]
    assert (found.learned_at.dtype, found.forgotten.dtype) == (np.int64, np.int64)


def test_what_right_says_where_an_image_was_not_shown_is_of_no_account() -> None:
    right, probability = table(*(row for row, *_expected in CASES))
    one, other = learning(right, probability), learning(right | np.isnan(probability), probability)
    for name in ("learned_at", "forgotten", "confidence", "variability"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)


def test_confidence_and_variability_by_hand() -> None:
    found = learning(*table([0.2, 0.4, 0.9], [0.5, _, 0.7], [_, 0.3, _], [_, _, _]))
    assert found.confidence[:3] == pytest.approx([0.5, 0.6, 0.3])
    assert found.variability[:3] == pytest.approx([np.sqrt((0.09 + 0.01 + 0.16) / 3), 0.1, 0])
    assert np.isnan([found.confidence[3], found.variability[3]]).all()
    assert (found.confidence.dtype, found.variability.dtype) == (np.float32, np.float32)


def test_they_are_numpys_where_all_was_shown() -> None:
    probability = np.random.default_rng(0).random((7, 50), np.float32)
    found = learning(probability > 0.5, probability)
    assert found.confidence == pytest.approx(probability.mean(0), abs=1e-6)
    assert found.variability == pytest.approx(probability.std(0), abs=1e-6)


def test_the_lists_by_hand() -> None:
    found = learning(
        *table(
            [0.6, 0.7],  # 0: learned at 1
            [0.6, 0.9],  # 1: learned at 1, more confident
            [0.1, 0.9],  # 2: learned at 2
            [0.6, 0.2],  # 3: forgotten
            [0.1, 0.2],  # 4: never
            [_, _],  # 5: never shown, so in no list
            [0.6, 0.7],  # 6: as 0, so behind it
        )
    )
    assert found.early == [1, 0, 6, 2]
    assert found.late == []  # all that were learned are in `early`
    assert found.never == [4, 3]
    assert found.forgotten_most == [3]


def test_lists_are_short_and_early_and_late_are_others() -> None:
    probability = np.random.default_rng(1).random((9, 400), np.float32)
    found = learning(probability > 0.5, probability)
    for name in ("early", "late", "never", "forgotten_most"):
        places = getattr(found, name)
        assert len(places) == len(set(places)) == LISTED
        assert all(type(place) is int for place in places)
    assert not set(found.early) & set(found.late)
    assert (found.learned_at[found.early] > 0).all()
    assert found.learned_at[found.late].min() == found.learned_at.max()
    assert (found.learned_at[found.never] == 0).all()
    assert found.forgotten[found.forgotten_most].min() == np.sort(found.forgotten)[-LISTED]


def test_many_equal_images_are_chosen_by_position() -> None:
    found = learning(*table(*[[R, R]] * 60))
    assert found.early == list(range(24))
    assert found.late == list(range(24, 48))


def test_regions_by_hand() -> None:
    found = learning(
        *table(
            [0.9, 0.9, 0.9],  # easy
            [0.5, 0.5, 0.5],  # easy: just
            [0.1, 0.2, 0.1],  # hard
            [0.0, 1.0, 1.0],  # ambiguous: deviation 0.47
            [0.0, 0.0, 0.8],  # ambiguous: 0.38, whatever the mean
            [_, _, _],
        )
    )
    assert regions(found) == {"easy": 2, "ambiguous": 2, "hard": 1}
    # Exactly at the threshold: surely wrong in one of ten showings, surely right in the others
    assert regions(learning(*table([0.0] + [1.0] * 9))) == {"easy": 1, "ambiguous": 0, "hard": 0}


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_without_epochs_or_images_there_is_nothing(shape: tuple[int, int]) -> None:
    found = learning(np.zeros(shape, bool), np.zeros(shape, np.float32))
    assert found.learned_at.tolist() == [0] * shape[1]
    assert found.early == found.late == found.never == found.forgotten_most == []
    assert regions(found) == {"easy": 0, "ambiguous": 0, "hard": 0}
