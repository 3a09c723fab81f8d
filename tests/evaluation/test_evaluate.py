"""Evaluation: numbers that can be recomputed from the files, looks that are counted, other data refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError, DiskError, ModelFileError, UsageError
from seefar.evaluation.earlier import read_evaluation
from seefar.metrics import surest_mistakes
from seefar.reporting.notebook import html


def test_every_number_follows_from_the_stored_predictions(run: sf.Run, small_data: Dataset) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
    from torch import softmax, tensor

    evaluation = sf.evaluate(run, "test", data=small_data)
    stored = run.arrays("predictions-test.npz")
    assert tuple(stored["ids"]) == small_data.test.ids
    assert np.array_equal(stored["labels"], small_data.test.labels)
    predicted = stored["logits"].argmax(1)
    assert evaluation.accuracy.value == accuracy_score(small_data.test.labels, predicted)
    assert repr(evaluation).startswith("Evaluation(test, 90 images: accuracy ")
    assert "of 90 test images are right" in str(html(evaluation))
    assert evaluation.confusion == confusion_matrix(small_data.test.labels, predicted, labels=range(3)).tolist()
    probabilities = softmax(tensor(stored["logits"]).double(), 1).numpy()
    assert evaluation.loss == pytest.approx(log_loss(small_data.test.labels, probabilities))
    assert run.read("evaluation-test.json") == dataclasses.asdict(evaluation)


def test_looks_at_test_are_counted_and_those_at_validation_are_none(run: sf.Run, small_data: Dataset) -> None:
    assert sf.evaluate(run, "validation", data=small_data).look == 0
    assert not run.has("test-ledger.jsonl")
    assert [sf.evaluate(run, "test", data=small_data).look for _ in range(2)] == [1, 2]


def test_a_look_that_cannot_be_counted_does_not_happen(run: sf.Run, small_data: Dataset, own_home: Path) -> None:
    (own_home / "looks").write_text("a file where the folder should be")
    with pytest.raises(DiskError):
        sf.evaluate(run, "test", data=small_data)
    assert not run.has("predictions-test.npz")
    assert not run.has("evaluation-test.json")


def test_other_training_data_is_refused(run: sf.Run, small_data: Dataset) -> None:
    other = dataclasses.replace(small_data, train=small_data.train[:-1])
    with pytest.raises(ModelFileError, match="was trained on other data: its training images have SHA-256"):
        sf.evaluate(run, "validation", data=other)


def test_images_made_in_memory_must_be_given_again(run: sf.Run) -> None:
    with pytest.raises(DataError, match="made in memory; give them with data="):
        sf.evaluate(run)


def test_an_unknown_split_is_refused(run: sf.Run, small_data: Dataset) -> None:
    with pytest.raises(UsageError, match="split is 'train'; allowed is validation or test"):
        sf.evaluate(run, "train", data=small_data)  # type: ignore[arg-type]


def test_a_run_without_an_epoch_is_refused(tmp_path: Path, small_data: Dataset) -> None:
    from seefar.runs import folder

    run = folder.create(tmp_path / "new")
    run.write("recipe.json", {})
    run.write("data.json", {"digest": small_data.train.digest})
    run.write("splits.json", {"validation": []})
    with pytest.raises(ModelFileError, match="no epoch was finished"):
        sf.evaluate(run, "validation", data=small_data)


def test_the_surest_mistakes_come_first_and_nothing_right_is_among_them() -> None:
    labels = np.array([0, 0, 1, 1])
    logits = np.array([[1.0, 2.0], [5.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    assert surest_mistakes(labels, logits).tolist() == [2, 0]
    assert surest_mistakes(labels, logits, most=1).tolist() == [2]
    assert surest_mistakes(labels[:0], logits[:0]).tolist() == []


def test_figures_that_an_earlier_version_did_not_know_follow_from_the_stored_answers(run: sf.Run, small_data: Dataset) -> None:
    for split in ("validation", "test"):
        sf.evaluate(run, split, data=small_data)  # type: ignore[arg-type]
        whole = run.read(f"evaluation-{split}.json")
        assert read_evaluation(run, split) == whole
        kept = ("split", "images", "digest", "look", "look_on_machine", "accuracy")
        run.write(f"evaluation-{split}.json", {name: whole[name] for name in kept})
        counted = [finding for finding in whole["findings"] if finding["kind"] not in ("shortcut", "bursts")]
        assert read_evaluation(run, split) == whole | {"findings": counted, "familiar": None}  # the rest only the images give


def test_test_time_augmentation_stands_beside_the_plain_figures(small_data: Dataset, tmp_path: Path) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"tta": "shift"}))
    evaluation = sf.evaluate(run, "validation", data=small_data)
    stored = run.arrays("predictions-validation.npz")
    labels = stored["labels"]
    assert evaluation.tta == "shift"
    assert evaluation.accuracy.value == (stored["logits"].argmax(1) == labels).mean()
    assert evaluation.tta_accuracy.value == (stored["tta_logits"].argmax(1) == labels).mean()
    assert not np.array_equal(stored["logits"], stored["tta_logits"])


def test_without_it_both_figures_are_the_same(run: sf.Run, small_data: Dataset) -> None:
    evaluation = sf.evaluate(run, "validation", data=small_data)
    assert evaluation.tta == "none"
    assert evaluation.tta_accuracy == evaluation.accuracy
