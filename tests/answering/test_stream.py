"""The stream: an answer for every file in order, the answers of the model alone, a memory that does not grow."""

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.answering.conftest import DARK, SIZE, ByLevel, level_of, save

from seefar.answering import stream as streaming
from seefar.answering.items import Item, Reader, items
from seefar.answering.stream import Block, stream
from seefar.errors import UsageError
from seefar.model.answers import Answers
from seefar.model.model import Model
from seefar.model.predictions import Prediction


def blocks(model: Model, photos: Path, **options: Any) -> list[Block]:
    reader = Reader()
    return list(stream(model, items([str(photos)], reader), reader, **options))


def rows(model: Model, photos: Path, **options: Any) -> list[Prediction]:
    return [row for block in blocks(model, photos, **options) for row in block.rows]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 32 images, so that seventy make several."""
    monkeypatch.setattr(streaming, "PIXELS", 32 * SIZE**2)


@pytest.mark.usefixtures("small_batches")
def test_every_file_has_the_answer_that_the_model_gives_it_alone(model: Model, photos: Path) -> None:
    found = rows(model, photos)
    assert [row.image for row in found] == [str(path) for path in sorted(photos.rglob("*.png"))]
    for number, row in enumerate(found):
        pixels = np.full((1, SIZE, SIZE, 3), level_of(number), np.uint8)
        answers = model.answers(pixels)
        expected = dict(zip(model.classes, answers.probabilities[0].astype(float), strict=True))
        assert row.probabilities == pytest.approx(expected, abs=1e-6)
        assert list(row.probabilities.values()) == sorted(row.probabilities.values(), reverse=True)
        assert row.label == max(expected, key=expected.__getitem__) == next(iter(row.probabilities))
        assert row.probability == row.probabilities[row.label]
        assert row.unlike == (level_of(number) < DARK)
        assert (row.error, row.abstained, row.original_size) == (None, False, "8x8")
    assert {row.unlike for row in found} == {True, False}


@pytest.mark.usefixtures("small_batches")
def test_bad_files_are_rows_and_change_neither_the_other_answers_nor_the_batches(model: Model, photos: Path) -> None:
    """Fault 79."""
    good = rows(model, photos)
    for number in (0, 31, 32, 69):
        (photos / ("a" if number < 30 else "b") / f"{number:03d}.png").write_bytes(b"nothing")
    found = rows(model, photos)
    bad = [number for number, row in enumerate(found) if row.error]
    assert bad == [0, 31, 32, 69]
    assert all(found[number].label is None and not found[number].probabilities for number in bad)
    assert [row for row in found if not row.error] == [row for number, row in enumerate(good) if number not in bad]
    assert isinstance(model.engine, ByLevel)
    assert model.engine.shapes == 2 * [(32, SIZE, SIZE, 3), (32, SIZE, SIZE, 3), (6, SIZE, SIZE, 3)]


def test_only_bad_files_and_no_files_are_no_crash(model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    assert [row.error for row in rows(model, tmp_path / "bad.png")] == ["empty file"]
    assert list(stream(model, [], Reader())) == []


def test_the_size_before_is_told(model: Model, tmp_path: Path) -> None:
    """Fault 80."""
    Image.new("RGB", (300, 20), (128, 128, 128)).save(tmp_path / "wide.png")
    (row,) = rows(model, tmp_path / "wide.png")
    assert (row.label, row.original_size) == ("grey", "300x20")


def test_top_lists_the_most_probable_classes_alone(model: Model, photos: Path) -> None:
    for whole, short in zip(rows(model, photos), rows(model, photos, top=2), strict=True):
        assert list(short.probabilities.items()) == list(whole.probabilities.items())[:2]
        assert short.label == whole.label
    with pytest.raises(UsageError, match="top is 0; allowed is 1 to the number of classes, which is 3"):
        rows(model, photos, top=0)


def test_below_the_confidence_of_validation_no_class_is_named(model: Model, photos: Path) -> None:
    always, sometimes = rows(model, photos), rows(model, photos, abstain=0.99)
    assert 0 < sum(row.abstained for row in sometimes) < 70
    for before, after in zip(always, sometimes, strict=True):
        assert after.abstained == ((before.probability or 0) < 0.9)
        assert after.label == (None if after.abstained else before.label)
        assert (after.probability, after.probabilities) == (before.probability, before.probabilities)


def test_a_model_that_cannot_abstain_says_why(model: Model, photos: Path) -> None:
    with pytest.raises(UsageError, match=r"abstain is 0.95; allowed is 0.99"):
        rows(model, photos, abstain=0.95)
    with pytest.raises(UsageError, match="it was not evaluated on validation; `seefar evaluate RUN` does that"):
        rows(replace(model, sure=None, temperature=None), photos, abstain=0.99)
    with pytest.raises(UsageError, match="no confidence gave 99% right answers on validation"):
        rows(replace(model, sure=None), photos, abstain=0.99)


def test_what_is_not_known_is_not_told(model: Model, photos: Path) -> None:
    assert {row.unlike for row in rows(replace(model, familiar=None), photos)} == {None}


def test_maps_are_those_of_the_class_that_is_named(model: Model, photos: Path) -> None:
    assert {block.maps is None for block in blocks(model, photos)} == {True}
    for block in blocks(model, photos, maps=True):
        answers = model.answers(block.pixels, maps=True)
        assert answers.maps is not None
        assert block.maps is not None
        for place, row in enumerate(block.rows):
            label = next(iter(row.probabilities))
            assert np.array_equal(block.maps[place], answers.maps[place, model.classes.index(label)])


def test_the_network_computes_while_the_caller_works(model: Model, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins the second batch before the caller has the first."""
    monkeypatch.setattr(streaming, "PIXELS", 16 * SIZE**2)
    begun, threads = threading.Semaphore(0), set(threading.enumerate())
    compute = ByLevel.compute

    def told(self: ByLevel, *arguments: Any) -> Any:
        begun.release()
        return compute(self, *arguments)

    monkeypatch.setattr(ByLevel, "compute", told)
    reader = Reader()
    found = stream(model, items([str(photos)], reader), reader)
    next(found)
    assert begun.acquire(timeout=5)
    assert begun.acquire(timeout=5)
    found.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= threads


def test_a_failure_of_the_network_reaches_the_caller(model: Model, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Answers:
        raise MemoryError("no more")

    monkeypatch.setattr(ByLevel, "compute", fail)
    with pytest.raises(MemoryError, match="no more"):
        rows(model, photos)


def test_memory_does_not_grow_with_the_number_of_files(model: Model, tmp_path: Path) -> None:
    """Five times as many files take what the fifth took."""
    path = str(save(tmp_path / "x.png", 100))

    def many(count: int) -> Iterator[Item]:
        return (Item(f"{number}.png", path) for number in range(count))

    peaks = []
    for count in (1200, 6000):
        tracemalloc.start()
        try:
            assert sum(len(block.rows) for block in stream(model, many(count), Reader(), workers=1)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
