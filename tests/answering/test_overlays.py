"""Overlays: red where the evidence is, the image itself where there is none, names that cannot collide."""

from pathlib import Path

import numpy as np
import pytest

from seefar.answering.overlays import SIDE, STRENGTH, WARM, overlay, save_overlays
from seefar.answering.stream import Block
from seefar.errors import DiskError
from seefar.model.predictions import Prediction, unreadable

GREY = np.full((8, 8, 3), 100, np.uint8)


def test_the_strongest_place_has_the_colour_and_the_rest_its_own() -> None:
    evidence = np.array([[4.0, -9.0], [0.0, 0.0]], np.float32)
    for scale in (1.0, 1e-6):  # each image has a scale of its own
        found = np.asarray(overlay(GREY, evidence * scale))
        assert found.shape == (SIDE, SIDE, 3)
        assert np.array_equal(found[0, 0], np.rint(100 * (1 - STRENGTH) + WARM * STRENGTH))
        assert np.array_equal(found[-1, -1], [100, 100, 100])
        assert np.array_equal(found[0, -1], [100, 100, 100])  # evidence against is not shown


def test_no_evidence_leaves_the_image_as_it_is() -> None:
    assert (np.asarray(overlay(GREY, np.zeros((2, 2), np.float32))) == 100).all()
    large = np.full((300, 300, 3), 7, np.uint8)
    assert np.array_equal(np.asarray(overlay(large, np.full((2, 2), -1, np.float32))), large)


def test_names_have_the_number_of_the_row_and_nothing_that_leads_elsewhere(tmp_path: Path) -> None:
    rows = [Prediction(name, "x", 1.0, {"x": 1.0}) for name in ("a/b.png", "c/b.png", "../../é \\x1b.png", "..")]
    rows.insert(1, unreadable("bad.png", "empty file"))
    block = Block(rows, np.stack([GREY] * 5), np.zeros((5, 2, 2), np.float32))
    save_overlays(tmp_path / "new" / "folder", 10, block)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "0000010-b.png.png",
        "0000012-b.png.png",
        "0000013-é_x1b.png.png",
        "0000014-...png",
    ]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    block = Block([Prediction("a.png", "x", 1.0, {"x": 1.0})], GREY[None], np.zeros((1, 2, 2), np.float32))
    with pytest.raises(DiskError, match="cannot use"):
        save_overlays(tmp_path / "file", 0, block)
