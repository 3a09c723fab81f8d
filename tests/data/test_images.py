"""ImageSet and Dataset: parts that fit, immutable, a digest that sees everything, files that come back as they were."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import images as noise

from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load
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


def test_a_data_set_gives_images_of_both_splits_by_id_all_its_pixels_and_itself_without_test() -> None:
    other = dataclasses.replace(images(), pixels=255 - PIXELS, ids=tuple("UVWXYZ"))
    data = Dataset("x", images(), other, "made up", warnings=("careful",))
    chosen = data.select(["Z", "u", "V"])
    assert (chosen.ids, chosen.labels.tolist()) == (("Z", "u", "V"), [2, 0, 1])
    assert np.array_equal(chosen.pixels, np.stack([255 - PIXELS[5], PIXELS[0], 255 - PIXELS[1]]))
    with pytest.raises(DataError, match="1 of 1 images are missing, the first is 'q'"):
        data.select(["u", "q"])
    assert np.array_equal(data.every_pixel(), np.concatenate([PIXELS, 255 - PIXELS]))
    locked = data.locked()
    assert (len(locked.test), locked.train, locked.warnings) == (0, data.train, ("careful",))


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    train, test = noise(9, 1, "train"), noise(6, 2, "test")
    assert train.save(tmp_path / "set" / "train") == tmp_path / "set" / "train"
    test.save(str(tmp_path / "set" / "test"))
    data = load(tmp_path / "set", size=16)
    assert data.classes == train.classes
    for there, given in ((data.train, train), (data.test, test)):
        order = np.argsort(given.labels, kind="stable")  # a folder lists class by class
        assert np.array_equal(there.pixels, given.pixels[order])
        assert np.array_equal(there.labels, given.labels[order])


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "..\\up", "a\0b", "c:d"])
def test_a_class_that_cannot_name_a_folder_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot name a folder"):
        dataclasses.replace(noise(4, 1, "train"), classes=("good", name, "other")).save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
