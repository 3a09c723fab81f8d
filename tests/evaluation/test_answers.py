"""Stored answers brought into one order: images are matched by id, and runs that answered other images are refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.stored_runs import IDS, LABELS, logits, made

from seefar.errors import UsageError
from seefar.evaluation.compare import compare


def test_images_are_matched_by_id(tmp_path: Path) -> None:
    base, answers = made(tmp_path / "base", logits({0: 1, 7: 1})), logits({7: 2, 9: 1})
    order = np.random.default_rng(0).permutation(30)
    ordered = made(tmp_path / "ordered", answers)
    shuffled = made(
        tmp_path / "shuffled", answers[order], ids=IDS[order], labels=LABELS[order], images="another order, another digest"
    )
    expected, found = (dataclasses.asdict(compare([base, run]).pairs[0]) for run in (ordered, shuffled))
    assert found | {"other": ""} == expected | {"other": ""}
    assert found["gained_ids"] == ["test/00"]
    assert found["lost_ids"] == ["test/09"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"ids": np.array([*IDS[:28], "new/1", "new/2"])}, "b has answered other test images than a: 4 ids .* 'new/1' first"),
        ({"labels": np.array([1, 0, *LABELS[2:]])}, "b and a do not agree .* 2 of 30 labels differ"),
        ({"images": "changed"}, "b has answered other pixels than a under the same ids"),
    ],
)
def test_other_images_are_refused(tmp_path: Path, other: dict[str, object], message: str) -> None:
    a, b = made(tmp_path / "a", logits({})), made(tmp_path / "b", logits({}), **other)
    with pytest.raises(UsageError, match=message):
        compare([a, made(tmp_path / "as a", logits({})), b])


def test_fewer_images_are_refused(tmp_path: Path) -> None:
    a = made(tmp_path / "a", logits({}))
    b = made(tmp_path / "b", logits({})[:20], ids=IDS[:20], labels=LABELS[:20])
    with pytest.raises(UsageError, match="10 ids are in one of them only"):
        compare([a, b])


@pytest.mark.parametrize(
    ("classes", "message"),
    [(["ant", "bee", "cow"], "cat, cow are not in both"), (["bee", "ant", "cat"], "the order is another")],
)
def test_other_classes_are_refused(tmp_path: Path, classes: list[str], message: str) -> None:
    a, b = (made(tmp_path / name, logits({})) for name in "ab")
    b.write("data.json", b.read("data.json") | {"classes": classes})
    with pytest.raises(UsageError, match=f"b has other classes than a: {message}"):
        compare([a, b])


def test_images_shown_in_another_size_are_the_same_images(tmp_path: Path) -> None:
    a, b = made(tmp_path / "a", logits({})), made(tmp_path / "b", logits({}), images="larger")
    b.write("data.json", b.read("data.json") | {"size": 64})
    pair = compare([a, b]).pairs[0]
    assert pair.cost.other.multiply_adds > pair.cost.base.multiply_adds
