"""What is written for a page: of runs and of files, with and without their data, and never over something else."""

import base64
import hashlib
import io
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.playing.folder import DATA, NAMES, playground
from seefar.playing.sheets import sheet
from seefar.recipe_fields import as_json, change, find
from seefar.runs.folder import Run


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Dataset(name="colours", train=images(90, 1, "train"), test=images(30, 2, "test"), source="noise")


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained, and not evaluated: the playground needs validation, and does it."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        made = sf.train(data, "tiny", out=folder / "run", quiet=True, **SMALL)
        playground(made, data=data)
    return made


def written(folder: Path) -> list[dict[str, Any]]:
    """The networks of a page."""
    head, tail = "(window.seefarModels ??= []).push(", ");"
    return [json.loads(line.removeprefix(head).removesuffix(tail)) for line in (folder / DATA).read_text().splitlines()]


def test_a_run_gives_everything(run: Run, data: Dataset) -> None:
    assert sorted(path.name for path in (run.path / "playground").iterdir()) == sorted([*NAMES, DATA])
    (found,) = written(run.path / "playground")
    assert found["classes"] == list(data.classes)
    assert found["temperature"] == run.evaluation("validation")["calibration"]["temperature"]
    weights = base64.b64decode(found["weights"])
    assert (len(weights), zlib.crc32(weights)) == (4 * found["floats"], found["check"])
    assert len(found["tray"]["entries"]) == found["tray"]["sheet"]["count"]
    assert found["tray"]["entries"][-1]["kind"] == "foreign"
    assert len(found["bank"]["labels"]) == found["bank"]["sheet"]["count"] > 0
    counts = np.array(found["confusion"]["counts"])
    assert counts.sum() == len(run.read("splits.json")["validation"])
    assert all(counts[truth, called] and truth != called for truth, called in found["confusion"]["pairs"])


def test_it_is_the_same_each_time(run: Run, data: Dataset, tmp_path: Path) -> None:
    playground(run, tmp_path, data=data)
    assert (tmp_path / DATA).read_bytes() == (run.path / "playground" / DATA).read_bytes()


def test_without_its_data_a_run_has_no_training_images(run: Run, tmp_path: Path) -> None:
    playground(run, tmp_path)  # the data was made in memory
    assert written(tmp_path)[0]["bank"] is None


def test_a_file_gives_its_self_test_and_a_second_network_can_come(run: Run, data: Dataset, tmp_path: Path) -> None:
    made = sf.export(run, tmp_path / "small.onnx", data=data)
    playground(made.path, tmp_path / "page", other=run, data=data)
    of_file, of_run = written(tmp_path / "page")
    assert of_file["bank"] is of_file["confusion"] is None
    assert {entry["kind"] for entry in of_file["tray"]["entries"]} == {"example", "foreign"}
    assert of_file["classes"] == of_run["classes"]
    np.testing.assert_allclose(floats(of_file), floats(of_run), rtol=1e-5, atol=1e-6)


def floats(found: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(found["weights"]), "<f4")


def test_a_folder_of_something_else_is_left_alone(run: Run, data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"'thesis\.tex', which is no part of a playground"):
        playground(run, tmp_path, data=data)
    with pytest.raises(UsageError, match="is a file"):
        playground(run, tmp_path / "thesis.tex", data=data)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_damaged_run_and_a_cut_file_give_no_page(run: Run, data: Dataset, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    weights = next((copy / "weights").iterdir())
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelFileError):
        playground(copy, data=data)
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(b"\x08\x08\x12")
    with pytest.raises(ModelFileError, match="is not used"):
        playground(cut)


def test_the_code_of_a_network_from_outside_is_not_executed(run: Run, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text("def Net(classes): ...\n")
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    recipe = as_json(change(find("tiny"), {"model": f"{theirs}:Net"}))
    theirs.write_text(f"open({str(tmp_path / 'executed')!r}, 'w').close()\ndef Net(classes): ...\n")
    recipe["sha256"] = hashlib.sha256(theirs.read_bytes()).hexdigest()
    (copy / "recipe.json").write_text(json.dumps({"seed": 0, **recipe}))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["recipe.json"] = hashlib.sha256((copy / "recipe.json").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="and this is another one"):
        playground(copy, tmp_path / "page")
    assert not (tmp_path / "executed").exists()


def test_a_sheet_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 5, 3), dtype=np.uint8)
    made = sheet(pixels)
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["url"].partition(",")[2]))))
    for place in range(7):
        row, column = divmod(place, made["columns"])
        np.testing.assert_array_equal(whole[row * 5 : row * 5 + 5, column * 5 : column * 5 + 5], pixels[place])
