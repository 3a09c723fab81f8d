"""The verb: files or images in, the same answers all at once or one by one, with the same limits."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.answering.conftest import SIZE, level_of, save
from tests.data.image_files import make_zip

import seefar as sf
from seefar.answering.predict import blocks
from seefar.errors import DataError, UsageError
from seefar.model.model import Model


def test_all_at_once_and_one_by_one_are_the_same(model: Model, photos: Path) -> None:
    (photos / "a" / "003.png").write_bytes(b"")
    found = sf.predict(model, photos)
    assert (
        list(found) == list(sf.predict_each(model, str(photos))) == list(sf.predict_each(model, [photos / "a", photos / "b"]))
    )
    assert [place for place, pixels in enumerate(found.pixels) if pixels is None] == [3]
    for number in (0, 4, 69):
        assert np.array_equal(found.pixels[number], np.full((SIZE, SIZE, 3), level_of(number)))
    assert len(found._repr_html_() or "") > 1000


def test_images_have_the_answers_of_their_files_also_with_limits(model: Model, photos: Path) -> None:
    files = sorted(photos.rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    for limits in ({}, {"top": 1}, {"abstain": 0.99}, {"top": 2, "abstain": 0.99}):
        expected = [(row.label, row.probabilities, row.abstained) for row in sf.predict(model, files, **limits)]
        for given in (pixels, [Image.open(file) for file in files]):
            found = sf.predict(model, given, **limits)
            assert [(row.label, row.probabilities, row.abstained) for row in found] == expected
    mixed = sf.predict(model, [files[0], pixels[1]])
    assert [row.label for row in mixed] == [row.label for row in sf.predict(model, files[:2])]


def test_every_way_in_knows_how_large_an_image_was(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "wide.png"
    Image.new("RGB", (300, 20), (128, 128, 128)).save(file)
    with Image.open(file) as picture:
        given = [file, picture, np.asarray(picture)]
        found = [sf.predict(model, one)[0] for one in given] + [model.predict(file)[0]]
    assert [row.original_size for row in found] == ["300x20"] * 4


def test_limits_that_make_no_sense_are_refused_for_images_too(model: Model) -> None:
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    with pytest.raises(UsageError, match="top is 0"):
        sf.predict(model, pixels, top=0)
    with pytest.raises(UsageError, match=r"abstain is 0.5"):
        sf.predict(model, pixels, abstain=0.5)


def test_nothing_is_no_answer(model: Model) -> None:
    assert list(sf.predict(model, [])) == list(sf.predict_each(model, [])) == []


def test_answers_come_as_the_files_do(model: Model, tmp_path: Path) -> None:
    """From a list that never ends."""
    path = save(tmp_path / "x.png", 100)

    def endless() -> Iterator[bytes]:
        while True:
            yield f"{path}\n".encode()

    found = blocks(model, ["-"], stdin=endless())  # type: ignore[arg-type]
    assert next(found).rows[0].image == str(path)
    found.close()  # type: ignore[attr-defined]


def test_zips_are_closed_whether_all_was_read_or_not(model: Model, photos: Path, tmp_path: Path) -> None:
    """Else Python would warn, and warnings are errors here."""
    entries = {f"{number}.png": (photos / "a" / "000.png").read_bytes() for number in range(600)}
    path = make_zip(tmp_path / "photos.zip", entries)
    assert len(list(sf.predict_each(model, path))) == 600
    each = sf.predict_each(model, path)
    assert next(each).error is None
    each.close()  # type: ignore[attr-defined]


def test_what_is_not_there_is_one_sentence(model: Model, tmp_path: Path) -> None:
    for verb in (sf.predict, lambda *words: list(sf.predict_each(*words))):
        with pytest.raises(DataError, match="there is no image or folder"):
            verb(model, [tmp_path / "none.png"])
    with pytest.raises(DataError, match="stdin names no file"):
        list(blocks(model, ["-"], stdin=io.BytesIO(b"")))
