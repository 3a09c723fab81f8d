"""The audit: planted label errors and duplicates are found, test images teach nothing, and what is missing is said."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError, DiskError, ModelFileError, UsageError
from seefar.evaluation import audit as module
from seefar.evaluation.cross_validation import fold_parts, out_of_fold
from seefar.recipe_fields import change, find

pytest.importorskip("cleanlab", reason="the extra audit is not installed")
QUICK = {**SMALL, "epochs": 5}


@pytest.fixture
def spoilt() -> Dataset:
    """Three colours; five training and two test labels are wrong, and a training image stands in test, moved."""
    train, test = images(180, 1, "train"), images(150, 2, "test")
    labels, test_labels = train.labels.copy(), test.labels.copy()
    labels[[3, 30, 60, 90, 120]] = (labels[[3, 30, 60, 90, 120]] + 1) % 3
    test_labels[[6, 33]] = (test_labels[[6, 33]] + 1) % 3
    pixels = test.pixels.copy()
    pixels[9] = np.roll(train.pixels[12], 1, axis=1)
    return Dataset(
        name="spoilt",
        train=dataclasses.replace(train, labels=labels),
        test=dataclasses.replace(test, pixels=pixels, labels=test_labels),
        source="colours with planted errors",
    )


def test_what_was_planted_is_found(spoilt: Dataset) -> None:
    found = sf.audit(spoilt, recipe="tiny", device="cpu", **QUICK)
    named = {issue.id for issue in found.listed_label_issues}
    assert {f"train/{i:05d}" for i in (3, 30, 60, 90, 120)} <= named
    assert named & {"test/00006", "test/00033"}  # confident learning counts only answers that are surer than a class's mean
    assert len(named) <= 10
    first = found.listed_label_issues[0]
    assert first.suggested != first.label
    assert found.duplicated_test_ids == ["test/00009"]
    assert (found.listed_duplicates[0].one, found.listed_duplicates[0].other) == ("test/00009", "train/00012")
    assert found.accuracy.value > 0.9


def test_every_training_image_is_judged_by_a_network_that_did_not_see_it(small_data: Dataset) -> None:
    """Labels drawn at random cannot be guessed by a network that has not seen them, however long it trained."""
    train = images(150, 3, "train")
    random = dataclasses.replace(train, labels=np.random.default_rng(0).integers(0, 3, 150))
    recipe = change(find("tiny"), {**QUICK, "epochs": 20})
    found = out_of_fold(recipe, random, small_data.test, 3, 0, "cpu")
    assert found.train.shape == (150, 3)
    assert found.train.sum(1) == pytest.approx(1)
    assert found.test.sum(1) == pytest.approx(1)
    assert (found.train.argmax(1) == random.labels).mean() < 0.5
    assert len(found.train_features) == 150
    assert len(found.test_features) == len(small_data.test)


def test_equal_images_are_judged_together(small_data: Dataset) -> None:
    """Else a network would be asked about an image that it learned from."""
    train = small_data.train
    whole = [(inside.tolist(), outside.tolist()) for inside, outside in fold_parts(train, 3, 0)]
    assert sorted(i for _, outside in whole for i in outside) == list(range(len(train)))
    pixels = train.pixels.copy()
    pixels[60:] = pixels[:60]
    parts = fold_parts(dataclasses.replace(train, pixels=pixels), 3, 0)
    assert all(set(inside % 60).isdisjoint(outside % 60) for inside, outside in parts)
    assert sorted(np.concatenate([outside for _, outside in parts]).tolist()) == list(range(len(train)))


def test_groups_that_share_an_equal_image_are_judged_together(small_data: Dataset) -> None:
    train = small_data.train
    pixels = train.pixels.copy()
    pixels[60] = pixels[0]
    groups = tuple(str(i // 10) for i in range(len(train)))
    for seed in range(10):
        parts = fold_parts(dataclasses.replace(train, pixels=pixels, groups=groups), 3, seed)
        assert all((0 in outside) == (60 in outside) for _, outside in parts)
        assert all({groups[i] for i in inside}.isdisjoint(groups[i] for i in outside) for inside, outside in parts)


def test_fewer_groups_than_folds_get_a_sentence(small_data: Dataset) -> None:
    train = small_data.train
    for groups, count in ((tuple(str(i % 2) for i in range(len(train))), "2 groups"), (("one",) * len(train), "1 group")):
        with pytest.raises(DataError, match=f"are of {count}, .* and 3 are needed"):
            fold_parts(dataclasses.replace(train, groups=groups), 3, 0)


def test_a_run_keeps_the_findings_and_its_report_shows_them(spoilt: Dataset, tmp_path: Path) -> None:
    run = sf.train(spoilt, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    sf.evaluate(run, "test", data=spoilt)
    sf.audit(spoilt, run=run, recipe="tiny", device="cpu", **QUICK)
    text = sf.report(run).read_text()
    assert "1 of 150 test images" in " ".join(text.split())
    assert "Labels to look at" in text
    assert run.read("audit-test.json")["duplicated_test_ids"] == ["test/00009"]


def looks(ledger: Path) -> list[tuple[str, bool]]:
    """What each look was for, and whether a run's network looked."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    return [(line["verb"], line["manifest"] is not None) for line in lines]


def test_an_audit_is_a_look_at_the_test_images(spoilt: Dataset, tmp_path: Path, own_home: Path) -> None:
    run = sf.train(spoilt, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    machine, own = own_home / "looks" / f"{spoilt.test.digest}.jsonl", run.path / "test-ledger.jsonl"
    short = {"recipe": "tiny", "device": "cpu", **SMALL, "epochs": 1}
    sf.audit(spoilt, **short)
    assert (looks(machine), looks(own)) == ([("audit", False)], [])
    sf.audit(spoilt, run=run, **short)
    assert (looks(machine), looks(own)) == ([("audit", False), ("audit", True)], [("audit", True)])
    evaluation = sf.evaluate(run, "test", data=spoilt)
    assert (evaluation.look, evaluation.look_on_machine) == (2, 3)


def test_an_audit_that_cannot_be_counted_does_not_happen(
    spoilt: Dataset, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "out_of_fold", lambda *_: pytest.fail("a network was trained"))
    (own_home / "looks").write_text("a file where the folder should be")
    with pytest.raises(DiskError):
        sf.audit(spoilt, recipe="tiny", **QUICK)


def test_a_run_on_other_images_is_refused(run: sf.Run, spoilt: Dataset) -> None:
    with pytest.raises(ModelFileError, match="was trained on other data"):
        sf.audit(spoilt, run=run, recipe="tiny", **QUICK)


def test_too_few_images_of_a_class_are_refused_before_anything_looks(spoilt: Dataset, own_home: Path) -> None:
    keep = np.concatenate([np.flatnonzero(spoilt.train.labels != 2), np.flatnonzero(spoilt.train.labels == 2)[:2]])
    data = dataclasses.replace(spoilt, train=spoilt.train[np.sort(keep)])
    with pytest.raises(DataError, match="an audit needs 3 training images of each class; class 2 has 2"):
        sf.audit(data, recipe="tiny", **QUICK)
    assert not (own_home / "looks").exists()


def test_without_cleanlab_it_says_what_to_install(spoilt: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'seefar\[audit\]'"):
        sf.audit(spoilt, recipe="tiny", **QUICK)
