"""Sentences on trust, from planted numbers."""

from seefar.reporting import trust_words


def calibrated(excess: float, before: float, after: float, split: str = "test") -> dict[str, object]:
    """Answers that are by so much more confident than they are right."""
    bins = [{"images": 400, "confidence": 0.8 + excess, "accuracy": 0.8}, {"images": 0, "confidence": 0.0, "accuracy": 0.0}]
    found = {"temperature": 1.0, "images": 500, "before": {"error": before, "bins": bins}, "after": {"error": after}}
    return {"split": split, "calibration": found}


def test_calibration_names_its_direction() -> None:
    assert trust_words.calibration(calibrated(0.08, 0.08, 0.01))[0].startswith("It is over-confident: ")
    assert trust_words.calibration(calibrated(-0.08, 0.08, 0.01))[0].startswith("It is under-confident: ")
    assert trust_words.calibration(calibrated(0.0, 0.01, 0.01))[0].startswith("It is well calibrated: ")
    assert "on some images and under-confident on others" in trust_words.calibration(calibrated(0.0, 0.08, 0.01))[0]
    assert "off by 8.0 points on average" in trust_words.calibration(calibrated(0.08, 0.08, 0.01))[0]
    assert "these very images" in trust_words.calibration(calibrated(0.08, 0.08, 0.01, "validation"))[0]


def test_where_it_is_sure() -> None:
    found = {"threshold": 0.9, "coverage": 0.5, "accuracy": {"value": 0.987}}
    (sentence,) = trust_words.selective({"split": "test", "selective": found})
    assert "50.0" in sentence
    assert "98.7" in sentence
    (nothing,) = trust_words.selective({"split": "test", "selective": found | {"threshold": None}})
    assert nothing.startswith("At no confidence threshold")
    (nowhere,) = trust_words.selective({"split": "test", "selective": found | {"coverage": 0.0}})
    assert nowhere.startswith("On none of the test images was its calibrated confidence as high as 90.0")


def test_the_worst_corruption_is_named() -> None:
    found = {
        "images": 100,
        "split": "test",
        "source": "computed here",
        "clean": {"value": 0.9},
        "mean_error": 0.4,
        "groups": {"noise": 0.3, "blur": 0.6, "weather": 0.7, "digital": 0.8},
        "accuracies": {"fog": [0.9] * 5, "shot_noise": [0.2] * 5},
    }
    first, second = trust_words.robustness(found)
    assert "frost from a generated texture" in first
    assert second.startswith("Noise costs it the most accuracy (30.0")
    assert "shot noise" in second
    assert "published files" in trust_words.robustness(found | {"source": "CIFAR-10-C"})[0]


def test_an_audit_in_words() -> None:
    found = {
        "duplicates": {"within training": 3, "within test": 1},
        "label_issues": {"training": 20, "test": 5},
        "duplicated_test_ids": ["a", "b"],
        "images": {"test": 100},
        "folds": 3,
        "accuracy": {"value": 0.8},
        "overlaps": [{"one": "cat", "other": "dog", "images": 7}],
    }
    sentences = trust_words.audit(found, (0.9, 0.89))
    assert sentences[0].startswith("2 of 100 test images (2.0")
    assert "89.0" in sentences[1]
    assert "20 training labels and 5 test labels" in sentences[2]
    assert "cat and dog" in sentences[3]
