"""Answers for image files: prepared like the training images, one bad file stops nothing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError


def test_a_file_gets_the_answer_that_its_pixels_get(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    sf.evaluate(run, "test", data=small_data)
    logits = run.arrays("predictions-test.npz")["logits"]
    for i in range(3):
        Image.fromarray(small_data.test.pixels[i]).save(tmp_path / f"{i}.png")
    files = [tmp_path / f"{i}.png" for i in range(3)]
    answers = sf.predict(run, files)
    assert answers == sf.predict(run.path, files) == sf.predict(sf.load_model(run), files)
    probabilities = np.exp(logits[:3] - logits[:3].max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    for answer, row in zip(answers, probabilities, strict=True):
        assert answer.label == small_data.classes[row.argmax()]
        assert answer.probability == pytest.approx(row.max(), abs=1e-5)
        assert list(answer.probabilities.values()) == sorted(answer.probabilities.values(), reverse=True)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_bad_file_has_its_reason_and_the_others_their_answers(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    Image.fromarray(small_data.test.pixels[0]).resize((300, 200)).save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"not an image")
    Image.fromarray(small_data.test.pixels[1]).convert("L").save(tmp_path / "c.png")
    answers = sf.predict(run, [tmp_path / name for name in ("a.jpg", "b.jpg", "c.png")])
    assert [answer.label is None for answer in answers] == [False, True, False]
    assert answers[1].error
    assert answers[0].error is None


def test_only_bad_files_are_no_crash(run: sf.Run, tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"")
    assert sf.predict(run, [tmp_path / "b.jpg"])[0].label is None


def test_a_missing_file_is_a_data_error(run: sf.Run, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        sf.predict(run, [tmp_path / "none.png"])
