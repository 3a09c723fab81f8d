"""The images of a run: those of training and validation are free, those of test come with an entry in both ledgers or not at all."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError, DiskError, ModelFileError, UsageError
from seefar.model.run_images import (
    describe_test,
    ids_of,
    open_split,
    open_test,
    open_test_for_audit,
    open_training,
    open_validation,
)
from seefar.runs import folder
from seefar.runs.ledger import Looks, count_looks


def looks(run: sf.Run, data: Dataset) -> Looks:
    return count_looks(run, data.test.digest)


def test_training_and_validation_images_are_those_of_the_split_and_no_look(run: sf.Run, small_data: Dataset) -> None:
    training, validation = open_training(run, small_data), open_validation(run, small_data)
    splits = run.read("splits.json")
    assert (list(training.ids), list(validation.ids)) == (splits["train"], splits["validation"])
    assert sorted(training.ids + validation.ids) == sorted(small_data.train.ids)
    assert open_split(run, "validation", "evaluate", small_data).digest == validation.digest
    assert ids_of(run, "validation", small_data) == validation.ids
    assert ids_of(run, "test", small_data) == small_data.test.ids
    assert looks(run, small_data) == Looks(0, 0)


def test_test_images_are_counted_in_both_ledgers_whenever_they_are_given(
    run: sf.Run, small_data: Dataset, own_home: Path
) -> None:
    for number in (1, 2):
        assert open_test(run, "evaluate", small_data).digest == small_data.test.digest
        assert looks(run, small_data) == Looks(number, number)
    assert open_split(run, "test", "robustness", small_data).digest == small_data.test.digest
    for ledger in (run.path / "test-ledger.jsonl", own_home / "looks" / f"{small_data.test.digest}.jsonl"):
        assert [json.loads(line)["verb"] for line in ledger.read_text().splitlines()] == ["evaluate", "evaluate", "robustness"]


@pytest.mark.parametrize("broken", ["run", "machine"])
def test_a_ledger_that_cannot_be_written_gives_no_images(run: sf.Run, small_data: Dataset, own_home: Path, broken: str) -> None:
    if broken == "run":
        (run.path / "test-ledger.jsonl").mkdir()
    else:
        (own_home / "looks").write_text("a file where a folder should be")
    for opened in (
        open_test,
        lambda run, verb, data: open_split(run, "test", verb, data),
        lambda run, _, data: open_test_for_audit(data, run),
    ):
        with pytest.raises(DiskError):
            opened(run, "evaluate", small_data)


def test_other_data_is_refused_and_no_look(run: sf.Run, small_data: Dataset) -> None:
    other = dataclasses.replace(small_data, train=images(120, 9, "train"))
    for opened in (open_training, open_validation, lambda run, data: open_test(run, "evaluate", data)):
        with pytest.raises(ModelFileError, match="was trained on other data"):
            opened(run, other)
        with pytest.raises(DataError, match="made in memory; give them with data="):
            opened(run, None)
    assert looks(run, small_data) == looks(run, other) == Looks(0, 0)


@pytest.mark.parametrize("split", ["train", "Test", ""])
def test_an_unknown_split_is_refused(run: sf.Run, small_data: Dataset, split: str) -> None:
    for opened in (lambda: open_split(run, split, "evaluate", small_data), lambda: ids_of(run, split, small_data)):
        with pytest.raises(UsageError, match=f"split is '{split}'; allowed is validation or test"):
            opened()


def test_an_audit_looks_too_with_or_without_a_run(run: sf.Run, small_data: Dataset) -> None:
    assert open_test_for_audit(small_data, None) is small_data.test
    assert looks(run, small_data) == Looks(0, 1)
    open_test_for_audit(small_data, run)
    assert looks(run, small_data) == Looks(1, 2)


# The description of test images


def test_leaks_between_the_splits_are_described_with_test(tmp_path: Path) -> None:
    run = folder.create(tmp_path / "new")
    train, test = images(60, 0, "train"), images(30, 1, "test")
    pixels = test.pixels.copy()
    pixels[:2] = train.pixels[:2]
    data = Dataset("x", train, dataclasses.replace(test, pixels=pixels), "made up", warnings=("careful",))
    describe_test(run, data)
    found = run.read("description-test.json")
    assert found["leaks"]["test_ids"] == ["test/00000", "test/00001"]
    assert found["images"]["images"] == 30
    assert found["warnings"] == ["careful"]
    assert np.isclose(found["images"]["channel_means"], data.test.pixels.mean((0, 1, 2)), atol=0.001).all()


def test_other_test_images_are_described_anew_and_the_same_are_not(
    run: sf.Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_test(run, small_data)
    first = (run.path / "description-test.json").stat().st_mtime_ns
    describe_test(run, small_data)
    assert (run.path / "description-test.json").stat().st_mtime_ns == first
    (run.path / "description-test.json").unlink()
    with monkeypatch.context() as patch:  # another run on the same images
        patch.setattr("seefar.model.run_images.leaks", lambda *_: pytest.fail("searched again"))
        describe_test(run, small_data)
    describe_test(run, dataclasses.replace(small_data, test=small_data.test[:21]))
    assert run.read("description-test.json")["images"]["images"] == 21
    assert looks(run, small_data) == Looks(0, 0)
