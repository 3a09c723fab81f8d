"""The first screen's pictures: the stored images with their answers and maps, and a matrix as large as there is room for."""

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, colours

import seefar as sf
from seefar.reporting import content
from seefar.reporting.first_screen import LARGEST, first_screen, small_matrix


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> sf.Run:
    """Evaluated on both splits, then looked into."""
    folder, data = tmp_path_factory.mktemp("first"), colours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = sf.train(data, "tiny", out=folder / "run", quiet=True, **(SMALL | {"epochs": 2}))
        sf.evaluate(run, "validation", data=data)
        sf.evaluate(run, "test", data=data)
        sf.see_inside(run, quick=True, data=data)
    return run


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB"))


def test_images_answers_and_maps_belong_together(made: sf.Run) -> None:
    found = first_screen(made, content.numbers(made))
    kept, answers = made.arrays("highlights-test.npz"), made.arrays("predictions-test.npz")
    classes = made.read("data.json")["classes"]
    assert len(found["shots"]) == len(kept["positions"]) > 6
    for shot, position, image in zip(found["shots"], kept["positions"], kept["pixels"], strict=True):
        said = int(answers["logits"][position].argmax())
        assert np.array_equal(pixels(shot["image"]), image)
        assert (shot["id"], shot["said"]) == (answers["ids"][position], classes[said])
        assert shot["name"] == classes[answers["labels"][position]]
        assert shot["right"] == (said == answers["labels"][position])
        assert pixels(shot["map"]).shape == image.shape
        assert not np.array_equal(pixels(shot["map"]), image)
    assert found["method"] in ("LayerCAM", "Grad-CAM")
    assert found["out"] == []


def test_maps_of_other_images_are_not_shown(made: sf.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path))
    run = sf.Run(shutil.copytree(made.path, tmp_path / "run"))
    looked = run.arrays("highlight-maps-test.npz")
    run.write_arrays("highlight-maps-test.npz", **(looked | {"positions": looked["positions"][::-1]}))
    found = first_screen(run, content.numbers(run))
    assert {shot["map"] for shot in found["shots"]} == {""}
    assert found["method"] == ""


def test_large_images_are_made_smaller(made: sf.Run, tmp_path: Path) -> None:
    run = sf.Run(shutil.copytree(made.path, tmp_path / "run"))
    kept = run.arrays("highlights-test.npz")
    large = kept["pixels"].repeat(20, axis=1).repeat(20, axis=2)
    run.write_arrays("highlights-test.npz", positions=kept["positions"], pixels=large)
    (run.path / "highlight-maps-test.npz").unlink()
    assert pixels(first_screen(run, content.numbers(run))["shots"][0]["image"]).shape == (LARGEST, LARGEST, 3)


def test_few_classes_have_numbers_more_have_names_and_many_are_a_picture() -> None:
    def matrix(n: int) -> dict[str, object]:
        return small_matrix(
            [[90 if i == j else int(j == (i + 1) % n) * 10 for j in range(n)] for i in range(n)], ["x" * 30] * n
        )

    few, more, many = matrix(3), matrix(20), matrix(100)
    assert [cell["words"] for cell in few["rows"][0]] == ["90", "10", ""]  # type: ignore[index]
    assert {cell["words"] for row in more["rows"] for cell in row} == {""}  # type: ignore[attr-defined]
    assert len(more["names"][0]) < 12  # type: ignore[index]
    assert pixels(str(many["picture"])).shape == (100, 100, 3)
    assert many["rows"] == []
    assert "predicted as" in str(few["says"])
    assert "diagonal" in str(small_matrix([[3, 0], [0, 0]], ["a", "b"])["says"])


def test_a_share_of_a_class_without_images_is_nothing() -> None:
    rows = small_matrix([[5, 5], [0, 0]], ["a", "b"])["rows"]
    assert [[cell["strength"] > 0 for cell in row] for row in rows] == [[True, True], [False, False]]
