"""A search from its first trial to the claim: resumed, shared, kept apart from others, blind to test until the end."""

import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from math import log10
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import SMALL, images, wait_for_end_of
from tests.studies.test_workers import children_of, interrupted, started

import seefar as sf
from seefar.cli import main
from seefar.data.images import Dataset
from seefar.errors import DiskError, DivergedError, StoppedError, UsageError
from seefar.recipe_fields import find, flat
from seefar.runs.folder import Run
from seefar.studies import tune as tuning
from seefar.studies.tune import tune
from seefar.studies.tuned import Tuning
from seefar.training.events import Epoch
from seefar.training.plan import Plan

optuna = pytest.importorskip("optuna")
from seefar.studies import search as searching  # noqa: E402 (it imports Optuna)

FIELDS = {**SMALL, "epochs": 2}
SPACE = {"learning_rate": "0.003..0.02:log", "flip": "none,random"}  # the base has a rate of 0.002


def small() -> Dataset:
    return Dataset(name="colours", train=images(120, 1, "train"), test=images(30, 2, "test"), source="colours")


def search(data: Dataset, out: Path, trials: int = 4, space: Any = SPACE, **options: Any) -> Tuning:
    fields = {name: value for name, value in FIELDS.items() if name not in space}
    given = {"confirm": 0, "device": "cpu", "threads": 1, "quiet": True, **fields, **options}
    return tune(data, space, "tiny", trials, out=out, **given)


def planted(monkeypatch: pytest.MonkeyPatch, accuracy: Any, trained: list[str] | None = None) -> None:
    """Trainings that take no time: the accuracy of an epoch is a function of the recipe's fields and the epoch."""

    def fit(plan: Plan, leave: Callable[[], int]) -> Iterator[Epoch]:
        epochs = plan.recipe.stopping.epochs
        for number in range(1, epochs + 1):
            if trained is not None:
                trained.append(f"{plan.run.path.name}/{number}")
            right = accuracy(SimpleNamespace(**flat(plan.recipe)), number)
            yield Epoch(number, 1.0, 0.5, 1.0, right, 0.1, True, 0.0, "finished" if number == epochs else "")

    monkeypatch.setattr(searching, "fit", fit)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuning]:
    """A search with its confirmation, carried out once."""
    folder = tmp_path_factory.mktemp("tuning")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        return folder / "search", search(small(), folder / "search", confirm=2)


def test_trials_are_runs_and_the_best_of_them_wins(done: tuple[Path, Tuning]) -> None:
    folder, found = done
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3]
    for trial in found.trials:
        run = sf.open_run(folder / "trials" / f"{trial.number:04d}")
        run.verify()
        assert {name: run.recipe()[name] for name in trial.fields} == trial.fields
        assert run.read("recipe.json")["seed"] == 0
        if trial.state == "complete":
            assert trial.accuracy in [row["validation_accuracy"] for row in run.history()]
            assert trial.epochs == len(run.history()) == 2
    assert found.accuracy == max(trial.accuracy or 0 for trial in found.trials)
    assert found.complete + found.pruned + found.failed == 4


def test_what_was_found_is_written_down(done: tuple[Path, Tuning]) -> None:
    folder, found = done
    assert json.loads((folder / "results.json").read_bytes()) == json.loads(json.dumps(dataclasses.asdict(found)))
    asked = json.loads((folder / "tuning.json").read_bytes())
    assert asked["space"] == {"learning_rate": "0.003..0.02:log", "flip": "none,random"}
    assert asked["train"] == small().train.digest


def test_only_the_confirmation_looks_at_test_and_with_fresh_seeds(done: tuple[Path, Tuning]) -> None:
    folder, found = done
    assert not list(folder.glob("trials/*/*test*"))
    assert found.confirmation is not None
    assert found.confirmation.seeds == [1, 2]
    assert found.confirmation.split == "test"
    assert [row.variant for row in found.confirmation.rows] == ["base", "tuned"]
    tuned = flat(find("tiny")) | found.confirmation.rows[1].fields
    assert {name: tuned[name] for name in found.fields} == found.fields
    page = sf.report(found.confirmation)
    assert str(page) == found.page
    assert "the best of 4 trials on validation" in " ".join(page.read_text().split())
    for run in (folder / "confirmation" / "runs").iterdir():
        assert len((run / "test-ledger.jsonl").read_text().splitlines()) == 1


