"""Journeys with images in every form that people have: from `seefar run` to a report with explanations, a prediction and a study."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tests.data.own_files import pictures, write_hugging_face, write_idx, write_medmnist, write_table

import seefar as sf
from seefar.cli import main
from seefar.studies.vary import vary

QUICK = {"widths": [[8], [16]], "dense": 16, "epochs": 4, "batch_size": 16, "precision": "fp32"}
BRIEF = QUICK | {"epochs": 1}
VARIED = ["batch_norm=false,true"]

pytestmark = pytest.mark.slow


def settings(fields: dict[str, Any]) -> list[str]:
    """The fields as words of a command line."""
    return [word for name, value in fields.items() for word in ("--set", f"{name}={json.dumps(value).strip(chr(34))}")]


def digits(folder: Path) -> Path:
    """The real digits of scikit-learn, 8x8 pixels, as IDX files."""
    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)
    return write_idx(folder / "digits", (images[:1400], found.target[:1400]), (images[1400:], found.target[1400:]))


FORMS: dict[str, tuple[Callable[[Path], Path], list[str], float]] = {
    "npz as MedMNIST's": (lambda folder: write_medmnist(folder / "bloodmnist.npz", (240, 60, 120)), ["--size", "28"], 0.9),
    "IDX of real digits": (digits, ["--size", "16"], 0.7),
    "Parquet as Hugging Face's": (lambda folder: write_hugging_face(folder / "trees", (240, 120)), ["--size", "16"], 0.9),
    "CSV with groups": (lambda folder: write_table(folder / "deer", 600), ["--size", "16"], 0.9),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_journey_from_a_file_to_a_report_a_prediction_and_a_study(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write, words, least = FORMS[form]
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    assert main(["run", "--data", str(path), "--out", "run", *words, "--recipe", "tiny", *settings(QUICK)]) == 0
    run = sf.open_run("run")
    assert run.evaluation("test")["accuracy"]["value"] > least
    page = (run.path / "report.html").read_text()
    assert run.has("inside-validation.json")
    assert "data:image" in page
    Image.fromarray(sf.load(path, size=16).test.pixels[0]).save("one.png")
    capsys.readouterr()
    assert main(["predict", "run", "one.png", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert str(run.read("data.json")["classes"][sf.load(path, size=16).test.labels[0]]) in json.dumps(answer)
    clusters = len(set(sf.load(path).test.groups)) or None
    assert clusters if form == "CSV with groups" else clusters is None
    study = ["study", "--base", "tiny", "--vary", *VARIED, *settings(BRIEF), "--data", str(path), *words]
    assert main([*study, "--seeds", "2", "--out", "study"]) == 0
    check_study(Path("study"), run, clusters)
    if clusters:
        assert run.evaluation("test")["clusters"] == clusters
        assert "The images are in groups by &#39;group&#39;" in page or "The images are in groups by 'group'" in page
        assert f"images in {clusters} groups" in page
    assert main(["evaluate", "run"]) == 0  # the images are found again


def check_study(folder: Path, run: sf.Run, clusters: int | None) -> None:
    """Both variants were trained on the same images as the run, and the page says what their difference is measured on."""
    found = json.loads((folder / "results.json").read_bytes())
    assert [row["variant"] for row in found["rows"]] == ["base", "batch_norm=true"]
    assert [len(row["test"]["accuracies"]) for row in found["rows"]] == [2, 2]
    judged = run.evaluation("test")
    assert (found["images"], found["clusters"]) == (judged["images"], clusters)
    trained = [sf.open_run(path) for path in (folder / "runs").iterdir()]
    assert {one.evaluation("test")["digest"] for one in trained} == {judged["digest"]}
    said = f"on the same {judged['images']} test images" + (f" in {clusters} groups:" if clusters else ":")
    sf.report(folder)
    assert said in (folder / "study.html").read_text()


class Torch(torch.utils.data.Dataset[Any]):
    """As `torchvision.datasets` are: PIL images, or tensors in [0, 1] as `ToTensor` makes them."""

    classes = ("ash", "elm", "oak")

    def __init__(self, n: int, seed: int, as_tensor: bool) -> None:
        self.images, self.labels = pictures(n, seed, side=16)
        self.as_tensor = as_tensor

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        image: Any = Image.fromarray(self.images[number])
        if self.as_tensor:
            image = torch.from_numpy(self.images[number]).permute(2, 0, 1) / 255
        return image, int(self.labels[number])


def test_a_journey_from_a_torch_data_set(tmp_path: Path) -> None:
    data = sf.Dataset.from_torch(Torch(240, 0, True), Torch(120, 1, True), name="Trees")
    pil = sf.Dataset.from_torch(Torch(240, 0, False), Torch(120, 1, False), name="Trees")
    assert (data.train.digest, data.test.digest, data.classes) == (pil.train.digest, pil.test.digest, Torch.classes)
    run = sf.run(data, "tiny", out=tmp_path / "run", quiet=True, **QUICK)
    assert run.evaluation("test")["accuracy"]["value"] > 0.9
    assert "trees" in (run.path / "report.html").read_text()
    assert {said.label for said in sf.predict(run, list(pictures(9, 3, side=16)[0]))} <= set(Torch.classes)
    sf.study(vary("tiny", VARIED, BRIEF), data, 2, out=tmp_path / "study", quiet=True)
    check_study(tmp_path / "study", run, None)


def planted(groups: int, copies: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images of which nothing can be learned: each group is a pattern of its own with a class by lot, shown in near copies."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(groups) % 3)
    patterns = rng.integers(0, 256, (groups, 4, 4, 3)).repeat(4, 1).repeat(4, 2)
    order = rng.permutation(groups * copies)
    belongs = np.repeat(np.arange(groups), copies)[order]
    pixels = np.clip(patterns[belongs] + rng.normal(0, 4, (len(belongs), 16, 16, 3)), 0, 255).astype(np.uint8)
    return pixels, labels[belongs], belongs


def test_near_copies_flatter_without_groups_and_do_not_with_them(tmp_path: Path) -> None:
    pixels, labels, belongs = planted(groups=90, copies=10, seed=0)
    found = {}
    for name, groups in (("without", None), ("with", belongs)):
        data = sf.Dataset.from_arrays((pixels, labels), groups=groups, name=name)
        options = QUICK | {"epochs": 30, "widths": [[32], [64]], "dense": 64}
        run = sf.run(data, "tiny", out=tmp_path / name, quiet=True, **options)
        found[name] = run.evaluation("test")
        assert run.read("splits.json")["validation"]
    flattered, honest = (found[name]["headline"] for name in ("without", "with"))
    assert flattered["low"] > 0.8  # of classes that were drawn by lot
    assert honest["low"] < 1 / 3 < honest["high"]
    assert found["without"]["clusters"] is None
    assert found["with"]["clusters"] == 18
    assert honest["images"] < 60 < found["with"]["images"] == 180
    assert not [finding for finding in found["with"]["findings"] if finding["kind"] in ("near", "groups", "bursts")]
