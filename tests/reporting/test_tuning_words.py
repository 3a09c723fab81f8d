"""Sentences of a search, from planted results: what is a claim, and what is not."""

from typing import Any

from seefar.reporting import tuning_words
from seefar.reporting.words import percent


def trial(number: int, state: str = "complete", reason: str = "") -> dict[str, Any]:
    return {"number": number, "state": state, "reason": reason}


def found(**changes: Any) -> dict[str, Any]:
    base = {
        "base": "deep",
        "set": {"epochs": 4},
        "trials": [trial(0), trial(1)],
        "complete": 2,
        "pruned": 0,
        "failed": 0,
        "winner": 1,
        "base_won": False,
        "fields": {"dropout": (0.1, 0.1), "flip": "none"},
        "accuracy": 0.875,
        "importance": None,
        "confirmation": None,
        "page": None,
        "earlier": 0,
    }
    return base | changes


def confirmed(verdict: str, **changes: Any) -> dict[str, Any]:
    row = {"effect": {"verdict": verdict, "words": f"{verdict}: +1.0 points"}, "failures": {}}
    study = {"seeds": [1, 2, 3], "split": "test", "rows": [{"effect": None, "failures": {}}, row]}
    return found(confirmation=study, page="tunings/x/confirmation/study.html", **changes)


def test_the_figure_of_the_search_is_called_optimistic() -> None:
    text = " ".join(tuning_words.search(found()))
    assert (
        "Best on validation: trial 1 with 87.50%. It was chosen among 2 on the same images, so that this figure is optimistic."
        in text
    )
    assert "sets the better trials apart" not in text
    text = " ".join(tuning_words.search(found(importance={"dropout": 0.9, "flip": 0.1}, complete=12)))
    assert f"as far as 12 can tell: dropout {percent(0.9)} and flip {percent(0.1)}." in text


def test_failures_are_told_with_their_reasons_but_not_endlessly() -> None:
    failed = [trial(number, "failed", f"reason {number}") for number in range(5)]
    text = " ".join(tuning_words.search(found(trials=failed, complete=0, failed=5, winner=None, accuracy=None)))
    assert "5 trials: 0 complete, 0 pruned, 5 failed." in text
    assert "Trial 2 failed: reason 2." in text
    assert "reason 3" not in text
    assert "2 more failed" in text
    assert "No trial came to its end" in text
    assert tuning_words.claim(found(winner=None)) == []


def test_without_fresh_seeds_nothing_is_claimed() -> None:
    assert tuning_words.claim(found()) == ["It was not confirmed with fresh seeds, so that nothing is claimed."]
    assert "recipe deep itself: nothing in the space did better" in tuning_words.claim(found(base_won=True))[0]


def test_the_claim_is_the_verdict_on_test() -> None:
    first, *rest = tuning_words.claim(confirmed("helps"))
    assert first == "With 3 fresh seeds, on test, tuned against deep: helps: +1.0 points."
    assert rest == [
        "To train it: seefar train --data ... --recipe deep --set epochs=4 --set 'dropout=[0.1,0.1]' --set flip=none",
        "The page: tunings/x/confirmation/study.html",
    ]
    assert "--confirm 6 goes on" in tuning_words.claim(confirmed("no evidence"))[1]
    assert "opened for 2 other winners" in " ".join(tuning_words.claim(confirmed("helps", earlier=2)))
