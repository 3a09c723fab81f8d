"""The whole path on the command line: every verb, on a folder of images, on what the verb before it left."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.conftest import images

from seefar.cli import main
from seefar.recipe_fields import PARTS

SMALL = ["--recipe", "tiny", "--epochs", "3", "--set", "widths=[[8],[8]]", "--set", "batch_size=16", "--size", "16"]


IMAGES = 480
"""In the folder: a fifth of them is tested on, 32 of each class."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`photos/<class>/*.png`, without a test folder; the working directory is an empty one."""
    photos = images(IMAGES, 1, "train")
    for i, (pixels, label) in enumerate(zip(photos.pixels, photos.labels, strict=True)):
        path = tmp_path / "photos" / ("red", "grün", "<b>blue</b>".replace("/", "_"))[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(path)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "photos"


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code, capsys.readouterr().err
    return capsys.readouterr().out


def test_every_verb_in_turn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = json.loads(run(capsys, "data", "describe", str(folder), "--size", "16", "--json"))
    assert described["train"]["images"] + described["test"]["images"] == IMAGES
    assert "grün" in run(capsys, "data", "describe", str(folder), "--size", "16")

    path = Path(run(capsys, "train", "--data", str(folder), "--name", "My pictures", *SMALL).strip())
    assert path.parent == Path("runs")
    assert path.name.startswith("my-pictures-tiny+")
    assert path.name.endswith("-seed0")

    validation = json.loads(run(capsys, "evaluate", str(path), "--json"))
    assert (validation["split"], validation["look"]) == ("validation", 0)
    assert "look 1 at the test images" in run(capsys, "evaluate", str(path), "--split", "test")
    assert "look 2 at the test images" in run(capsys, "evaluate", str(path), "--split", "test")

    report = Path(run(capsys, "report", str(path)).strip())
    assert report == path / "report.html"
    assert "2 by this run, 2 on this machine" in report.read_text()
    assert "<b>blue" not in report.read_text()

    spoilt = run(capsys, "evaluate", str(path), "--corruptions", "--ood", "noise")
    assert "gaussian noise" in spoilt
    assert "AUROC" in spoilt
    inside = run(capsys, "explain", str(path), "--quick")
    assert "random maps, for scale" in inside
    assert "What the network sees" in report.read_text()
    explained = run(capsys, "explain", str(path), str(folder / "red" / "0.png"), "--method", "grad_cam", "--out", "maps")
    assert "pictures: maps/explanation.png" in explained
    assert Path("maps", "explanation.png").exists()

    other = Path(run(capsys, "train", "--data", str(folder), *SMALL, "--seed", "1").strip())
    run(capsys, "evaluate", str(other), "--split", "test")
    compared = run(capsys, "compare", str(path), str(other))
    assert "over 2 seeds" in compared
    assert json.loads(run(capsys, "compare", str(path), str(other), "--json"))["images"] == 96
    assert run(capsys, "report", str(path), str(other), "--out", "both.html").strip() == "both.html"
    assert "<b>blue" not in Path("both.html").read_text()

    answers = [json.loads(line) for line in run(capsys, "predict", str(path), str(folder / "red"), "--json").splitlines()]
    assert len(answers) == IMAGES // 3
    assert {answer["error"] for answer in answers} == {None}
    assert "grün" in run(capsys, "predict", str(path), str(folder / "grün" / "1.png"))

    (folder / "red" / "broken.png").write_bytes(b"nothing")
    assert "unreadable" in run(capsys, "predict", str(path), str(folder / "red" / "broken.png"), code=3)


def test_run_is_all_of_it_and_numbers_its_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(run(capsys, "run", "--data", str(folder), *SMALL, "--json"))
    second = run(capsys, "run", "--data", str(folder), *SMALL)
    assert first["split"] == "test"
    assert first["look"] == 1
    assert "look 1 at the test images" in second  # of this run; the report also counts those of the other
    folders = sorted(path.name for path in Path("runs").iterdir())
    assert folders[1] == f"{folders[0]}-2"
    report = Path("runs", folders[1], "report.html")
    assert f"report: {report}" in second
    assert "1 by this run, 2 on this machine" in report.read_text()


def test_bad_images_are_refused_or_skipped_and_counted_in_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault 27."""
    (folder / "red" / "broken.png").write_bytes(b"nothing")
    (folder / "grün" / "empty.jpg").write_bytes(b"")
    assert main(["run", "--data", str(folder), *SMALL]) == 3
    refused = capsys.readouterr().err
    assert "--skip-bad" in refused
    assert "broken.png" in refused
    assert "empty.jpg" in refused
    path = run(capsys, "train", "--data", str(folder), *SMALL, "--skip-bad").strip()
    run(capsys, "evaluate", path, "--split", "test")
    report = Path(run(capsys, "report", path).strip()).read_text()
    assert "2 entries of the source are not among the images" in report
    assert "broken.png" in report
    assert "empty.jpg" in report


def test_data_that_has_changed_since_training_is_noticed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run(capsys, "train", "--data", str(folder), *SMALL).strip()
    next((folder / "red").iterdir()).unlink()
    assert main(["evaluate", path]) == 4
    assert "was trained on other data" in capsys.readouterr().err


def test_strict_refuses_test_images_that_stand_in_training(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault 44: an exact copy and a mirrored one."""
    for split, names in (("train", ("red", "grün")), ("test", ("red", "grün"))):
        for name in names:
            images = sorted((folder / name).iterdir())
            for i, image in enumerate(images if split == "train" else images[:2]):
                target = folder.parent / "leaky" / split / name / f"{i}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                content = Image.open(image)
                if split == "test":
                    content = ImageOps.mirror(content) if i else Image.fromarray(255 - np.asarray(content))
                content.save(target)
    leaky = str(folder.parent / "leaky")
    assert "2 of 4 test images (50.0\N{NO-BREAK SPACE}%) are also training images" in run(
        capsys, "data", "describe", leaky, "--size", "16"
    )
    assert main(["data", "describe", leaky, "--size", "16", "--strict"]) == 3
    assert "2 of 4 test images are also training images" in capsys.readouterr().err


def test_test_images_that_are_training_images_measure_nothing_and_that_cannot_be_missed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "test"):
        shutil.copytree(folder, folder.parent / "copied" / "data" / split)
    words = ["run", "--data", str(folder.parent / "copied" / "data"), *SMALL]
    assert main([*words, "--strict"]) == 3
    out, err = capsys.readouterr()
    assert err.splitlines()[0] == (
        f"warning: {IMAGES} of your {IMAGES} test images are training images: the test accuracy will mean nothing"
    )
    assert err.splitlines()[-1].startswith(
        f"error: --strict: test accuracy cannot be measured: {IMAGES} of {IMAGES} test images"
    )
    assert out.startswith("test accuracy cannot be measured: ")
    assert not re.search("test accuracy [0-9]", out)
    (run_folder,) = Path("runs").iterdir()
    assert run_folder.name.startswith("copied-tiny+")  # the folder is called data, which says nothing
    assert f"report: {run_folder / 'report.html'}" in out.splitlines()
    assert main(["evaluate", str(run_folder), "--split", "test", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["headline"] is None
    assert err.startswith("test accuracy cannot be measured: ")
    assert main(["evaluate", str(run_folder), "--split", "test", "--strict"]) == 3


def test_clean_frees_the_cache_and_keeps_the_ledger(folder: Path, own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run(capsys, "train", "--data", str(folder), *SMALL).strip()
    run(capsys, "evaluate", path, "--split", "test")
    assert list((own_home / "decoded").iterdir())
    assert "MiB freed" in run(capsys, "data", "clean")
    assert not list((own_home / "decoded").iterdir())
    assert list((own_home / "looks").iterdir())


def test_several_seeds_get_a_folder_each_and_a_transfer_starts_from_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = run(capsys, "train", "--data", str(folder), *SMALL, "--seeds", "2").splitlines()
    assert [path.rpartition("-")[2] for path in paths] == ["seed0", "seed1"]
    named = run(capsys, "train", "--data", str(folder), *SMALL, "--seeds", "2", "--seed", "5", "--out", "mine").splitlines()
    assert named == ["mine-seed5", "mine-seed6"]
    words = ["--from", paths[0], "--set", "frozen_stages=1", "--out", "second", "--plot"]
    run(capsys, "train", "--data", str(folder), *SMALL, *words)
    assert json.loads(Path("second/data.json").read_text())["start"]["run"] == Path(paths[0]).name
    assert Path("second/figures/training.png").read_bytes().startswith(b"\x89PNG")
    page = Path(run(capsys, "report", "second").strip()).read_text()
    assert f"those of run {Path(paths[0]).name}" in page


def test_a_run_goes_on_for_more_epochs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run(capsys, "train", "--data", str(folder), *SMALL).strip()
    assert run(capsys, "train", "--resume", path, "--epochs", "5").strip() == path
    assert len((Path(path) / "history.csv").read_text().splitlines()) == 6
    assert main(["train", "--resume", path]) == 0
    assert "has ended already (finished, 5 epochs)" in capsys.readouterr().err


def test_augmentation_and_rates_are_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--size", "16", "--recipe", "tiny", "--set", "widths=[[8],[8]]", "--set", "batch_size=16"]
    drawn = run(capsys, "data", "augment", str(folder), *words, "--set", "rotate=20").strip()
    with Image.open(drawn) as picture:
        assert picture.size[0] > 300
    rate = float(run(capsys, "find-rate", "--data", str(folder), *words, "--out", "rates.png"))
    assert 1e-4 < rate < 1
    with Image.open("rates.png") as picture:
        assert picture.size[0] > 300


def test_recipes_are_listed_read_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert "baseline" in run(capsys, "recipes")
    lines = run(capsys, "recipes", "tiny").splitlines()
    assert lines[0].startswith("tiny: A very small network")
    parts = [place for place, line in enumerate(lines) if line.strip() in PARTS]
    assert [lines[place].strip() for place in parts] == list(PARTS)
    assert all(not lines[place - 1].strip() and lines[place + 1].startswith("    ") for place in parts[1:])
    assert any(line.split()[:2] == ["learning_rate", "0.002"] for line in lines)
    compared = run(capsys, "recipes", "tiny", "baseline")
    assert "epochs" in compared
    assert "optimiser" not in compared
    assert set(json.loads(run(capsys, "recipes", "--json"))) >= {"tiny", "baseline"}


def test_the_layers_of_a_recipe_are_listed_with_their_sums(capsys: pytest.CaptureFixture[str]) -> None:
    first, *lines = run(capsys, "recipes", "tiny", "--layers", "--classes", "7", "--size", "64").splitlines()
    assert first == "tiny, for images of 64x64 pixels in 7 classes"
    rows = [line.split() for line in lines if line.strip()]
    assert ["scale", "Scale", "3", "x", "64", "x", "64"] in rows
    found = json.loads(run(capsys, "recipes", "tiny", "--layers", "--classes", "7", "--size", "64", "--json"))
    sums = [sum(layer[name] for layer in found) for name in ("parameters", "multiply_adds")]
    assert rows[-1] == ["all", *(f"{number:,}" for number in sums)]
    assert len(rows) == len(found) + 3  # names of columns, a line, sums
    assert found[-1]["shape"] == [7]
