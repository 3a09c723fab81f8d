"""Shortcuts: what tells classes apart without their content is found, each by its name, and noise is not."""

import numpy as np
import pytest

from seefar.data.images import ImageSet
from seefar.data.shortcuts import SAMPLE, sample, shortcuts


def noise(n: int = 240, classes: int = 2) -> ImageSet:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    labels = (np.arange(n) % classes).astype(np.int64)
    return ImageSet(pixels, labels, tuple("abcdef"[:classes]), tuple(f"train/{i}" for i in range(n)))


def painted(part: tuple[slice, slice], shade: int) -> ImageSet:
    """Noise, with a part of every image of the second class a little brighter."""
    whole = noise()
    pixels = whole.pixels.astype(int)
    pixels[whole.labels == 1, part[0], part[1]] += shade
    return ImageSet(np.clip(pixels, 0, 255).astype(np.uint8), whole.labels, whole.classes, whole.ids)


def by(found: list) -> dict[str, float]:
    return {one.by: one.accuracy for one in found}


def test_noise_offers_none() -> None:
    found = shortcuts(noise(), {})
    assert {one.chance for one in found} == {0.5}
    assert by(found).keys() == {"border", "colour"}
    assert all(0.3 < accuracy < 0.7 for accuracy in by(found).values())


def test_a_coloured_border_is_one() -> None:
    found = shortcuts(painted((slice(0, 1), slice(None)), 150), {})
    assert found[0].by == "border"
    assert found[0].accuracy > 0.95


def test_brightness_is_one_where_borders_say_nothing() -> None:
    found = shortcuts(painted((slice(4, 12), slice(4, 12)), 60), {})
    assert found[0].by == "colour"
    assert found[0].accuracy > 0.9
    assert by(found)["border"] < 0.7


@pytest.mark.parametrize("place", range(5))
def test_each_fact_of_a_file_is_one(place: int) -> None:
    plain, other = ["PNG", "RGB", 32, 32, 1000], ["JPEG", "L", 64, 48, 5000]
    images = noise()
    files = {}
    for id_, label in zip(images.ids, images.labels, strict=True):
        files[id_] = [*plain]
        if label:
            files[id_][place] = other[place]
    found = shortcuts(images, files)
    assert (found[0].by, found[0].accuracy) == ("files", 1.0)


def test_facts_of_some_files_are_tried_on_these() -> None:
    """A data set keeps the facts of a few thousand, and a subset of it has other images."""
    images = noise()
    files = {
        id_: ["PNG" if label else "JPEG", "RGB", 32, 32, 1000]
        for id_, label in zip(images.ids[:60], images.labels, strict=False)
    }
    assert by(shortcuts(images[20:], files))["files"] == 1.0
    assert "files" not in by(shortcuts(images[60:], files))


def test_files_that_are_the_same_in_every_class_are_none() -> None:
    images = noise()
    assert by(shortcuts(images, {id_: ["PNG", "RGB", 32, 32, 1000] for id_ in images.ids}))["files"] == 0.5


def test_rare_classes_are_left_aside_and_one_class_has_nothing_to_tell() -> None:
    whole = noise(24, 2)
    assert shortcuts(whole[[*range(0, 24, 2), 1]], {}) == []
    assert shortcuts(whole[:0], {}) == []


def test_the_sample_is_always_the_same_and_bounded() -> None:
    assert np.array_equal(sample(100), np.arange(100))
    many = sample(SAMPLE + 500)
    assert np.array_equal(many, sample(SAMPLE + 500))
    assert len(set(many.tolist())) == SAMPLE
