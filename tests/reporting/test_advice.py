"""Advice follows from the numbers, and only from them."""

from typing import Any

from seefar.recipe_fields import find
from seefar.reporting.advice import advice

DATA = {"classes": ["cat", "dog"], "train": [500, 5000]}


def shown(**changes: Any) -> dict[str, Any]:
    calibration = {"temperature": 1.5, "before": {"error": 0.01}, "after": {"error": 0.005}}
    return {"weak_classes": [], "calibration": calibration} | changes


def history(training: float, validation: float, best: int = 1) -> list[dict[str, Any]]:
    return [
        {"number": number, "accuracy": training, "validation_accuracy": validation, "best": number == best} for number in (1, 2)
    ]


def given(recipe: str = "baseline", rows: list[dict[str, Any]] | None = None, **changes: Any) -> str:
    robustness, audit = changes.pop("robustness", None), changes.pop("audit", None)
    rows = rows or history(0.8, 0.78)
    return " ".join(advice(find(recipe), rows, DATA, shown(**changes), robustness, audit))


def test_learning_by_heart_brings_what_has_not_been_tried() -> None:
    plain = given(rows=history(0.95, 0.75))
    assert "20.0 points better than new ones" in plain
    assert "flipping and shifting" in plain
    assert "flipping and shifting" not in given("deep", history(0.95, 0.75))


def test_a_run_that_still_got_better_should_go_on() -> None:
    assert "try more epochs" in given(rows=history(0.8, 0.78, best=2))
    assert "try more epochs" not in given(rows=history(0.8, 0.78))
    assert "a wider network" in given(rows=history(0.7, 0.78))


def test_a_weak_class_with_few_images_wants_more_of_them() -> None:
    weak = {"name": "cat", "taken_for": "dog", "recall": {"value": 0.5}, "others": 0.9}
    assert "only 500 training images" in given(weak_classes=[weak])
    assert "could not tell from cat" in given(weak_classes=[weak | {"name": "dog", "taken_for": "cat"}])


def test_bad_probabilities_corrupted_images_and_doubtful_labels_are_named_only_where_they_are() -> None:
    assert "Divide the logits" not in given()
    bad = {"temperature": 2.0, "before": {"error": 0.1}, "after": {"error": 0.01}}
    assert "off by 10.0 points. Divide the logits by 2.00" in given(calibration=bad)
    robustness = {"clean": {"value": 0.9}, "groups": {"noise": 0.4, "blur": 0.8}}
    assert "corrupted by noise cost it 50.0 points" in given(robustness=robustness)
    assert "corrupted" not in given(robustness=robustness | {"groups": {"noise": 0.8}})
    assert "7 labels are doubtful" in given(audit={"label_issues": {"training": 5, "test": 2}})
    assert "doubtful" not in given(audit={"label_issues": {"training": 0, "test": 0}})
    assert "--seeds 5" in given()
