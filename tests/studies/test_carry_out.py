"""A study from the first training to its table and page: resumed, kept apart from others, open to test once."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.cli import main
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.studies import carry_out, workers
from seefar.studies.study import Change, Study

QUICK = {**SMALL, "epochs": 1}
STUDY = Study(
    name="small",
    about="Do these help?",
    base="tiny",
    fields=QUICK,
    changes=(
        Change("wider", "More channels hold more.", {"widths": [[12], [12]]}),
        Change("norm", "Steady values learn faster.", {"batch_norm": True}),
    ),
)


def without_clock(path: Path) -> Any:
    found = json.loads((path / "results.json").read_bytes())
    for row in found["rows"]:
        row["seconds"] = None
    found["front"] = None  # it depends on seconds
    del found["folder"]
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """The study carried out once, and its data."""
    folder = tmp_path_factory.mktemp("study")
    data = Dataset(name="colours", train=images(120, 1, "train"), test=images(30, 2, "test"), source="colours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        sf.study(STUDY, data, 2, out=folder / "study", device="cpu", quiet=True)
    return folder / "study", data


@pytest.fixture
def planted(done: tuple[Path, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that take no time: the runs of that study are copied, by the names of their variants, over and over."""
    real = workers.train_and_evaluate

    def copied(job: workers.Job, data: Dataset) -> str | None:
        name, _, seed = job.path.name.partition("-")[2].rpartition("-seed")
        if there := list((done[0] / "runs").glob(f"*-{name}-seed{int(seed) % 2}")):
            shutil.copytree(there[0], job.path)
            return None
        return real(job, data)

    monkeypatch.setattr(workers, "train_and_evaluate", copied)


def test_every_variant_is_trained_with_every_seed_and_compared(done: tuple[Path, Dataset]) -> None:
    folder, _ = done
    runs = sorted(path.name for path in (folder / "runs").iterdir())
    assert runs == [
        f"{number:02d}-{name}-seed{seed}" for number, name in enumerate(("base", "wider", "norm")) for seed in (0, 1)
    ]
    found = json.loads((folder / "results.json").read_bytes())
    assert found["split"] == "test"
    assert found["seeds"] == [0, 1]
    assert [row["variant"] for row in found["rows"]] == ["base", "wider", "norm"]
    for row in found["rows"]:
        accuracies = [
            json.loads((folder / "runs" / name / "evaluation-test.json").read_bytes())["accuracy"]["value"]
            for name in runs
            if f"-{row['variant']}-" in name
        ]
        assert row["test"]["accuracies"] == accuracies
        assert row["test"]["mean"] == pytest.approx(sum(accuracies) / 2)
    assert found["rows"][1]["parameters"] > found["rows"][0]["parameters"]
    assert found["chosen"] in ("base", "wider", "norm")


def test_all_variants_share_seed_split_and_order(done: tuple[Path, Dataset]) -> None:
    folder, _ = done
    splits = {(path / "splits.json").read_bytes() for path in (folder / "runs").iterdir()}
    assert len(splits) == 1


def test_test_was_opened_once_and_the_ledgers_say_for_what(done: tuple[Path, Dataset]) -> None:
    for run in (done[0] / "runs").iterdir():
        (line,) = (run / "test-ledger.jsonl").read_text().splitlines()
        assert json.loads(line)["verb"] == "study small"


