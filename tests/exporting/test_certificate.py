"""The certificate's arithmetic, by hand, and what it refuses."""

import numpy as np
import pytest

from seefar.errors import ModelFileError
from seefar.exporting.certificate import agreement, images_per_second, insist, rounded, threads_to_measure
from seefar.model.answers import Answers


def answers(probabilities: list[list[float]], features: float = 1.0, maps: float | None = None) -> Answers:
    rows = np.array(probabilities, np.float32)
    return Answers(
        np.log(rows),
        np.full((len(rows), 2), features, np.float32),
        rows,
        None if maps is None else np.full((len(rows), rows.shape[1], 2, 2), maps, np.float32),
    )


TRAINED = [[0.7, 0.2, 0.1], [0.4998, 0.5002, 1e-9], [0.1, 0.1, 0.8]]


def test_equal_answers_agree() -> None:
    found = agreement(answers(TRAINED), answers(TRAINED))
    assert (found.images, found.same, found.ties, found.differing) == (3, 1.0, 0, 0)
    assert (found.probability, found.logit, found.feature, found.map) == (0, 0, 0, None)
    assert found.holds
    insist(found, "file")


def test_another_class_within_a_thousandth_is_a_tie() -> None:
    found = agreement(answers(TRAINED), answers([TRAINED[0], [0.5001, 0.4999, 1e-9], TRAINED[2]]))
    assert (found.ties, found.differing) == (1, 0)
    assert found.same == pytest.approx(2 / 3)
    assert found.probability == pytest.approx(0.0003, abs=1e-6)
    assert found.holds


def test_another_class_that_is_no_tie_does_not_hold_even_where_probabilities_are_near() -> None:
    trained, exported = answers([[0.501, 0.499]]), answers([[0.4995, 0.5005]])
    found = agreement(trained, exported)
    assert (found.ties, found.differing) == (0, 1)
    with pytest.raises(ModelFileError, match="of 1 images 1 have another class") as raised:
        insist(found, "file")
    assert raised.value.exit_code == 4


def test_probabilities_that_differ_by_more_than_a_thousandth_do_not_hold() -> None:
    near, far = ([[0.7 + change, 0.3 - change]] for change in (0.0009, 0.0011))
    assert agreement(answers([[0.7, 0.3]]), answers(near)).holds
    with pytest.raises(ModelFileError, match=r"a probability differs by 0.0011 where 0.001 is allowed; nothing was written"):
        insist(agreement(answers([[0.7, 0.3]]), answers(far)), "file")


def test_features_and_maps_are_compared_with_the_largest_of_them() -> None:
    found = agreement(answers(TRAINED, 2.0, 10.0), answers(TRAINED, 2.2, 9.0))
    assert found.feature == pytest.approx(0.1)
    assert found.map == pytest.approx(0.1)


def test_answers_that_are_no_numbers_or_too_few_are_refused() -> None:
    with pytest.raises(ModelFileError, match="or not with finite numbers"):
        agreement(answers([[0.7, 0.3]]), answers([[np.nan, 0.3]]))
    with pytest.raises(ModelFileError, match="answers with"):
        agreement(answers([[0.7, 0.3]]), answers(TRAINED))


def test_speed_is_images_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seefar.exporting.certificate.SECONDS", 0.5)
    seen: list[int] = []
    speed = images_per_second(lambda pixels: seen.append(len(pixels)), np.zeros((700, 1, 1, 3), np.uint8))
    assert set(seen) == {512}
    assert speed == pytest.approx((len(seen) - 1) * 512 / 0.5, rel=0.1)
    assert threads_to_measure()[0] == 1


def test_numbers_are_shortened_at_every_depth() -> None:
    assert rounded({"a": [1.23456789, {"b": (2, "x", None, True)}]}) == {"a": [1.23457, {"b": [2, "x", None, True]}]}
