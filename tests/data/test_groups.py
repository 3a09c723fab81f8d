"""Splits that keep each group on one side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seefar.data.groups import group_in, pattern_of
from seefar.data.image_set import ImageSet
from seefar.data.splits import carve
from seefar.errors import DataError, UsageError


def grouped(labels: list[int], groups: list[int], seed: int = 0) -> ImageSet:
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 8, 8, 3), dtype=np.uint8)
    ids = tuple(f"{i:04d}" for i in range(len(labels)))
    names = tuple(f"class {i}" for i in range(max(labels) + 1))
    return ImageSet(pixels, np.array(labels, np.int64), names, ids, tuple(f"g{group}" for group in groups))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(4, 30), st.floats(0.05, 0.5))
def test_no_group_is_parted_every_class_is_on_both_sides_and_nothing_is_lost(seed: int, groups: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    of_group = rng.integers(0, 2, groups)
    of_group[:4] = [0, 0, 1, 1]
    belongs = np.concatenate([np.arange(groups), rng.integers(0, groups, 5 * groups)])
    images = grouped(of_group[belongs].tolist(), belongs.tolist())
    rest, carved = carve(images, share, seed, "validation")
    assert not set(rest.groups) & set(carved.groups)
    assert {*rest.ids, *carved.ids} == set(images.ids)
    assert len(rest) + len(carved) == len(images)
    assert rest.counts().all()
    assert carved.counts().all()


def test_the_share_is_met_where_groups_allow_it_and_the_seed_decides() -> None:
    images = grouped([i // 10 % 3 for i in range(900)], [i // 10 for i in range(900)])
    parts = [carve(images, 0.2, seed, "test")[1] for seed in (0, 0, 1)]
    assert parts[0].ids == parts[1].ids != parts[2].ids
    assert [part.counts().tolist() for part in parts] == [[60, 60, 60]] * 3
    assert carve(images, 0.2, 0, "validation")[1].ids != parts[0].ids


def test_groups_that_share_an_equal_image_stay_together() -> None:
    images = grouped([i // 4 % 2 for i in range(80)], [i // 4 for i in range(80)])
    pixels = images.pixels.copy()
    pixels[0] = pixels[8] = pixels[16]  # groups 0, 2 and 4
    images = ImageSet(pixels, images.labels, images.classes, images.ids, images.groups)
    for seed in range(10):
        _, carved = carve(images, 0.2, seed, "test")
        assert len({"g0", "g2", "g4"} & set(carved.groups)) in (0, 3)


def test_a_class_in_one_group_is_refused_in_a_sentence() -> None:
    images = grouped([0] * 10 + [1] * 10, [0] * 10 + list(range(1, 11)))
    with pytest.raises(DataError, match=r"class 'class 0' is in 1 group, so none can be split off for test; every class needs"):
        carve(images, 0.2, 0, "test")


def test_groups_that_tie_all_classes_together_are_refused_in_a_sentence() -> None:
    images = grouped([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0])
    with pytest.raises(DataError, match="no division of the 3 groups leaves every class on both sides"):
        carve(images, 0.2, 0, "test")


def test_a_group_is_the_first_bracket_or_the_whole_match() -> None:
    assert group_in(pattern_of("(deer[0-9]+)_"), "deer/deer12_3.jpg") == "deer12"
    assert group_in(pattern_of("deer[0-9]+"), "deer/deer12_3.jpg") == "deer12"
    assert group_in(pattern_of("(?:^|/)([^/_]+)_"), "train/cat/tom_1.jpg") == "tom"
    for expression, name in (("(deer[0-9]+)_", "cat/1.jpg"), ("(x?)deer", "deer")):
        with pytest.raises(DataError, match="finds no group in the image"):
            group_in(pattern_of(expression), name)
    with pytest.raises(UsageError, match="is no regular expression"):
        pattern_of("(deer")