def test_called_again_it_does_nothing_again(done: tuple[Path, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, data = done
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}
    sf.study(STUDY, data, 2, out=folder, device="cpu", quiet=True)
    assert {path: path.read_bytes() for path in before} == before


def test_interrupted_and_called_again_it_gives_the_same_table(
    done: tuple[Path, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = done
    real, calls = workers.train, []

    def fragile(*given: Any, **options: Any) -> sf.Run:
        calls.append(given)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "train", fragile)
        with pytest.raises(KeyboardInterrupt):
            sf.study(STUDY, data, 2, out=tmp_path / "study", device="cpu", quiet=True)
    assert not (tmp_path / "study" / "results.json").exists()
    sf.study(STUDY, data, 2, out=tmp_path / "study", device="cpu", quiet=True)
    assert without_clock(tmp_path / "study") == without_clock(folder)


@pytest.mark.usefixtures("planted")
def test_a_variant_that_fails_is_recorded_and_the_rest_goes_on(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learning rate that no network survives: the real error, and it is not tried again."""
    wild = Change("wild", "It cannot.", {"optimiser": "sgd", "momentum": 0.99, "learning_rate": 100.0})
    asked = dataclasses.replace(STUDY, changes=(wild, STUDY.changes[0]), fields={**QUICK, "epochs": 5})
    found = sf.study(asked, small_data, 2, out=tmp_path / "study", device="cpu", quiet=True)
    assert set(found.rows[1].failures) == {0, 1}
    assert found.rows[1].effect is not None
    assert found.rows[1].effect.value is None
    assert found.rows[2].test is not None
    assert found.rows[2].test.seeds == [0, 1]
    real, asked_for = workers.train, []

    def watched(*given: Any, **options: Any) -> sf.Run:
        asked_for.append(given[1].name)
        return real(*given, **options)

    monkeypatch.setattr(workers, "train", watched)
    again = sf.study(asked, small_data, 2, out=tmp_path / "study", device="cpu", quiet=True)
    assert asked_for == []
    assert again.rows[1].failures == found.rows[1].failures
    assert "failed (seed 0" in words_of(sf.report(again))


@pytest.mark.usefixtures("planted")
def test_until_adds_seeds_and_claims_no_p_value(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carry_out, "MOST", 4)
    one = dataclasses.replace(STUDY, changes=STUDY.changes[:1])
    found = sf.study(one, small_data, 2, out=tmp_path / "study", until=0.001, device="cpu", quiet=True)
    assert found.seeds == [0, 1, 2, 3]
    assert found.planned == 4
    assert found.estimation_only
    assert all(row.effect is None or row.effect.p is None for row in found.rows)


@pytest.mark.usefixtures("planted")
def test_a_budget_ends_the_study_between_seeds_and_the_page_says_so(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dataclasses.replace(STUDY, changes=STUDY.changes[:1], budget=1000.0, seeds=4)
    clock = iter(range(0, 10_000, 150))  # 150 s pass between two looks at it
    monkeypatch.setattr(carry_out, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    found = sf.study(one, small_data, out=tmp_path / "study", device="cpu", quiet=True)
    assert 1 < len(found.seeds) < 4
    assert found.planned == 4
    assert "4 seeds were wanted, but the budget of the study ended before" in words_of(sf.report(found))


@pytest.mark.usefixtures("planted")
def test_a_budget_that_suffices_changes_nothing(done: tuple[Path, Dataset], tmp_path: Path) -> None:
    folder, data = done
    sf.study(STUDY, data, 2, out=tmp_path / "study", budget=1000.0, device="cpu", quiet=True)
    assert without_clock(tmp_path / "study") == without_clock(folder)


@pytest.mark.usefixtures("planted")
def test_a_cumulative_study_estimates_the_whole_from_first_to_last(small_data: Dataset, tmp_path: Path) -> None:
    stacked = dataclasses.replace(STUDY, design="cumulative")
    found = sf.study(stacked, small_data, 2, out=tmp_path / "study", device="cpu", quiet=True)
    first, last = found.rows[0].test, found.rows[-1].test
    assert found.together is not None
    assert found.together.value == pytest.approx(last.mean - first.mean)
    assert found.together.p is None


def test_the_number_of_threads_is_kept(done: tuple[Path, Dataset]) -> None:
    folder, data = done
    threads = json.loads((folder / "study.json").read_bytes())["threads"]
    with pytest.raises(UsageError, match=f"began with {threads}"):
        sf.study(STUDY, data, 2, out=folder, threads=threads - 1 or 2, quiet=True)


def test_a_study_without_data_asks_for_some(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the study 'small' names no data"):
        sf.study(STUDY, out=tmp_path / "study")


@pytest.mark.usefixtures("planted")
def test_trainings_have_no_way_to_the_test_images(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, real = [], workers.train_and_evaluate

    def watched(job: workers.Job, data: Dataset) -> str | None:
        seen.append(len(data.test))
        return real(job, data)

    monkeypatch.setattr(workers, "train_and_evaluate", watched)
    sf.study(dataclasses.replace(STUDY, changes=STUDY.changes[:1]), small_data, 1, out=tmp_path / "study", quiet=True)
    assert seen == [0, 0]


def words_of(page: Path) -> str:
    return " ".join(page.read_text().split())


def test_the_page_of_a_study_is_made_from_its_results_or_its_folder(done: tuple[Path, Dataset], tmp_path: Path) -> None:
    folder, data = done
    assert not (folder / "study.html").exists()  # a study draws nothing by itself
    page = sf.report(sf.study(STUDY, data, 2, out=folder, device="cpu", quiet=True))
    assert page == folder / "study.html"
    text = page.read_text()
    assert "More channels hold more." in text
    assert "corrected for that (Holm)" in words_of(page)
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert text.count("<svg") >= 3
    moved = shutil.copytree(folder, tmp_path / "moved")
    (moved / "study.html").unlink()
    found = json.loads((moved / "results.json").read_bytes())
    del found["folder"]  # as earlier versions wrote it
    (moved / "results.json").write_text(json.dumps(found))
    assert sf.report(moved) == moved / "study.html"
    assert words_of(moved / "study.html") == words_of(page)


def test_the_command_line_prints_the_table_and_where_the_page_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["study", "--base", "tiny", "--vary", "flip=none,random", "--data", "shapes", "--subset", "200", "--seeds", "1"]
    words += ["--set", "widths=[[4],[4]]", "--set", "epochs=1", "--threads", "1", "--out", str(tmp_path / "study")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "flip=random" in out
    assert out.splitlines()[-1] == f"report: {tmp_path / 'study' / 'study.html'}"
    assert (tmp_path / "study" / "study.html").exists()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == str(tmp_path / "study")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"question": "enhancment"}, "did you mean 'enhancement'"),
        ({"seeds": 0}, "seeds is 0; allowed is 1 to 1000"),
        ({"until": -1.0}, "until needs a width in points above 0"),
        ({"budget": -1.0}, "budget is -1; allowed is a number of seconds above 0"),
        ({"threads": 0}, "threads is 0; allowed is 1 to "),
        ({"jobs": 0}, "jobs is 0; allowed is 1 to 1000"),
        ({"jobs": 2, "ray": "auto"}, "give one of them"),
        ({"learning_rtae": 1}, "learning_rate"),
        ({"batch_size": 5000}, "variant 'base': batch_size is 5000"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(
    small_data: Dataset, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    given = {"question": STUDY, "seeds": 2, **options}
    with pytest.raises(UsageError, match=says):
        sf.study(given.pop("question"), small_data, given.pop("seeds"), out=tmp_path / "study", quiet=True, **given)
    assert not (tmp_path / "study").exists()


def test_a_folder_of_another_study_and_changed_images_are_refused(done: tuple[Path, Dataset]) -> None:
    folder, data = done
    before = sorted(folder.rglob("*"))
    other = dataclasses.replace(STUDY, changes=STUDY.changes[:1])
    with pytest.raises(UsageError, match="holds another study, 'small' as it was then"):
        sf.study(other, data, 2, out=folder, quiet=True)
    changed = dataclasses.replace(data, train=data.train[:-1])
    with pytest.raises(UsageError, match="the images have changed since the study"):
        sf.study(STUDY, changed, 2, out=folder, quiet=True)
    assert sorted(folder.rglob("*")) == before


def test_a_study_that_an_earlier_version_began_with_another_recipe_is_refused(
    done: tuple[Path, Dataset], tmp_path: Path
) -> None:
    """Recipes had other fields then, so that the digest differs; studies had a fraction."""
    folder, data = done
    there = json.loads((folder / "study.json").read_bytes())
    there["digest"], there["study"]["fraction"] = "0" * 64, 1.0
    (tmp_path / "study.json").write_text(json.dumps(there))
    with pytest.raises(UsageError, match="holds another study, 'small' as it was then; choose another folder with --out"):
        sf.study(STUDY, data, 2, out=tmp_path, quiet=True)