def test_called_again_it_trains_nothing_and_says_the_same(done: tuple[Path, Tuning], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, found = done
    trained: list[str] = []
    planted(monkeypatch, lambda recipe, number: 0.0, trained)
    assert search(small(), folder, confirm=2) == found
    assert trained == []


def test_a_search_has_no_way_to_the_test_images(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = searching.write_metadata

    def watched(plan: Plan, data: Dataset) -> None:
        seen.append(len(data.test))
        real(plan, data)

    monkeypatch.setattr(searching, "write_metadata", watched)
    planted(monkeypatch, lambda recipe, number: 0.5)
    search(small_data, tmp_path / "search", 2)
    assert seen == [0, 0]


@pytest.mark.parametrize(
    ("given", "says", "line"),
    [
        (
            {"space": {"learning_rate": "0.003..0.02:log"}},
            "holds a different search",
            "search flip: none,random there, None here",
        ),
        ({"space": {**SPACE, "flip": "none,alternating"}}, "holds a different search", "search flip: none,random there"),
        ({"epochs": 3}, "holds a different search from the one requested", "epochs: 2 there, 3 here"),
        ({"seed": 1}, "holds a different search", "seed: 0 there, 1 here"),
        ({"threads": 2}, "threads is 2, but the search in .* began with 1, and results depend on it", ""),
    ],
)
def test_a_folder_of_another_search_is_refused(done: tuple[Path, Tuning], given: dict[str, Any], says: str, line: str) -> None:
    folder, _ = done
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match=says) as error:
        search(small(), folder, **given)
    assert line in " ".join(error.value.details)
    assert sorted(folder.rglob("*")) == before


def test_changed_images_and_another_storage_are_refused(done: tuple[Path, Tuning], tmp_path: Path) -> None:
    folder, _ = done
    for changed in ({"train": small().train[:-1]}, {"test": small().test[:-1]}):
        with pytest.raises(UsageError, match="the images have changed since the search in"):
            search(dataclasses.replace(small(), **changed), folder)
    with pytest.raises(UsageError, match="holds trials that its storage does not know"):
        search(small(), folder, storage=f"sqlite:///{tmp_path / 'other.db'}")


def test_a_planted_winner_is_found(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One flip is better, and rates are better the nearer they are to 0.01."""
    planted(
        monkeypatch, lambda recipe, number: 0.9 - 0.2 * abs(log10(recipe.learning_rate) + 2) - 0.3 * (recipe.flip != "random")
    )
    space = {"learning_rate": "0.0001..1:log", "flip": "none,random,alternating", "zoom": "0..0.5"}
    found = search(small_data, tmp_path / "search", 30, space)
    assert found.fields["flip"] == "random"
    assert 0.004 < found.fields["learning_rate"] < 0.025
    assert found.importance is not None
    assert found.importance.keys() == space.keys()
    assert sum(found.importance.values()) == pytest.approx(1, abs=1e-3)


def test_what_falls_behind_is_given_up_but_never_in_the_first_third(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    planted(monkeypatch, lambda recipe, number: 0.5 - recipe.zoom + number / 100, trained)
    found = search(small_data, tmp_path / "search", 12, {"zoom": "0..0.5"}, epochs=9)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    for trial in found.trials:
        epochs = len([line for line in trained if line.startswith(f"{trial.number:04d}/")])
        run = Run(tmp_path / "search" / "trials" / f"{trial.number:04d}")
        assert (epochs, run.ended()) == ((4, "pruned") if trial in pruned else (9, ""))
    assert found.winner == 0


def test_a_run_that_was_given_up_is_a_run(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be reported, evaluated, and gone on with."""
    monkeypatch.setattr(optuna.pruners, "MedianPruner", lambda *_: optuna.pruners.ThresholdPruner(lower=2.0))
    found = search(small_data, tmp_path / "search", 1)
    assert (found.pruned, found.winner, found.trials[0].epochs) == (1, None, 1)
    run = sf.open_run(tmp_path / "search" / "trials" / "0000")
    assert sf.evaluate(run, "validation", data=small_data).accuracy.value > 0
    assert "the search pruned it, since other trials were ahead" in " ".join(sf.report(run).read_text().split())
    assert len(sf.resume(run, data=small_data, quiet=True).history()) == 2


@pytest.mark.parametrize("stop", [KeyboardInterrupt, None])
def test_interrupted_and_called_again_it_finds_the_same(
    done: tuple[Path, Tuning], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException] | None
) -> None:
    """In the middle of a trial, as by kill -9 (nothing is tidied up), or by a signal that is obeyed."""
    real, epochs = searching.fit, []

    def fragile(plan: Plan, leave: Callable[[], int]) -> Iterator[Any]:
        for event in real(plan, leave):
            yield event
            if isinstance(event, Epoch):
                epochs.append(event)
            if len(epochs) == 5:
                if stop:
                    raise stop
                os.kill(os.getpid(), signal.SIGTERM)
                epochs.append(event)

    with monkeypatch.context() as patch:
        patch.setattr(searching, "fit", fragile)
        with pytest.raises(stop or StoppedError) as error:
            search(small(), tmp_path / "search")
        if not stop:
            assert "in trial 2; everything is saved, and the same command resumes it" in str(error.value)
    assert not (tmp_path / "search" / "results.json").exists()
    with monkeypatch.context() as patch:
        trained: list[Any] = []
        patch.setattr(searching, "fit", lambda *given: (trained.append(event) or event for event in real(*given)))
        found = search(small(), tmp_path / "search")
    assert found.trials == done[1].trials
    assert len([event for event in trained if isinstance(event, Epoch)]) == 3  # of 8: one of trial 2, two of trial 3
    for trial in ("0002", "0003"):
        weights = [folder / "trials" / trial / "weights" / "last.safetensors" for folder in (done[0], tmp_path / "search")]
        assert weights[0].read_bytes() == weights[1].read_bytes()


def test_more_trials_go_on_from_those_that_are_there(
    done: tuple[Path, Tuning], small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    planted(monkeypatch, lambda recipe, number: recipe.learning_rate, trained)
    first = search(small_data, tmp_path / "search", 2)
    found = search(small_data, tmp_path / "search", 4)
    assert found.trials[:2] == first.trials
    assert [trial.fields for trial in found.trials] == [trial.fields for trial in done[1].trials]  # as if asked for at once
    assert trained == [f"000{number}/{epoch}" for number in range(4) for epoch in (1, 2)]


def test_a_trial_that_cannot_be_carried_out_fails_with_its_reason_and_the_rest_goes_on(
    small_data: Dataset, tmp_path: Path
) -> None:
    space = {"learning_rate": "0.01,100", "flip": "none,random"}
    wild = {"optimiser": "sgd", "momentum": 0.9, "epochs": 3}
    found = search(small_data, tmp_path / "search", 4, space, **wild)
    assert len(found.trials) == 4
    assert {trial.fields["learning_rate"] for trial in found.trials if trial.state == "failed"} == {100.0}
    assert {trial.fields["learning_rate"] for trial in found.trials if trial.state == "complete"} == {0.01}
    assert all("use a smaller learning rate" in trial.reason for trial in found.trials if trial.state == "failed")


def test_where_nothing_comes_to_its_end_there_is_no_winner(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(recipe: Any, number: int) -> float:
        raise DivergedError("the loss is no number")

    planted(monkeypatch, diverged)
    found = search(small_data, tmp_path / "search", 2, confirm=3)
    assert (found.winner, found.failed, found.confirmation) == (None, 2, None)


def test_a_trial_that_kills_its_process_twice_is_not_tried_a_third_time(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(recipe: Any, number: int) -> float:
        if recipe.flip == "random":
            raise KeyboardInterrupt
        return 0.5

    planted(monkeypatch, deadly)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            search(small_data, tmp_path / "search", 2, {"flip": "none,random"})
    found = search(small_data, tmp_path / "search", 2, {"flip": "none,random"})
    assert [trial.state for trial in found.trials] == ["complete", "failed"]
    assert found.trials[1].reason == "its process was killed 2 times, perhaps since memory ran out"


def test_the_base_is_tried_first_if_it_lies_in_the_space(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch, lambda recipe, number: 0.5)
    space = {"learning_rate": "0.001..0.1:log", "flip": "none,random"}
    assert search(small_data, tmp_path / "search", 1, space).trials[0].fields == {"learning_rate": 0.002, "flip": "none"}


def test_a_small_space_is_searched_completely(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(monkeypatch, lambda recipe, number: 0.9 if recipe.flip == "alternating" and recipe.shift == 2 else 0.3)
    found = search(small_data, tmp_path / "search", 30, {"flip": "none,random,alternating", "shift": "1..2"}, quiet=False)
    assert "note: the space has 6 points" in capsys.readouterr().err
    assert len(found.trials) == len({str(trial.fields) for trial in found.trials}) == 6
    assert found.fields == {"flip": "alternating", "shift": 2}


def test_a_base_that_wins_needs_no_confirmation(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, lambda recipe, number: 0.9 if recipe.flip == "none" else 0.3)
    found = search(small_data, tmp_path / "search", 3, {"flip": "none,random,alternating"}, confirm=3)
    assert (found.winner, found.base_won, found.confirmation) == (0, True, None)
    assert not (tmp_path / "search" / "confirmation").exists()


def test_the_same_recipe_is_not_trained_twice(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are rounded, and here all to the same."""
    trained: list[str] = []
    planted(monkeypatch, lambda recipe, number: 0.5, trained)
    found = search(small_data, tmp_path / "search", 4, {"zoom": "0.2..0.200001"})
    assert trained == ["0000/1", "0000/2"]
    assert [trial.same_as for trial in found.trials] == [None, 0, 0, 0]
    assert {trial.accuracy for trial in found.trials} == {0.5}


def test_any_database_takes_the_trials(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One may serve several searches, which stay apart."""
    trained: list[str] = []
    planted(monkeypatch, lambda recipe, number: 0.5, trained)
    for name in ("one {folder}?", "two"):
        found = search(small_data, tmp_path / name, 2, storage=f"sqlite:///{tmp_path / 'all.db'}")
        assert [trial.number for trial in found.trials] == [0, 1]
        assert not (tmp_path / name / "trials.db").exists()
    assert len(trained) == 8
    search(small_data, tmp_path / "a {strange} name?", 1)  # the default one stands any folder
    assert (tmp_path / "a {strange} name?" / "trials.db").exists()


@pytest.mark.parametrize(
    ("storage", "says"),
    [
        ("trials.db", "the storage cannot be opened: it has no ://; expected a database as SQLAlchemy names it"),
        ("nothing://user:secret@host/name", r"the storage \(nothing\) cannot be opened"),
        ("sqlite:////nowhere/at/all.db", r"the storage \(sqlite\) cannot be opened: unable to open database file"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_told_without_its_password(
    small_data: Dataset, tmp_path: Path, storage: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as error:
        search(small_data, tmp_path / "search", storage=storage)
    assert "secret" not in str(error.value)
    assert "secret" not in (tmp_path / "search" / "tuning.json").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"trials": 0}, "trials is 0; allowed is 1 to 10000"),
        ({"jobs": 0}, "jobs is 0; allowed is 1 to 1000"),
        ({"confirm": -1}, "confirm is -1; allowed is 0 to 1000"),
        ({"space": {"learnig_rate": "0.1,1"}}, "did you mean 'learning_rate'"),
        ({"space": {"epochs": "1..4"}, "epochs": 2}, "--search epochs and --set epochs contradict"),
        ({"space": {"batch_size": "16,5000"}}, "--search batch_size=16,5000: batch_size is 5000, but there are 108"),
        ({"space": {"optimiser": "adam,adm"}}, "--search optimiser=adam,adm: no optimiser is called 'adm'"),
        ({"frozen_stages": 1}, "frozen_stages would freeze random weights"),
        ({"batch_size": 5000}, "batch_size is 5000, but there are 108 training images"),
        ({"device": "abacus"}, "no device is called 'abacus'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    small_data: Dataset, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        search(small_data, tmp_path / "search", **options)
    assert not (tmp_path / "search").exists()


def test_without_optuna_the_extra_is_named(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'seefar\[tune\]'"):
        search(small_data, tmp_path / "search")
    assert list(tmp_path.iterdir()) == []


def test_another_winner_is_confirmed_elsewhere_and_the_looks_before_are_counted(
    done: tuple[Path, Tuning], tmp_path: Path
) -> None:
    folder, found = done
    same, other = tuning._question(found), tuning._question(dataclasses.replace(found, fields={"flip": "alternating"}))
    assert tuning._place(folder, same, 1) == (folder / "confirmation", 0)
    assert tuning._place(folder, other, 7) == (folder / "confirmation-0007", 1)
    assert tuning._place(tmp_path, other, 7) == (tmp_path / "confirmation", 0)


@pytest.mark.slow
def test_several_processes_share_the_trials(done: tuple[Path, Tuning], tmp_path: Path) -> None:
    """As long as the sampler draws at random, they are those of one process."""
    found = search(small(), tmp_path / "search", jobs=2)
    assert found.trials == done[1].trials


@pytest.mark.slow
def test_what_is_wrong_in_another_process_is_told(small_data: Dataset, tmp_path: Path) -> None:
    searched = search(small_data, tmp_path / "search", 1, {"flip": "none,random"})
    assert searched.complete == 1
    (tmp_path / "search" / "trials" / "0001").write_text("in the way")
    with pytest.raises(DiskError, match="0001"):
        search(small_data, tmp_path / "search", 2, {"flip": "none,random"}, jobs=2)


PROGRAM = """
import sys
from tests.studies.test_tune import search, small

if __name__ == "__main__":
    search(small(), sys.argv[1], 6, jobs=int(sys.argv[2]), epochs=10)
"""


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    """A program of a user that searches: give it the folder and the number of jobs."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return [sys.executable, str(path)]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_in_the_middle_it_leaves_no_process_and_is_resumed(script: list[str], tmp_path: Path, jobs: int) -> None:
    """kill -9 of the program, and then the same command on."""
    for killed in (1, 3):
        program = started(script, tmp_path / "killed", jobs)
        while len(list((tmp_path / "killed").glob("trials/*/history.csv"))) < killed:
            assert program.poll() is None, program.stderr and program.stderr.read().decode()
            time.sleep(0.02)
        children = children_of(program)
        program.send_signal(signal.SIGKILL)
        program.communicate()
        wait_for_end_of(children)
    for folder in ("killed", "whole"):
        with started(script, tmp_path / folder, jobs) as program:
            assert program.wait(200) == 0, program.stderr and program.stderr.read().decode()
    one, other = (json.loads((tmp_path / folder / "results.json").read_bytes()) for folder in ("killed", "whole"))
    if jobs == 1:
        assert one["trials"] == other["trials"]
    assert [trial["fields"] for trial in one["trials"]] == [trial["fields"] for trial in other["trials"]]


@pytest.mark.slow
def test_a_signal_leaves_saved_trainings_and_no_process_behind(script: list[str], tmp_path: Path) -> None:
    runs = interrupted(started(script, tmp_path / "search", 2), tmp_path / "search", "trials/*/history.csv")
    assert Run(runs[0].parent).ended() == "interrupted"


def test_the_command_line_prints_the_search_and_claims_nothing_without_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "tune",
        "--data",
        "shapes",
        "--base",
        "tiny",
        "--subset",
        "200",
        "--out",
        str(tmp_path / "search"),
        "--trials",
        "2",
    ]
    words += ["--search", "flip=none,random", "--set", "widths=[[4],[4]]", "--set", "epochs=1", "--confirm", "0"]
    words += ["--threads", "1"]
    assert main(words) == 0
    out = capsys.readouterr()
    assert "2 trials: 2 complete, 0 pruned, 0 failed." in out.out
    assert "chosen among 2 on the same images, so that this figure is optimistic" in out.out
    assert "nothing is claimed" in out.out or "nothing to confirm" in out.out
    assert "trial 1 (of 2): flip=random" in out.err
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] == 2
