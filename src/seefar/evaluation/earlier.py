"""Evaluations that an earlier seefar stored: which of their images count, and the figures that it did not know."""

from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from seefar.data.checks import Inspection, counted_findings, worst_first
from seefar.data.distinct import Distinct
from seefar.evaluation.figures import beliefs, figures
from seefar.runs.folder import Run


def read_evaluation(run: Run, split: str) -> dict[str, Any]:
    """The numbers of an evaluation as JSON has them; those of before format 7 are computed anew from the stored answers.

    Raises:
        ModelFileError: there is no evaluation, or it is damaged, or too little is stored.
    """
    found: dict[str, Any] = run.evaluation(split)
    if "headline" in found:
        return found
    classes = tuple(run.read("data.json")["classes"])
    answers, fitting = run.arrays(f"predictions-{split}.npz"), run.arrays("predictions-validation.npz")
    looked = _inspection(run, split, answers)
    counts, fits = looked.distinct.counts, counted(run, "validation", fitting)
    tta = answers["tta_logits"][counts] if "tta_logits" in answers else None
    added = beliefs(run, looked, answers["ids"].tolist(), answers["labels"], answers["logits"])
    added |= figures(
        answers["labels"][counts], answers["logits"][counts], tta, classes, fitting["labels"][fits], fitting["logits"][fits]
    )
    return found | {name: _plain(value) for name, value in added.items()} | {"images": int(counts.sum())}


def counted(run: Run, split: str, stored: dict[str, np.ndarray]) -> np.ndarray:
    """Which of the images in stored predictions count: bool `(n,)`.

    Args:
        run: whose predictions they are.
        split: "validation" or "test".
        stored: `predictions-<split>.npz`.
    """
    return stored["counts"] if "counts" in stored else _distinct(run, split, stored).counts


def _inspection(run: Run, split: str, stored: dict[str, np.ndarray]) -> Inspection:
    """What is known of the images without looking at them again: copies and repeats, if they are those of test."""
    found = _distinct(run, split, stored)
    if "counts" in stored:
        found = Distinct(stored["counts"], found.copies, found.contradicting, found.repeats)
    data = run.read("data.json")
    findings = counted_findings(found, stored["labels"], data["classes"], data["train"])
    return Inspection(split, found, worst_first(findings), np.arange(len(found.counts)), [])


def _distinct(run: Run, split: str, stored: dict[str, np.ndarray]) -> Distinct:
    """From `description-test.json`. Where it does not say which of the copies are exact, all of them are left out."""
    ids = stored["ids"]
    nobody = np.zeros(len(ids), bool)
    if split != "test" or not run.has("description-test.json"):
        return Distinct(~nobody, 0, 0, 0)
    described = run.read("description-test.json")
    leaks, groups = described["leaks"], described["images"]["duplicates"]
    exact = [leak["test"] for leak in leaks["leaks"] if leak["kind"] == "exact"]
    exact += [leak["test"] for leak in leaks["leaks"] if leak["kind"] == "mirrored" and leak["same_label"]]
    whole = len(leaks["leaks"]) == len(leaks["test_ids"]) or leaks["counts"]["exact"] + leaks["counts"]["mirrored"] < len(
        leaks["leaks"]
    )
    copies = np.isin(ids, exact if whole else leaks["test_ids"])
    two_labels = [id_ for group in described["images"]["conflicts"] for id_ in group]
    contradicting = np.isin(ids, two_labels) & ~copies
    repeats = np.isin(ids, [id_ for group in groups for id_ in group[1:]]) & ~copies & ~contradicting
    counts = ~(copies | contradicting | repeats)
    return Distinct(counts, int(copies.sum()), int(contradicting.sum()), int(repeats.sum()))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
