"""Bursts: neighbours by name that look nearly the same share a number, all others have their own."""

import numpy as np

from seefar.data.bursts import bursts
from seefar.data.images import ImageSet


def film(shots: list[int], names: list[str], labels: list[int]) -> ImageSet:
    """A frame for each number in `shots`: equal numbers show the same thing, a little noisier each time."""
    rng = np.random.default_rng(0)
    scenes = rng.integers(0, 256, (10, 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    pixels = np.clip(np.stack([scenes[shot] for shot in shots]) + rng.normal(0, 4, (len(shots), 32, 32, 3)), 0, 255)
    return ImageSet(pixels.astype(np.uint8), np.array(labels, np.int64), ("day", "night"), tuple(names))


def test_neighbours_that_look_the_same_are_a_burst() -> None:
    found = bursts(film([1, 1, 1, 2, 3, 3], [f"a/{i}.png" for i in range(6)], [0] * 6))
    assert found.tolist() == [0, 0, 0, 1, 2, 2]


def test_names_are_read_as_people_read_them() -> None:
    names = ["a/10.png", "a/9.png", "a/2.png"]  # 2, 9, 10: the first two are neighbours
    assert len(set(bursts(film([1, 1, 2], names, [0] * 3)).tolist())) == 2
    assert len(set(bursts(film([1, 2, 1], names, [0] * 3)).tolist())) == 3


def test_the_same_scene_in_two_classes_or_apart_is_no_burst() -> None:
    assert len(set(bursts(film([1, 1], ["a/1.png", "b/2.png"], [0, 1])).tolist())) == 2
    assert len(set(bursts(film([1, 2, 1], ["a/1", "a/2", "a/3"], [0] * 3)).tolist())) == 3


def test_none_and_one() -> None:
    assert bursts(film([1], ["a"], [0])).tolist() == [0]
    assert bursts(film([1], ["a"], [0])[:0]).tolist() == []
