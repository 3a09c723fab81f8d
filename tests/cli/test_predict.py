"""`seefar predict`: every form of answers, on stdout and in a file, and every way in which it can go on or refuse."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, colours, images
from tests.data.image_files import make_zip

import seefar as sf
from seefar.cli import main


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was evaluated on validation; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        run = sf.train(colours(), "tiny", out=tmp_path_factory.mktemp("runs") / "run", quiet=True, **(SMALL | {"epochs": 8}))
        sf.evaluate(run, "validation", data=colours())
    return run.path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty pictures; the working directory is their parent."""
    for number, pixels in enumerate(images(40, 5, "new").pixels):
        path = tmp_path / "photos" / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(path)
    monkeypatch.chdir(tmp_path)
    return Path("photos")


@dataclass
class Said:
    """What a command printed."""

    out: str
    err: str


@pytest.fixture
def say(evaluated: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Call `seefar predict` with these words after the run."""

    def call(*words: object, code: int = 0) -> Said:
        found = main(["predict", str(evaluated), *map(str, words)])
        said = capsys.readouterr()
        assert found == code, said.err
        return Said(said.out, said.err)

    return call


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_is_an_object_a_line_with_the_answers_of_the_library(say: Any, evaluated: Path, photos: Path) -> None:
    found = objects(say("photos", "--json").out)
    assert (
        found
        == [vars(row) for row in sf.predict(evaluated, ["photos"])]
        == [vars(row) for row in sf.predict_each(evaluated, "photos")]
    )
    model = sf.load_model(evaluated)
    pixels = np.stack([np.asarray(Image.open(row["image"])) for row in found])
    chances = model.predict_proba(pixels)
    assert [row["label"] for row in found] == [model.classes[place] for place in chances.argmax(1)]
    assert [row["probability"] for row in found] == pytest.approx(chances.max(1), abs=1e-5)
    assert model.familiar is not None
    assert [row["unlike"] for row in found] == model.familiar.unlike(model.answers(pixels)).tolist()


def test_csv_has_a_head_and_as_many_classes_as_are_asked_for(say: Any) -> None:
    whole, found = objects(say("photos", "--json").out), table(say("photos", "--csv", "--top", 2).out)
    assert list(found[0]) == [
        "image", "label", "class_1", "probability_1", "class_2", "probability_2", "unlike", "abstained", "original_size", "error",
    ]  # fmt: skip
    for row, cells in zip(whole, found, strict=True):
        (first, chance), (second, other) = list(row["probabilities"].items())[:2]
        assert [cells[name] for name in ("image", "label", "class_1", "class_2")] == [row["image"], first, first, second]
        assert [float(cells["probability_1"]), float(cells["probability_2"])] == [chance, other]
        assert (cells["unlike"], cells["abstained"], cells["original_size"]) == (str(row["unlike"]).lower(), "false", "16x16")
    assert "class_2" not in say("photos", "--csv").out


def test_people_get_tables(say: Any) -> None:
    found = say("photos/00.png", "photos/01.png").out.splitlines()
    assert found[1].split()[:4] == ["image", "class", "probability", "next"]
    assert [line.split()[0] for line in found if line.strip().startswith("photos/")] == ["photos/00.png", "photos/01.png"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_holds_what_stdout_would_have_shown(say: Any, form: str) -> None:
    shown = say("photos", "--json" if form == "jsonl" else "--csv").out
    assert say("photos", "--out", f"answers.{form}").out == f"answers.{form}\n"
    assert Path(f"answers.{form}").read_text() == shown
    assert sorted(path.name for path in Path().iterdir()) == [f"answers.{form}", "photos"]


def test_a_bad_file_is_a_row_with_its_reason_and_the_exit_code_says_it(say: Any) -> None:
    """Fault 79."""
    Path("photos/07.png").write_bytes(b"nothing")
    said = say("photos", "--json", code=3)
    bad = [row for row in objects(said.out) if row["error"]]
    assert len(objects(said.out)) == 40
    assert [row["image"] for row in bad] == ["photos/07.png"]
    assert "1 of 40 files could not be read; their rows say why" in said.err
    assert say("photos", "--out", "answers.csv", code=3).out == "answers.csv\n"
    assert [row["error"][:12] for row in table(Path("answers.csv").read_text()) if row["error"]] == ["not an image"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.png"], "there is no image or folder none.png"),
        (["none*.png"], "nothing matches none*.png"),
        (["empty"], "there are no images in empty"),
        (["-"], "stdin names no file"),
    ],
)
def test_nothing_to_answer_for_is_one_sentence(
    say: Any, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], sentence: str
) -> None:
    """Fault 78."""
    Path("empty").mkdir()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    for more in ([], ["--out", "answers.csv"]):
        assert sentence in say(*words, *more, code=3).err
    assert sorted(path.name for path in Path().iterdir()) == ["empty", "photos"]


def test_zips_patterns_and_stdin_give_the_answers_of_the_files(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = objects(say("photos", "--json").out)
    files = sorted(Path("photos").iterdir())
    make_zip(Path("photos.zip"), {path.name: path.read_bytes() for path in files})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(f"{path}\n" for path in files).encode())))
    for what, prefix in (("photos.zip", "photos.zip/"), ("photos/*.png", "photos/"), ("-", "photos/")):
        found = objects(say(what, "--json").out)
        assert [row["image"] for row in found] == [f"{prefix}{path.name}" for path in files]
        assert [row | {"image": ""} for row in found] == [row | {"image": ""} for row in expected]


def test_it_abstains_where_validation_says_so(say: Any, evaluated: Path) -> None:
    sure = sf.load_model(evaluated).sure
    assert sure is not None
    for row in objects(say("photos", "--json", "--abstain", "0.99").out):
        assert row["abstained"] == (row["probability"] < sure)
        assert (row["label"] is None) == row["abstained"]


def test_overlays_lie_beside_the_answers(say: Any) -> None:
    assert "pictures: answers-explained" in say("photos", "--out", "answers.csv", "--explain").err
    assert len(list(Path("answers-explained").glob("*.png"))) == 40
    assert "pictures: explained" in say("photos/00.png", "--json", "--explain").err
    with Image.open("explained/0000000-00.png.png") as overlay:
        assert overlay.size == (224, 224)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--json", "--csv"], "--json and --csv contradict each other"),
        (["--resume"], "say with --out which"),
        (["--out", "answers.txt"], "--out ends with '.txt'; say --json or --csv"),
        (["--top", "0"], "top is 0; allowed is 1 to the number of classes, which is 3"),
        (["--abstain", "0.5"], "abstain is 0.5; allowed is 0.99"),
        (["--ray", "local"], "with --ray the answers are Parquet files in the folder --out"),
        (["--ray", "local", "--out", "x", "--csv"], "leave out --json, --csv, --explain, --decoders and --workers"),
        (
            ["--ray", "local", "--out", "x", "--decoders", "threads"],
            "leave out --json, --csv, --explain, --decoders and --workers",
        ),
        (["--ray", "127.0.0.1:1", "--out", "x"], "no Ray cluster answers at '127.0.0.1:1'"),
        (["--ray", "local", "--out", "photos"], "photos is there already; choose another name, or remove it"),
        (["--workers", "0"], "workers is 0; allowed is 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(say: Any, words: Sequence[str], sentence: str) -> None:
    assert sentence in say("photos", *words, code=2).err


def program(evaluated: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "seefar", "predict", str(evaluated), *words]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_in_the_middle_and_resumed_the_file_is_the_same(evaluated: Path, photos: Path, number: signal.Signals) -> None:
    """The whole program, on a list that never ends, so that it is always in the middle."""
    listed = "".join(f"{path}\n" for path in sorted(photos.iterdir())) * 250
    whole = subprocess.run(
        program(evaluated, "-", "--out", "whole.csv"), input=listed, text=True, check=False, capture_output=True
    )
    assert whole.returncode == 0, whole.stderr
    with subprocess.Popen(program(evaluated, "-", "--out", "out.csv"), stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(listed[: len(listed) // 2])
        process.stdin.flush()
        rows, late = Path("out.csv.partial/rows"), time.monotonic() + 60
        while not (rows.exists() and rows.stat().st_size > 20_000):
            assert time.monotonic() < late
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(30) == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert not Path("out.csv").exists()
    resumed = subprocess.run(
        program(evaluated, "-", "--out", "out.csv", "--resume"), input=listed, text=True, check=False, capture_output=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert not Path("out.csv.partial").exists()


@pytest.mark.slow
def test_whoever_reads_the_answers_may_stop_reading(evaluated: Path, photos: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = program(evaluated, *["photos"] * 200, "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
