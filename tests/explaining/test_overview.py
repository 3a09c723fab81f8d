"""A look inside: complete, counted on test, the same each time, and shown by the report."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError, UsageError
from seefar.explaining.attribution import EXPLAINERS
from seefar.explaining.overview import Overview
from seefar.reporting import inside_words

DATA = Dataset(name="colours", train=images(120, 1, "train"), test=images(30, 2, "test"), source="colours")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> sf.Run:
    """Trained for so short a time that there are mistakes, with its answers remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        folder = tmp_path_factory.mktemp("inside") / "run"
        run = sf.train(DATA, "tiny", out=folder, quiet=True, **(SMALL | {"remember": True, "epochs": 2}))
        sf.evaluate(run, "validation", data=DATA)
    return run


@pytest.fixture(scope="module")
def quick(run: sf.Run) -> Overview:
    return sf.see_inside(run, data=DATA, quick=True, device="cpu")


def test_every_part_is_there_and_agrees_with_itself(run: sf.Run, quick: Overview) -> None:
    stored, arrays = run.read("inside-validation.json"), run.arrays("inside-validation.npz")
    assert stored["methods"].keys() == {"grad_cam", "layer_cam"}
    assert stored["images"] == 12
    assert len(stored["looked"]) == len(arrays["looked"]) == len(arrays["map_grad_cam"])
    assert arrays["map_layer_cam"].shape == (len(quick.looked), 16, 16)
    assert arrays["points"].shape == (12, 2)
    assert len(arrays["exciting"]) == len(quick.units)
    assert [row["name"] for row in stored["portraits"]] == list(DATA.classes)
    assert arrays["portraits"].shape == (3, 9, 16, 16, 3)
    assert sum(stored["learning"]["regions"].values()) == 108
    assert run.arrays("learning.npz")["answers"].shape == (2, 108)
    assert not run.has("test-ledger.jsonl")
    assert all(inside_words.everything(stored).values())


def test_the_same_run_gives_the_same_bytes(run: sf.Run, quick: Overview) -> None:
    paths = [run.path / "inside-validation.json", run.path / "inside-validation.npz"]
    before = [path.read_bytes() for path in paths]
    assert sf.see_inside(run, data=DATA, quick=True, device="cpu") == quick
    assert [path.read_bytes() for path in paths] == before


def test_all_methods_without_hurry_and_a_look_at_test(run: sf.Run) -> None:
    found = sf.see_inside(run, "test", data=DATA, device="cpu")
    assert set(found.methods) == set(EXPLAINERS)
    assert "maximised" in run.arrays("inside-test.npz")
    assert '"verb": "see inside"' in (run.path / "test-ledger.jsonl").read_text()


@pytest.mark.usefixtures("quick")
def test_the_report_shows_it(run: sf.Run) -> None:
    text = " ".join(sf.report(run).read_text().split())
    assert "What the network sees" in text
    assert json.loads((run.path / "report.json").read_bytes())["inside"]["images"] == (
        30 if run.has("inside-test.json") else 12
    )
    assert (run.path / "figures" / "inside-where.png").exists()


def test_chosen_images_are_explained(run: sf.Run, tmp_path: Path) -> None:
    ids = run.read("splits.json")["validation"][:3]
    found = sf.explain(run, ids=ids, methods=["grad_cam", "occlusion"], data=DATA, device="cpu")
    assert found.images == list(ids)
    assert found.targets == found.predicted
    assert found.maps["occlusion"].shape == (3, 16, 16)
    assert sf.picture(found).save(tmp_path / "explanation.png").stat().st_size > 10_000
    with np.load(found.save(tmp_path / "explanation.npz")) as arrays:
        assert np.array_equal(arrays["occlusion"], found.maps["occlusion"])
    forced = sf.explain(run, ids=ids, methods=["grad_cam"], target="class 1", data=DATA, device="cpu")
    assert forced.targets == ["class 1"] * 3
    true = sf.explain(run, ids=ids, methods=["grad_cam"], target="true", data=DATA, device="cpu")
    assert true.targets == true.labels


def test_only_one_class_and_only_mistakes(run: sf.Run) -> None:
    of_class = sf.explain(run, of_class="class 2", methods=["grad_cam"], data=DATA, device="cpu")
    assert set(of_class.labels or []) == {"class 2"}
    first = sf.explain(run, of_class="class 2", most=1, methods=["grad_cam"], data=DATA, device="cpu")
    assert first.images == of_class.images[:1]
    logits = run.arrays("predictions-validation.npz")
    wrong = int((logits["logits"].argmax(1) != logits["labels"]).sum())
    if not wrong:
        with pytest.raises(UsageError, match="there are no images to explain"):
            sf.explain(run, mistakes=True, methods=["grad_cam"], data=DATA, device="cpu")
        return
    found = sf.explain(run, mistakes=True, methods=["grad_cam"], data=DATA, device="cpu")
    assert len(found.images) == wrong
    assert all(label != predicted for label, predicted in zip(found.labels or [], found.predicted, strict=True))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"methods": ["grad_kam"]}, "grad_cam"),
        ({"layer": "stages.9"}, "there are"),
        ({"most": 0}, "most is 0; allowed is 1 or more"),
        ({"of_class": "class 9"}, "no class is called 'class 9'"),
        ({"target": "zebra"}, "no class is called 'zebra'"),
        ({"ids": ["nothing"]}, "there is no validation image 'nothing'"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(run: sf.Run, options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        sf.explain(run, data=DATA, device="cpu", **options)  # type: ignore[arg-type]


def test_the_true_class_of_a_file_is_not_known(run: sf.Run, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(np.full((20, 20, 3), 90, np.uint8)).save(path)
    found = sf.explain(run, [path], methods=["grad_cam"], device="cpu")
    assert found.labels is None
    assert found.pixels.shape == (1, 16, 16, 3)
    with pytest.raises(UsageError, match="true class of these images is not known"):
        sf.explain(run, [path], methods=["grad_cam"], target="true", device="cpu")
    path.write_bytes(b"no image")
    with pytest.raises(DataError):
        sf.explain(run, [path], methods=["grad_cam"], device="cpu")
