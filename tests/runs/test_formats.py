"""Run folders of earlier formats, from 1 to today's, read like those of today (fault 70)."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seefar as sf
from seefar.data.images import Dataset
from seefar.recipe_fields import as_json, find, from_json
from seefar.runs import folder, formats
from seefar.runs.folder import Run

FORMAT_1 = Path(__file__).parent / "format-1"
FAST_IN_5 = json.loads("""
{"seed": 3, "name": "fast", "about": "The fastest on a CPU: whitened, Muon, small images first, and the easy half of them left out.",
 "model": "fast", "widths": [[32, 32], [64, 128], [128, 128]], "batch_norm": true, "spatial_dropout": 0.0, "dense": 0,
 "dropout": [0.0, 0.0], "pixels": "standard", "frozen_stages": 0, "resolution": [[0.0, 0.625], [0.4, 0.8125], [0.7, 1.0]],
 "flip": "alternating", "shift": 2, "rotate": 0.0, "zoom": 0.0, "cutout": 0, "brightness": 0.0, "contrast": 0.0, "mixup": 0.0,
 "cutmix": 0.0, "leave_out": 0.5, "balance": "none", "optimiser": "muon", "learning_rate": 0.25, "momentum": 0.6,
 "bias_rate": 100.0, "head_rate": 1.7, "weight_decay": 0.0, "label_smoothing": 0.1, "gradient_clip": 0.0, "schedule": "linear",
 "warmup": 0.0, "drop_factor": 0.3, "drop_after": 2, "averaging": 0.0, "batch_size": 500, "epochs": 9, "budget": 0.0,
 "precision": "auto", "validation": 0.1, "monitor": "validation_accuracy", "min_change": 0.0, "patience": 0, "keep": "last",
 "remember": false, "tta": "shift"}
""")
DEEP_IN_2 = json.loads("""
{"seed": 3, "name": "deep", "about": "old", "model": "vgg", "widths": [[32], [96, 96], [192, 192]], "batch_norm": true,
 "spatial_dropout": 0.06, "dense": 0, "dropout": [0.1, 0.0], "pixels": "standard", "frozen_stages": 0, "flip": "alternating",
 "shift": 2, "rotate": 0.0, "zoom": 0.0, "cutout": 0, "brightness": 0.0, "contrast": 0.0, "mixup": 0.0, "cutmix": 0.0,
 "balance": "none", "optimiser": "muon", "learning_rate": 0.05, "momentum": 0.7, "bias_rate": 1.0, "head_rate": 1.0,
 "weight_decay": 0.0005, "label_smoothing": 0.1, "gradient_clip": 0.0, "schedule": "plateau", "warmup": 0.02, "drop_factor": 0.3,
 "drop_after": 1, "averaging": 0.998, "batch_size": 128, "epochs": 24, "precision": "auto", "validation": 0.1,
 "monitor": "validation_accuracy", "min_change": 0.002, "patience": 4, "keep": "best"}
""")


def written(path: Path, recipe: dict[str, Any]) -> Run:
    run = folder.create(path / "run")
    run.write("recipe.json", recipe)
    return run


def test_a_run_of_format_1_reads_like_one_of_today() -> None:
    """A folder that the first version wrote: one network, `plain`, and Adam with a momentum that had no field."""
    run = folder.open_run(FORMAT_1)
    run.verify()
    assert run.ended() == "finished"
    recipe = from_json(run.recipe())
    assert as_json(recipe).items() >= {"model": "vgg", "batch_norm": False, "flip": "none", "momentum": 0.9, "dense": 8}.items()
    assert [row["ending"] for row in run.history()] == ["", "", ""]


def test_a_run_of_format_1_predicts_as_it_did(small_data: Dataset, tmp_path: Path) -> None:
    """The folder was written, and evaluated, by the first version."""
    run = sf.open_run(shutil.copytree(FORMAT_1, tmp_path / "old"))
    before = run.arrays("predictions-validation.npz")["logits"]
    evaluation = sf.evaluate(run, "validation", data=small_data)
    assert np.allclose(before, run.arrays("predictions-validation.npz")["logits"], atol=1e-5)
    assert evaluation.accuracy.value == pytest.approx(2 / 3)
    assert sf.report(run).exists()


def test_a_recipe_of_format_2_had_neither_resolutions_nor_budgets_and_remembered_nothing(tmp_path: Path) -> None:
    recipe = as_json(from_json(written(tmp_path, DEEP_IN_2).recipe()))
    assert recipe | {"about": ""} == as_json(find("deep")) | {"about": ""}
    assert (recipe["resolution"], recipe["budget"], recipe["remember"], recipe["tta"]) == (((0.0, 1.0),), 0.0, False, "none")


def test_a_recipe_of_format_5_has_fields_of_all_networks(tmp_path: Path) -> None:
    assert from_json(written(tmp_path, FAST_IN_5).recipe()) == find("fast")


def test_a_recipe_of_today_is_read_as_it_stands() -> None:
    for name in ("tiny", "fast"):
        assert formats.recipe(as_json(find(name))) == as_json(find(name))


@pytest.mark.parametrize(
    ("name", "then", "today"),
    [
        (
            "inside",
            {"split": "test", "path": {"called": "a"}, "looked": [{"label": "a", "called": "b"}]},
            {"split": "test", "path": {"predicted": "a"}, "looked": [{"label": "a", "predicted": "b"}]},
        ),
        (
            "audit",
            {"twins": {"within test": 1}, "listed_doubts": [{"label": "a"}]},
            {"duplicates": {"within test": 1}, "listed_label_issues": [{"label": "a"}]},
        ),
        ("robustness", {"called": {"twins": 1}}, {"called": {"twins": 1}}),  # keys of the user's
    ],
)
def test_what_format_4_found_reads_like_today(tmp_path: Path, name: str, then: dict[str, Any], today: dict[str, Any]) -> None:
    run = folder.create(tmp_path / "run")
    run.write(f"{name}-test.json", then)
    assert run.found(name, "test") == today


def test_an_evaluation_without_test_time_augmentation_says_so(tmp_path: Path) -> None:
    run = folder.create(tmp_path / "run")
    share = {"value": 0.5}
    run.write("evaluation-test.json", {"accuracy": share})
    assert run.evaluation("test") == {
        "accuracy": share,
        "tta": "none",
        "tta_accuracy": share,
        "familiar": None,
        "clusters": None,
    }
