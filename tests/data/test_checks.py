"""Findings: each planted fault is found with its numbers, worst first, and clean images give none but what is true of them."""

import dataclasses

import numpy as np
from tests.conftest import colours

from seefar.data.checks import FEW, Finding, inspect_split, inspect_test, is_uneven, near_finding, worst_first
from seefar.data.images import Dataset, ImageSet


def noise(n: int, seed: int, split: str, classes: int = 3) -> ImageSet:
    """Images that no shortcut tells apart."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    labels = (np.arange(n) % classes).astype(np.int64)
    return ImageSet(pixels, labels, tuple("abc"[:classes]), tuple(f"{split}/{i}" for i in range(n)))


TRAIN, TEST = noise(300, 1, "train"), noise(120, 2, "test")


def repeated(whole: ImageSet, where: dict[int, int], source: ImageSet | None = None) -> ImageSet:
    """With image i showing what image j of the source shows."""
    pixels = whole.pixels.copy()
    for i, j in where.items():
        pixels[i] = (source or whole).pixels[j]
    return dataclasses.replace(whole, pixels=pixels)


def kinds(test: ImageSet, train: ImageSet = TRAIN) -> list[tuple[str, bool, int]]:
    return [(found.kind, found.serious, found.images) for found in inspect_split("test", test, train, {}).findings]


def test_clean_images_have_no_findings() -> None:
    found = inspect_split("test", TEST, TRAIN, {})
    assert found.findings == []
    assert found.distinct.counts.all()
    assert len(set(found.bursts.tolist())) == len(TEST)
    assert {one.by for one in found.shortcuts} == {"border", "colour"}


def test_one_copy_is_a_note_and_many_are_serious() -> None:
    assert kinds(repeated(TEST, {0: 0}, TRAIN)) == [("copies", False, 1)]
    assert kinds(repeated(TEST, {i: i for i in range(12)}, TRAIN)) == [("copies", True, 12)]


def test_repeats_count_those_beyond_the_first() -> None:
    assert kinds(repeated(TEST, {3: 0, 6: 0})) == [("repeats", False, 2)]
    assert kinds(repeated(TEST, dict.fromkeys(range(3, 60, 3), 0)))[0] == ("repeats", True, 19)


def test_contradicting_labels_are_soon_serious() -> None:
    assert kinds(repeated(TEST, {1: 0})) == [("contradicting", True, 2)]


def test_classes_with_few_images_that_count_are_named_with_how_many() -> None:
    test = TEST[np.concatenate([np.arange(0, 120, 3), np.arange(1, 120, 3), np.arange(2, 15, 3)])]
    assert kinds(test) == [("few", True, 5)]
    (found,) = inspect_split("test", test, TRAIN, {}).findings
    assert (found.classes, found.numbers, found.of) == (["c"], [5], 85)


def test_copies_make_a_class_few() -> None:
    test = repeated(TEST, {i: i for i in range(0, 120, 3)}, TRAIN)
    assert kinds(test) == [("copies", True, 40), ("few", True, 0)]


def test_uneven_training_classes_are_a_note() -> None:
    train = TRAIN[np.concatenate([np.arange(0, 300, 3), np.arange(1, 60, 3), np.arange(2, 300, 3)])]
    (found,) = inspect_split("test", TEST, train, {}).findings
    assert (found.kind, found.serious, found.classes, found.numbers) == ("uneven", False, ["a", "b"], [100, 20])
    assert is_uneven([5, 1])
    assert is_uneven([5, 0])
    assert not is_uneven([9, 2])


def test_a_shortcut_is_serious_and_named() -> None:
    whole = colours()
    found = {one.kind: one for one in inspect_test(whole).findings}
    assert found["shortcut"].serious
    assert found["shortcut"].by in ("border", "colour")
    assert found["shortcut"].accuracy > 0.9
    assert found["shortcut"].chance == 1 / 3


def test_bursts_are_counted_among_images_that_count() -> None:
    rng = np.random.default_rng(5)
    scenes = rng.integers(0, 256, (60, 8, 8, 3)).repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)  # two shots of each
    pixels = np.clip(scenes + rng.normal(0, 4, scenes.shape), 0, 255).astype(np.uint8)
    test = ImageSet(pixels, (np.arange(120) // 40).astype(np.int64), TRAIN.classes, tuple(f"test/{i}" for i in range(120)))
    found = inspect_split("test", test, TRAIN, {})
    assert [(one.kind, one.serious, one.images, one.of, one.numbers) for one in found.findings] == [
        ("bursts", True, 120, 120, [60])
    ]
    assert len(set(found.bursts.tolist())) == 60


def test_images_that_do_not_count_are_in_no_burst() -> None:
    found = inspect_split("test", repeated(TEST, {0: 0}, TRAIN), TRAIN, {})
    assert found.bursts[0] == -1
    assert (found.bursts[1:] >= 0).all()


def test_the_test_images_of_a_data_set_are_looked_at_once() -> None:
    whole = Dataset("noise", TRAIN, TEST, "noise")
    assert inspect_test(whole) is inspect_test(whole)
    assert inspect_test(dataclasses.replace(whole)) is not inspect_test(whole)


def test_near_copies_and_the_order_of_findings() -> None:
    assert near_finding(0, 100) == []
    assert [one.serious for one in (*near_finding(4, 100), *near_finding(5, 100))] == [False, True]
    mixed = [
        Finding("uneven", False, 1, 1),
        Finding("few", True, 1, 1),
        Finding("near", False, 1, 1),
        Finding("copies", True, 1, 1),
    ]
    assert [one.kind for one in worst_first(mixed)] == ["copies", "few", "near", "uneven"]
    assert FEW == 30


def test_a_locked_data_set_has_nothing_to_find() -> None:
    found = inspect_split("test", TEST[:0], TRAIN, {})
    assert found.findings == []
    assert len(found.bursts) == 0
