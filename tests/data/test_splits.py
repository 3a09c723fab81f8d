"""Splits: stratified, disjoint, complete, seeded; faults 25 (a class too small) and 46 (test split off by rule)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar.data.images import ImageSet
from seefar.data.splits import carve, part
from seefar.errors import DataError, UsageError

label_lists = st.lists(st.integers(2, 30), min_size=1, max_size=6).flatmap(
    lambda counts: st.permutations([label for label, count in enumerate(counts) for _ in range(count)])
)
shares = st.floats(0, 0.5, exclude_min=True)


def images(labels: list[int], pixel: int = 0) -> ImageSet:
    classes = tuple(f"class{label}" for label in range(max(labels) + 1))
    pixels = np.full((len(labels), 1, 1, 3), pixel, np.uint8)
    return ImageSet(pixels, np.array(labels, np.int64), classes, tuple(f"{i}.png" for i in range(len(labels))))


@given(label_lists, shares, st.integers())
def test_parts_are_disjoint_complete_in_order_and_stratified(labels: list[int], share: float, seed: int) -> None:
    """Fault 46: the same law holds for a test set split off by rule."""
    whole = images(labels)
    rest, carved = carve(whole, share, seed, "test")
    assert not set(rest.ids) & set(carved.ids)
    assert set(rest.ids) | set(carved.ids) == set(whole.ids)
    for one in (rest, carved):
        assert one.ids == tuple(id_ for id_ in whole.ids if id_ in set(one.ids))
        assert [labels[int(id_.removesuffix(".png"))] for id_ in one.ids] == one.labels.tolist()
    assert carved.counts().tolist() == [max(1, round(share * count)) for count in whole.counts().tolist()]
    assert min(rest.counts()) >= 1


def test_a_part_has_the_proportions_of_the_whole() -> None:
    whole = images([0] * 60 + [1] * 30 + [2] * 10)
    assert part(whole, 50, seed=0).counts().tolist() == [30, 15, 5]
    assert part(whole, 50, seed=0).ids == part(whole, 50, seed=0).ids != part(whole, 50, seed=1).ids
    assert part(whole, 100, seed=3).ids == whole.ids
    with pytest.raises(UsageError, match="subset is 29; allowed is 30 to 100"):
        part(whole, 29, seed=0)


@given(label_lists, st.integers())
def test_same_seed_same_split_whatever_the_pixels(labels: list[int], seed: int) -> None:
    assert carve(images(labels, 1), 0.3, seed, "test")[1].ids == carve(images(labels, 200), 0.3, seed, "test")[1].ids


def test_seed_and_purpose_change_the_split() -> None:
    whole = images([0, 1] * 100)
    splits = {carve(whole, 0.2, seed, purpose)[1].ids for seed in (0, 1) for purpose in ("validation", "test")}
    assert len(splits) == 4


def test_the_split_of_a_release_is_that_of_the_next() -> None:
    """A stored split: another numpy or another order of the draws would change every published figure without a sign."""
    assert carve(images([0, 1] * 10), 0.2, 0, "validation")[1].ids == ("2.png", "5.png", "11.png", "18.png")


def test_every_image_is_carved_off_equally_often() -> None:
    whole = images([0] * 10)
    times = np.zeros(10)
    for seed in range(1000):
        for id_ in carve(whole, 0.3, seed, "test")[1].ids:
            times[int(id_.removesuffix(".png"))] += 1
    assert np.all(abs(times - 300) < 75)  # 5 standard deviations of a binomial (1000, 0.3)


@pytest.mark.parametrize("count", [0, 1])
def test_fault_25_class_too_small_to_split(count: int) -> None:
    whole = ImageSet(
        np.zeros((3 + count, 1, 1, 3), np.uint8),
        np.array([0, 0, 0] + [1] * count, np.int64),
        ("cat", "ship"),
        tuple("abcd"[: 3 + count]),
    )
    with pytest.raises(DataError, match=rf"validation in class 'ship' \({count}\); every class needs at least 2") as caught:
        carve(whole, 0.1, 0, "validation")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("share", [0, -0.1, 0.51, 1, float("nan"), float("inf")])
def test_share_out_of_range(share: float) -> None:
    with pytest.raises(UsageError, match=r"above 0 and at most 0\.5; found") as caught:
        carve(images([0, 0]), share, 0, "validation")
    assert caught.value.exit_code == 2


def test_equal_images_stay_on_one_side_and_the_share_is_kept() -> None:
    """Every image is there three times: by chance nearly all of those chosen would have a copy on the other side."""
    pixels = np.random.default_rng(0).integers(0, 255, (200, 4, 4, 3), np.uint8)
    labels = np.arange(200) % 2
    thrice = ImageSet(
        np.tile(pixels, (3, 1, 1, 1)), np.tile(labels, 3).astype(np.int64), ("cat", "dog"), tuple(map(str, range(600)))
    )
    rest, carved = carve(thrice, 0.1, 0, "validation")
    sides = [{image.tobytes() for image in part.pixels} for part in (rest, carved)]
    assert not sides[0] & sides[1]
    assert len(rest) + len(carved) == 600
    assert 30 < len(carved) < 90
    assert carved.counts().min() > 10
