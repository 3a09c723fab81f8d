"""The headline, its absence, and the warnings in words: each says what the numbers say, and what to do."""

from dataclasses import asdict
from typing import Any

import pytest

from seefar.data.checks import ORDER, Finding
from seefar.reporting import check_words
from seefar.reporting.verdict_words import verdict

SHARE = {"value": 0.9, "low": 0.85, "high": 0.93}


def evaluation(**changes: Any) -> dict[str, Any]:
    """Ninety per cent of a hundred test images."""
    return {
        "split": "test",
        "images": 100,
        "headline": {"name": "accuracy", **SHARE, "images": 100},
        "cannot": "",
        "raw": {"images": 100, "accuracy": SHARE},
        "left_out": {"copies": 0, "repeats": 0, "contradicting": 0},
        "clusters": None,
        "near": None,
        "findings": [],
        "look": 2,
        "accuracy": SHARE,
    } | changes


def without(cannot: str, left: int, total: int, **out: int) -> dict[str, Any]:
    gone = {"copies": 0, "repeats": 0, "contradicting": 0} | out
    return evaluation(headline=None, cannot=cannot, images=left, left_out=gone, raw={"images": total, "accuracy": SHARE})


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_headline_has_its_interval_images_seed_and_look() -> None:
    assert (
        plain(check_words.headline(evaluation()))
        == "test accuracy 90.00 %, 95 % interval 85.00 % to 93.00 % (100 images, one seed, look 2 at the test images)"
    )


def test_the_raw_figure_stands_beside_it_where_it_is_another() -> None:
    said = check_words.headline(evaluation(raw={"images": 150, "accuracy": SHARE | {"value": 0.97}}))
    assert plain(said).endswith("; raw, on all 150 images as they came: 97.00 %")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            without("copies", 0, 9995, copies=9995),
            "9,995 of 9,995 test images are training images, and none is left",
        ),
        (without("copies", 12, 500, copies=488), "488 of 500 test images are training images, and only 12 are left"),
        (without("few", 5, 5), "there are only 5 test images"),
        (without("few", 1, 5, repeats=4), "there are only 5 test images, and only 1 is left"),
        (without("repeats", 3, 300, repeats=297), "297 of 300 test images repeat another one, and only 3 are left"),
        (
            without("contradicting", 0, 90, contradicting=90),
            "90 of 90 test images equal one of another class, and none is left",
        ),
    ],
)
def test_why_there_is_no_headline(found: dict[str, Any], said: str) -> None:
    assert check_words.cannot(found) == f"cannot be measured: {said}; 30 distinct new images a class are needed"
    assert check_words.headline(found) == f"test accuracy {check_words.cannot(found)}"
    assert check_words.cannot(evaluation()) == ""


FINDINGS = {
    "copies": Finding("copies", True, 60, 100),
    "contradicting": Finding("contradicting", True, 4, 100),
    "shortcut": Finding("shortcut", True, 0, 100, by="border", accuracy=0.98, chance=0.5),
    "groups": Finding("groups", True, 40, 100, numbers=[7]),
    "near": Finding("near", False, 3, 100),
    "repeats": Finding("repeats", False, 1, 100),
    "bursts": Finding("bursts", True, 80, 100, numbers=[9]),
    "few": Finding("few", True, 7, 100, ["a", "b", "c", "d"], [1, 2, 2, 2]),
    "uneven": Finding("uneven", False, 100, 100, ["a", "b"], [990, 10]),
}


@pytest.mark.parametrize("kind", ORDER)
def test_every_finding_has_a_title_its_numbers_and_something_to_do(kind: str) -> None:
    found = FINDINGS[kind]
    (said,) = check_words.warnings(evaluation(findings=[asdict(found)]))
    assert (said["kind"], said["serious"]) == (kind, found.serious)
    assert said["title"][0].isupper()
    assert said["sentence"].endswith(".")
    assert said["do"].endswith(".")
    shown = plain(said["sentence"])
    numbers = [f"{found.images:,}"] if kind not in ("shortcut", "few", "uneven") else []
    numbers += {"few": ["a (1)", "b (2)", "c (2)", "1 more"], "uneven": ["990", "10"], "shortcut": ["98.0 %", "50.0 %"]}.get(
        kind, []
    )
    assert all(number in shown for number in numbers), shown


