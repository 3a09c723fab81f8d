"""Images written as files are those that were given, and come back as they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import images

from seefar.data.load import load
from seefar.errors import UsageError


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    train, test = images(9, 1, "train"), images(6, 2, "test")
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
        replace(images(4, 1, "train"), classes=("good", name, "other")).save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
