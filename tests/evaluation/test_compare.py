"""Comparisons: planted changes are found, a run and its copy do not differ, and nothing is computed for what cannot be compared."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL
from tests.evaluation.stored_runs import logits, made

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.evaluation.compare import compare
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import change, find
from seefar.runs.folder import Run


def test_planted_gains_and_losses_are_found(tmp_path: Path) -> None:
    base = made(tmp_path / "base", logits({0: 1, 1: 1, 4: 3, 5: 1}))
    answers = logits({5: 1, 6: 1})
    answers[4] *= 2  # of the images gained it is surest of this one, then of the first
    answers[0] *= 1.5
    other = made(tmp_path / "other", answers)
    found = compare([base, other])
    (pair,) = found.pairs
    assert (found.split, found.digest, found.images) == ("test", "test", 30)
    assert (pair.base, pair.other, pair.images) == ("base", "other", 30)
    assert (pair.difference.value, pair.difference.gained, pair.difference.lost) == (pytest.approx(2 / 30), 3, 1)
    assert pair.difference.p == pytest.approx(2 * (1 + 4) / 16)
    assert pair.gained_ids == ["test/04", "test/00", "test/01"]
    assert pair.lost_ids == ["test/06"]
    assert pair.agreement == 26 / 30
    assert [(c.name, c.images, c.base, c.other, c.gained, c.lost) for c in pair.classes] == [
        ("ant", 10, 0.9, 0.9, 1, 1),
        ("bee", 10, 0.8, 1.0, 2, 0),
        ("cat", 10, 0.9, 0.9, 0, 0),
    ]
    assert [(c.p, c.p_holm) for c in pair.classes] == [(1.0, 1.0), (0.5, 1.0), (1.0, 1.0)]


def test_a_strong_change_in_one_class_outlasts_the_adjustment(tmp_path: Path) -> None:
    base = made(tmp_path / "base", logits(dict.fromkeys(range(0, 30, 3), 1.0)))
    pair = compare([base, made(tmp_path / "other", logits({}))]).pairs[0]
    assert [c.p for c in pair.classes] == pytest.approx([2 / 2**10, 1, 1])
    assert [c.p_holm for c in pair.classes] == pytest.approx([6 / 2**10, 1, 1])


def test_at_most_fifty_images_are_named(tmp_path: Path) -> None:
    labels, ids = np.arange(90) % 3, np.array([f"{i:02d}" for i in range(90)])
    nothing = logits(dict.fromkeys(range(90), 1.0), labels)
    less_and_less_sure = (logits({}, labels) * np.linspace(2, 1, 90)[:, None]).astype(np.float32)
    runs = [
        made(tmp_path / "base", nothing, labels=labels, ids=ids),
        made(tmp_path / "other", less_and_less_sure, labels=labels, ids=ids),
    ]
    assert compare(runs).pairs[0].gained_ids == [f"{i:02d}" for i in range(50)]


def test_a_class_without_images_has_no_row(tmp_path: Path) -> None:
    labels = np.arange(30) % 2
    runs = [made(tmp_path / name, logits({}, labels), labels=labels) for name in "ab"]
    assert [row.name for row in compare(runs).pairs[0].classes] == ["ant", "bee"]


def test_a_trained_run_and_its_copy_do_not_differ(run: Run, small_data: Dataset, tmp_path: Path) -> None:
    evaluation = sf.evaluate(run, "test", data=small_data)
    shutil.copytree(run.path, tmp_path / "copies" / "run")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    found = compare([run, Run(tmp_path / "copies" / "run")])
    pair = found.pairs[0]
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before  # no look, no trace
    assert (pair.base, pair.other) == (f"{tmp_path.name}/run", "copies/run")
    assert (pair.difference.value, pair.difference.p, pair.agreement, pair.gained_ids) == (0.0, 1.0, 1.0, [])
    assert (found.digest, found.recipes[0].accuracies) == (small_data.test.digest, [evaluation.accuracy.value])
    layers = summarise(build_network(change(find("tiny"), SMALL).network, 3, 16), 16)
    assert pair.cost.base == pair.cost.other
    assert pair.cost.base.parameters == sum(layer.parameters for layer in layers)
    assert pair.cost.base.multiply_adds == sum(layer.multiply_adds for layer in layers)
    assert pair.cost.base.seconds == sum(run.read("timing.json")["seconds_by_epoch"])
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False)) == dataclasses.asdict(found)


def test_runs_can_be_given_names(tmp_path: Path) -> None:
    runs = {"plain": made(tmp_path / "a", logits({})), "odd one": made(tmp_path / "b", logits({0: 1.0}))}
    found = sf.compare(runs)
    assert (found.pairs[0].base, found.pairs[0].other) == ("plain", "odd one")
    assert [name for group in found.recipes for name in group.runs] == ["plain"]  # one seed counts once
    assert dataclasses.replace(found.pairs[0], base="a", other="b") == sf.compare(list(runs.values())).pairs[0]


def test_fewer_than_two_runs_and_one_twice_are_refused(tmp_path: Path) -> None:
    run = made(tmp_path / "run", logits({}))
    for runs in ([], [run]):
        with pytest.raises(UsageError, match=f"needs two runs or more; given {len(runs)}"):
            compare(runs)
    with pytest.raises(UsageError, match="is given twice"):
        compare([run, Run(tmp_path / "elsewhere" / ".." / "run")])


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="split is 'train'; allowed is validation or test"):
        compare([made(tmp_path / name, logits({})) for name in "ab"], "train")


@pytest.mark.parametrize("lost", ["predictions-test.npz", "evaluation-test.json"])
def test_a_run_without_predictions_is_told_how_to_make_them(tmp_path: Path, lost: str) -> None:
    a, b = (made(tmp_path / name, logits({})) for name in "ab")
    (b.path / lost).unlink()
    with pytest.raises(UsageError, match=r"b has no predictions .* `seefar evaluate .*b --split test`"):
        compare([a, b])
    with pytest.raises(UsageError, match=r"a has no predictions .* --split validation`"):
        compare([a, b], "validation")