def test_before_training_only_what_is_serious_is_said_a_line_each() -> None:
    lines = check_words.before_training([asdict(one) for one in FINDINGS.values()])
    assert len(lines) == sum(one.serious for one in FINDINGS.values())
    assert lines[0].startswith("60 of your 100 test images are training images")
    assert all("\n" not in line and not line.endswith(".") for line in lines)
    few = Finding("few", True, 0, 0, ("cat", "dog"), (0, 0))
    whole = check_words.before_training([asdict(one) for one in (Finding("copies", True, 9995, 9995), few)])
    assert whole == ["9,995 of your 9,995 test images are training images: the test accuracy will mean nothing"]
    assert check_words.before_training([]) == []


def scored(**changes: Any) -> dict[str, Any]:
    """With what the four sentences need beside the headline."""
    bins = [{"images": 100, "confidence": 0.9, "accuracy": 0.9}]
    return evaluation(
        scores=[{"name": name, "support": 50, "recall": SHARE} for name in ("cat", "dog")],
        pairs=[{"one": "cat", "other": "dog", "there": 3, "back": 1, "share": 0.04}],
        groups={"groups": []},
        weak_classes=[],
        calibration={"images": 90, "temperature": 1.0, "before": {"error": 0.01, "bins": bins}, "after": {"error": 0.01}},
        **changes,
    )


def test_the_verdict_of_a_sound_run_states_the_figure_its_failures_and_the_first_advice() -> None:
    said = verdict(scored(), scored(), [], ["Try more epochs."], "run")
    assert "It is right on 90.0 % of new images (85.0 % to 93.0 %)" in plain(said["good"])
    assert "cat and dog" in said["fails"]
    assert "100 images" in said["trust"]
    assert said["next"] == "Try more epochs."


def test_a_serious_finding_takes_the_place_of_trust_and_of_the_next_step() -> None:
    warned = check_words.warnings(scored(findings=[asdict(FINDINGS["copies"])]))
    said = verdict(scored(), scored(), warned, ["Try more epochs."], "run")
    assert said["trust"].startswith("Not as it stands: most test images are training images.")
    assert said["next"] == warned[0]["do"]


def test_a_figure_that_cannot_be_told_from_guessing_is_said_to_be_none() -> None:
    """Found on planted data: with labels that mean nothing, the first screen spoke of the pair most often confused, and of augmentation."""
    guessed = {"name": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "images": 100}
    said = verdict(scored(headline=guessed), scored(headline=guessed), [], ["Try more epochs."], "run")
    assert "cannot be told from guessing" in said["good"]
    assert said["next"].startswith("Look whether the labels are right")
    balanced = scored(headline=guessed | {"name": "balanced accuracy"})
    assert "cannot be told from guessing: 50.0 %" in plain(verdict(balanced, balanced, [], [], "run")["good"])


def test_without_a_headline_validation_speaks_and_is_named() -> None:
    test, validation = without("copies", 0, 50, copies=50), scored(split="validation")
    said = verdict(test, validation, check_words.warnings(test | {"findings": [asdict(FINDINGS["copies"])]}), [], "run")
    assert plain(said["good"]).startswith("Its test accuracy cannot be measured. ")
    assert "On validation images it is right 90.0 % of the time" in plain(said["good"])
    nothing = verdict(test, None, [], [], "run")
    assert "validation" not in nothing["good"]
    assert "no image is left" in nothing["fails"]


def test_of_uneven_classes_the_mean_over_classes_is_stated() -> None:
    balanced = scored(headline={"name": "balanced accuracy", **SHARE, "images": 100})
    assert plain(verdict(balanced, balanced, [], [], "run")["good"]).startswith(
        "Averaged over its classes it is right on 90.0 %"
    )


def test_before_any_evaluation_the_verdict_says_how_to_get_one() -> None:
    said = verdict(None, None, [], [], "runs/a")
    assert said["good"] == "It has not been evaluated yet."
    assert "seefar evaluate runs/a" in said["next"]
