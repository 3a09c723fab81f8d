"""What is printed: tables with most confident first, never longer than can be read, and the sentences below them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import seefar as sf
from seefar.cli import output
from seefar.data.images import Dataset, ImageSet, Skipped


def audit(duplicates: int, label_issues: int) -> dict[str, Any]:
    """An Audit as a dict with so many findings."""
    return {
        "images": {"training": 100, "test": 50},
        "folds": 5,
        "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9},
        "duplicates": {"within training": duplicates, "within test": 0, "test in training": 0},
        "duplicated_test_ids": [],
        "listed_duplicates": [
            {"one": f"train/{i}", "other": f"train/{i + 1}", "where": "within training", "same_label": i > 0}
            for i in range(duplicates)
        ],
        "label_issues": {"training": label_issues, "test": 0},
        "listed_label_issues": [
            {"id": f"doubt/{i}", "label": "cat", "suggested": "dog", "probability": 0.97, "label_probability": 0.01}
            for i in range(label_issues)
        ],
        "overlaps": [],
    }


def test_an_audit_lists_the_first_label_issues_and_duplicates(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_audit(audit(duplicates=11, label_issues=21))
    out = capsys.readouterr().out
    assert [name in out for name in ("doubt/0", "doubt/19", "doubt/20")] == [True, True, False]
    assert [f"train/{i} " in out for i in (0, 9, 11)] == [True, True, False]
    assert out.count("other label") == 1
    assert "doubt 21 training labels" in out


def test_an_audit_that_finds_nothing_prints_no_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_audit(audit(duplicates=0, label_issues=0))
    out = capsys.readouterr().out
    assert "most doubtful" not in out
    assert "closest duplicates" not in out
    assert "doubt 0 training labels" in out


def test_a_description_names_twins_with_two_labels_modes_sizes_and_what_was_skipped(
    small_data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    train = small_data.train
    pixels = np.concatenate([train.pixels, train.pixels[:1]])
    doubled = ImageSet(pixels, np.append(train.labels, 1), train.classes, (*train.ids, "train/again"))
    data = replace(
        small_data,
        train=doubled,
        modes={"training": {"L": 120, "RGB": 1}, "test": {"RGB": 30}},
        sizes={"training": {f"{side}x{side}": 1 for side in range(10, 18)}, "test": {"16x16": 30}},
        skipped=tuple(Skipped(f"bad/{i}.png", "not an image") for i in range(25)),
    )
    output.print_description(data, sf.describe(data))
    out = " ".join(capsys.readouterr().out.split())
    assert "2 training images are equal to another one, pixel by pixel (1 group)" in out
    assert "1 of the groups have contradicting labels, such as class 0 (train/00000) and class 1 (train/again)" in out
    assert "The training images came as L (120), RGB (1) and were converted to RGB." in out
    assert "Sizes of the training images before resizing: 10x10 (1)" in out
    assert "and 2 more" in out
    assert "test images came as" not in out
    assert "skipped (25)" in out
    assert [name in out for name in ("bad/0.png", "bad/19.png", "bad/20.png")] == [True, True, False]
