"""The page of several runs: side by side, differences in words, nothing from outside."""

import re
import shutil
from pathlib import Path

import pytest

import seefar as sf
from seefar.errors import UsageError
from seefar.reporting import comparison_words
from seefar.runs.folder import Run


@pytest.fixture
def runs(run: Run, tmp_path: Path) -> list[Run]:
    return [run, Run(shutil.copytree(run.path, tmp_path / "<two>"))]


def test_two_runs_stand_side_by_side(runs: list[Run], tmp_path: Path) -> None:
    text = sf.report(*runs, out=tmp_path / "page.html").read_text()
    assert "No evidence that &lt;two&gt; and run differ: +0.00 points" in text
    assert text.count("<svg") == 3
    assert "<two>" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert sf.report(*runs, out=tmp_path / "again.html").read_text() == text


def test_no_run_and_one_run_with_out_are_refused(run: Run) -> None:
    for given in ((), (run,)):
        with pytest.raises(UsageError, match="report takes one run"):
            sf.report(*given, out="page.html")


def difference(value: float, low: float, high: float, p: float) -> dict[str, object]:
    found = {"value": value, "low": low, "high": high, "gained": 30, "lost": 10, "p": p}
    return {"base": "a", "other": "b", "difference": found, "agreement": 0.9, "classes": []}


def test_the_verdict_follows_the_test() -> None:
    assert comparison_words.pair(difference(0.02, 0.01, 0.03, 0.001))[0].startswith("b is better than a: +2.00 points")
    assert comparison_words.pair(difference(-0.02, -0.03, -0.01, 0.001))[0].startswith("b is worse than a: -2.00 points")
    assert comparison_words.pair(difference(0.01, -0.01, 0.03, 0.3))[0].startswith("No evidence that b and a differ")
    assert "p < 0.0001" in comparison_words.pair(difference(0.02, 0.01, 0.03, 1e-9))[0]


def test_one_seed_is_called_one_seed() -> None:
    row = {"recipe": "deep", "runs": ["a"], "mean": 0.8, "deviation": None, "low": None, "high": None, "churn": None}
    assert "one seed" in comparison_words.seeds(row)
    several = row | {"runs": ["a", "b"], "deviation": 0.01, "low": 0.7, "high": 0.9, "churn": 0.1}
    assert "over 2 seeds, standard deviation 1.00 points, 95 % interval of the mean 70.0" in comparison_words.seeds(several)


def test_classes_that_changed_significantly_are_named_in_both_directions() -> None:
    rows = [
        {"name": "cat", "p_holm": 0.001, "gained": 9, "lost": 0},
        {"name": "dog", "p_holm": 0.001, "gained": 0, "lost": 9},
        {"name": "owl", "p_holm": 0.5, "gained": 9, "lost": 0},
    ]
    found = difference(0.01, -0.01, 0.03, 0.3)
    assert "significantly better on cat and worse on dog;" in comparison_words.pair(found | {"classes": rows})[1]
    assert "significantly better on cat;" in comparison_words.pair(found | {"classes": rows[::2]})[1]
    assert not any("owl" in sentence for sentence in comparison_words.pair(found | {"classes": rows}))


@pytest.mark.parametrize(
    ("value", "p", "verdict"),
    [
        (0.01, None, "+1.00 points for each of 3 seeds, which says nothing of others"),
        (0.01, 0.2, "no evidence either way, +1.00 points (-1.00 to +3.00), p = 0.2"),
        (0.02, 0.01, "3 seeds in pairs: better, +2.00 points"),
        (-0.02, 0.01, "3 seeds in pairs: worse, -2.00 points"),
    ],
)
def test_recipes_are_compared_over_the_seeds_they_share(value: float, p: float | None, verdict: str) -> None:
    low, high = (None, None) if p is None else (value - 0.02, value + 0.02)
    found = {"base": "a", "other": "b", "seeds": [0, 1, 2], "value": value, "low": low, "high": high, "p": p}
    assert verdict in comparison_words.recipes(found)
