"""Comparisons: numbers against formulas written out and planted changes; runs that cannot be compared are refused."""

import dataclasses
import json
import math
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.evaluation.compare import compare, paired_difference, paired_interval
from seefar.models.summary import summarise
from seefar.recipes import change, find
from seefar.runs.folder import Run, create
from seefar.training.network import build_network

CLASSES = ["ant", "bee", "cat"]
LABELS = np.arange(30) % 3
IDS = np.array([f"test/{i:02d}" for i in range(30)])


def right(gained: int, lost: int, both: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images the base and the other have right."""
    cells = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * both + [(False, False)] * neither
    base, other = np.array(cells, bool).reshape(-1, 2).T
    return base, other


def logits(wrong: dict[int, float], labels: np.ndarray = LABELS) -> np.ndarray:
    """All right with 2 for the true class; the images in `wrong` have that much for the next class instead."""
    result = 2.0 * np.eye(3, dtype=np.float32)[labels]
    for image, surety in wrong.items():
        result[image] = surety * np.eye(3)[(labels[image] + 1) % 3]
    return result


def made(
    folder: Path, answers: np.ndarray, seed: int = 0, recipe: str | sf.Recipe = "tiny", digest: str = "train", **other: object
) -> Run:
    """A run folder with these logits on `IDS` and `LABELS`; `other` replaces what is stored."""
    run = create(folder)
    fields = find(recipe) if isinstance(recipe, str) else recipe
    run.write("recipe.json", {"seed": seed, **dataclasses.asdict(fields)})
    run.write("data.json", {"classes": CLASSES, "size": 32, "digest": digest, "start": other.pop("start", None)})
    run.write("timing.json", {"seconds_by_epoch": [1.5, 2.0]})
    run.write("evaluation-test.json", {"digest": other.pop("images", "test"), "accuracy": {}})
    run.write_arrays("predictions-test.npz", **({"ids": IDS, "labels": LABELS, "logits": answers} | other))
    return run


# Numbers in, numbers out


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 40))
def test_mcnemar_is_the_sum_of_the_binomial_tail_twice(gained: int, lost: int, both: int) -> None:
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n
    found = paired_difference(*right(gained, lost, both, 1))
    assert found.p == pytest.approx(min(2 * tail, 1.0))
    assert (found.gained, found.lost) == (gained, lost)


def test_the_interval_is_that_of_the_r_package_propcis() -> None:
    """`diffpropci.mp(b = 40, c = 20, n = 160)` prints -0.21601726 -0.03089632."""
    found = paired_difference(*right(20, 40, 60, 40))
    assert found.value == -20 / 160
    assert (found.low, found.high) == pytest.approx((-0.21601726, -0.03089632), abs=1e-8)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_the_interval_holds_the_value_and_turns_with_the_runs(gained: int, lost: int, both: int, neither: int) -> None:
    base, other = right(gained, lost, both, neither)
    there, back = paired_difference(base, other), paired_difference(other, base)
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert (back.low, back.value, back.high) == pytest.approx((-there.high, -there.value, -there.low))
    assert back.p == there.p


def test_without_images_nothing_is_known() -> None:
    assert dataclasses.astuple(paired_difference(*right(0, 0, 0, 0))) == (0.0, -1.0, 1.0, 0, 0, 1.0)


@pytest.mark.parametrize("images", [200, 2000])
def test_the_interval_covers_the_truth_in_about_95_of_100_cases(images: int) -> None:
    rng = np.random.default_rng(0)
    covered = []
    for gain, loss in [(0.02, 0.02), (0.05, 0.02), (0.1, 0.05), (0.1, 0.1), (0.3, 0.1), (0.04, 0.01)]:
        counts = rng.multinomial(images, [gain, loss, 1 - gain - loss], 20_000)
        low, high = paired_interval(counts[:, 0], counts[:, 1], images)
        covered.append(((low <= gain - loss) & (gain - loss <= high)).mean())
    assert 0.94 <= np.mean(covered) <= 0.965
    assert min(covered) > 0.93


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


def test_a_class_without_images_has_no_row(tmp_path: Path) -> None:
    labels = np.arange(30) % 2
    runs = [made(tmp_path / name, logits({}, labels), labels=labels) for name in "ab"]
    assert [row.name for row in compare(runs).pairs[0].classes] == ["ant", "bee"]


def test_a_trained_run_and_its_copy_do_not_differ(small_data: Dataset, tmp_path: Path) -> None:
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    evaluation = sf.evaluate(run, "test", data=small_data)
    shutil.copytree(run.path, tmp_path / "copies" / "run")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    found = compare([run, Run(tmp_path / "copies" / "run")])
    pair = found.pairs[0]
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before  # no look, no trace
    assert (pair.base, pair.other) == (f"{tmp_path.name}/run", "copies/run")
    assert (pair.difference.value, pair.difference.p, pair.agreement, pair.gained_ids) == (0.0, 1.0, 1.0, [])
    assert (found.digest, found.recipes[0].accuracies) == (small_data.test.digest, [evaluation.accuracy.value])
    layers = summarise(build_network(change(find("tiny"), SMALL), 3, 16), 16)
    assert pair.cost.base == pair.cost.other
    assert pair.cost.base.parameters == sum(layer.parameters for layer in layers)
    assert pair.cost.base.multiply_adds == sum(layer.multiply_adds for layer in layers)
    assert pair.cost.base.seconds == sum(run.read("timing.json")["seconds_by_epoch"])
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False)) == dataclasses.asdict(found)


# Several seeds


def seeds(folder: Path, recipe: str, wrong: list[int], first: int = 0) -> list[Run]:
    """A run for each number: the first so many images are wrong; seeds count from `first`."""
    return [
        made(folder / f"{recipe}-{seed}", logits(dict.fromkeys(range(many), 1.0)), seed, recipe)
        for seed, many in enumerate(wrong, first)
    ]


def test_the_seeds_of_a_recipe_have_students_interval_and_churn(tmp_path: Path) -> None:
    (group,) = compare(seeds(tmp_path, "tiny", [3, 6, 5])).recipes
    accuracies = [27 / 30, 24 / 30, 25 / 30]
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies)
    half = stats.t.ppf(0.975, 2) * deviation / math.sqrt(3)
    assert (group.recipe, group.data) == ("tiny", "train")
    assert (group.runs, group.seeds, group.accuracies) == (["tiny-0", "tiny-1", "tiny-2"], [0, 1, 2], accuracies)
    assert (group.mean, group.deviation) == pytest.approx((mean, deviation))
    assert (group.low, group.high) == pytest.approx((mean - half, mean + half))
    assert group.churn == pytest.approx((3 + 2 + 1) / 3 / 30)


def test_one_run_and_equal_runs_do_not_show_how_far_seeds_scatter(tmp_path: Path) -> None:
    one, equal = compare([*seeds(tmp_path, "baseline", [3]), *seeds(tmp_path, "tiny", [2, 2])]).recipes
    assert (one.mean, one.deviation, one.low, one.high, one.churn) == (0.9, None, None, None, None)
    assert (equal.deviation, equal.low, equal.high, equal.churn) == (0.0, None, None, 0.0)


def test_an_interval_stays_within_what_an_accuracy_can_be(tmp_path: Path) -> None:
    (group,) = compare(seeds(tmp_path, "tiny", [0, 15])).recipes
    assert (group.low, group.high) == (0.0, 1.0)


def test_recipes_are_paired_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    runs = [
        *seeds(tmp_path, "tiny", [9, 6, 8, 7]),
        *seeds(tmp_path, "baseline", [4, 5, 5], first=1),
        *seeds(tmp_path, "deep", [1]),
    ]
    (found,) = compare(runs).recipe_differences
    differences = np.array([6 - 4, 8 - 5, 7 - 5]) / 30
    half = stats.t.ppf(0.975, 2) * differences.std(ddof=1) / math.sqrt(3)
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(3))
    assert (found.base, found.other, found.seeds) == ("tiny", "baseline", [1, 2, 3])
    assert found.value == pytest.approx(differences.mean())
    assert (found.low, found.high) == pytest.approx((differences.mean() - half, differences.mean() + half))
    assert found.p == pytest.approx(2 * stats.t.sf(t, 2))


def test_where_all_seeds_show_the_same_difference_there_is_no_interval(tmp_path: Path) -> None:
    (found,) = compare([*seeds(tmp_path, "tiny", [5, 7]), *seeds(tmp_path, "baseline", [4, 6])]).recipe_differences
    assert (found.value, found.low, found.high, found.p) == (pytest.approx(1 / 30), None, None, None)


def test_a_seed_counts_once(tmp_path: Path) -> None:
    again = made(tmp_path / "again", logits({1: 1.0}), seed=1)
    found = compare([*seeds(tmp_path, "tiny", [3, 6]), again])
    assert [pair.other for pair in found.pairs] == ["tiny-1", "again"]
    assert [group.runs for group in found.recipes] == [["tiny-0", "tiny-1"]]


def test_other_training_images_recipes_and_starts_are_other_groups(tmp_path: Path) -> None:
    same_name = dataclasses.replace(find("tiny"), dense=32)
    other_words = dataclasses.replace(find("tiny"), about="The same in other words.")
    runs = [
        made(tmp_path / "a", logits({}), 0),
        made(tmp_path / "b", logits({}), 1, recipe=other_words),
        made(tmp_path / "c", logits({}), 2, digest="fewer"),
        made(tmp_path / "d", logits({}), 3, recipe=same_name),
        made(tmp_path / "e", logits({}), 4, start={"run": "before", "weights": "1234"}),
    ]
    assert [group.runs for group in compare(runs).recipes] == [["a", "b"], ["c"], ["d"], ["e"]]


def test_runs_can_be_given_names(tmp_path: Path) -> None:
    runs = {"plain": made(tmp_path / "a", logits({})), "odd one": made(tmp_path / "b", logits({0: 1.0}))}
    found = sf.compare(runs)
    assert (found.pairs[0].base, found.pairs[0].other) == ("plain", "odd one")
    assert [name for group in found.recipes for name in group.runs] == ["plain"]  # one seed counts once
    assert dataclasses.replace(found.pairs[0], base="a", other="b") == sf.compare(list(runs.values())).pairs[0]


# What cannot be compared


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
        compare([a, a_copy(a, tmp_path), b])


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


def a_copy(run: Run, folder: Path) -> Run:
    return Run(Path(shutil.copytree(run.path, folder / "copy")))
