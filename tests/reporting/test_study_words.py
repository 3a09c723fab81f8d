"""Sentences of a study, from planted results."""

from typing import Any

from seefar.reporting import study_words


def row(name: str, verdict: str | None, **changes: Any) -> dict[str, Any]:
    effect = {"verdict": verdict, "words": f"{verdict} (+1.0 points)"} if verdict else None
    return {"variant": name, "effect": effect, "failures": {}} | changes


def found(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    base = {
        "estimation_only": False,
        "seeds": [0, 1, 2],
        "planned": 3,
        "images": 120,
        "clusters": None,
        "together": None,
        "power": 0.5,
        "detectable": 0.8,
        "chosen": "norm",
        "front": ["norm"],
    }
    return base | {"rows": [row("base", None), *rows]} | changes


def test_helps_hurts_and_what_is_open_are_told_apart() -> None:
    text = " ".join(study_words.summary(found(row("norm", "helps"), row("wild", "hurts"), row("flip", "no evidence"))))
    assert "What helps: norm." in text
    assert "What hurts: wild." in text
    assert "No evidence either way: flip." in text
    assert "3 seeds" in text
    assert "3 comparisons" in text
    assert "of about 0.8 points or more" in text
    assert "Best on validation: norm among those that nothing beats" in text


def test_what_the_intervals_are_over_is_said_with_groups_and_without() -> None:
    text = " ".join(study_words.summary(found(row("norm", "helps"))))
    assert (
        "over seeds, on the same 120 test images: what other images would change is not in them, and `seefar compare`" in text
    )
    assert "groups" not in text
    text = " ".join(study_words.summary(found(row("norm", "helps"), clusters=12)))
    assert "on the same 120 test images in 12 groups: what other groups of images would change" in text
    assert "tells it of two runs, over groups." in text
    for other in ({"seeds": [0]}, {"images": None}):  # no interval; no test images
        assert "Intervals are over seeds" not in " ".join(study_words.summary(found(row("norm", "helps"), **other)))


def test_where_seeds_were_added_nothing_is_claimed() -> None:
    text = " ".join(study_words.summary(found(row("norm", "no evidence"), estimation_only=True, power=0.0)))
    assert "estimates: nothing is tested" in text
    assert "No evidence" not in text


def test_a_cumulative_study_says_what_all_changes_do_together() -> None:
    text = " ".join(
        study_words.summary(found(row("norm", "no evidence"), together={"value": 0.12, "low": 0.085, "high": 0.15}))
    )
    assert "All changes together: +12.0 points (+8.5 to +15.0)" in text


def test_a_failure_is_told_with_its_reason() -> None:
    assert study_words.row_words(row("wild", None, failures={0: "no number"})) == "failed (seed 0: no number)"
    assert study_words.row_words(row("base", None)) == "what the others are compared with"


def test_advice_follows_the_verdicts() -> None:
    text = " ".join(study_words.advice(found(row("wild", "hurts"), row("flip", "no evidence"))))
    assert "more seeds tell more: 6 of them (--seeds; after a search --confirm)" in text
    assert "Leave out wild" in text
