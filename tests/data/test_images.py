"""ImageSet: parts that fit, immutable, a digest that sees everything."""

import dataclasses

import numpy as np
import pytest

from seefar.data.images import Dataset, ImageSet
from seefar.errors import DataError, UsageError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)


def images() -> ImageSet:
    return ImageSet(PIXELS.copy(), np.array([0, 1, 2, 0, 1, 2]), ("a", "b", "c"), tuple("uvwxyz"))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("pixels", PIXELS.astype(float), "pixels must be uint8 (6, height, width, 3); found float64"),
        ("pixels", PIXELS[:5], "found uint8 (5, 4, 4, 3)"),
        ("pixels", PIXELS[..., :1], "found uint8 (6, 4, 4, 1)"),
        ("labels", np.zeros(6, np.int32), "labels must be int64 (6,); found int32"),
        ("labels", np.array([0, 1, 2, 0, 1, 3]), "labels must be 0..2; found 0..3"),
        ("labels", np.array([0, 1, 2, 0, 1, -1]), "found -1..2"),
        ("ids", tuple("uuwxyz"), "ids of the images must be unique"),
    ],
)
def test_parts_that_do_not_fit_are_refused(field: str, value: object, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(images(), **{field: value})
    assert sentence in str(caught.value)


def test_nothing_in_it_can_be_changed() -> None:
    one = images()
    with pytest.raises(ValueError, match="read-only"):
        one.pixels[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        one.labels[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.ids = ()  # type: ignore[misc]


@pytest.mark.parametrize("index", [slice(1, 4), [1, 2, 3], np.array([False, True, True, True, False, False])])
def test_slices_lists_and_masks_give_the_same_part(index: object) -> None:
    part = images()[index]  # type: ignore[index]
    assert part.ids == ("v", "w", "x")
    assert part.labels.tolist() == [1, 2, 0]
    assert np.array_equal(part.pixels, PIXELS[1:4])


def test_select_finds_by_id_and_names_what_is_missing() -> None:
    assert images().select(["z", "u"]).ids == ("z", "u")
    with pytest.raises(DataError, match="1 of 2 images are missing, the first is 'q'"):
        images().select(["q", "u"])


def test_the_images_of_a_class_are_found_by_its_name() -> None:
    one = images()
    label = one.classes[1]
    assert one.of_class(label).ids == tuple(id_ for id_, value in zip(one.ids, one.labels, strict=True) if value == 1)
    with pytest.raises(UsageError, match=rf"no class is called '{label}x' \(did you mean '{label}'\?\); there are "):
        one.of_class(f"{label}x")


def test_the_digest_sees_pixels_labels_classes_and_ids() -> None:
    one = images()
    pixels = PIXELS.copy()
    pixels[3, 2, 1, 0] ^= 1
    others = [
        dataclasses.replace(one, pixels=pixels),
        dataclasses.replace(one, labels=np.array([0, 1, 2, 0, 1, 1])),
        dataclasses.replace(one, classes=("a", "b", "d")),
        dataclasses.replace(one, ids=tuple("uvwxya")),
    ]
    assert one.digest == images().digest
    assert len({one.digest, *(other.digest for other in others)}) == 5


def test_counts_include_classes_without_images() -> None:
    assert images()[[0, 3]].counts().tolist() == [2, 0, 0]
    assert Dataset("x", images(), images(), "made up").classes == ("a", "b", "c")
