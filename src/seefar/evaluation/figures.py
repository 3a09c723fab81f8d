"""All figures of an evaluation, from stored answers and what is known of the images: what can be believed, and how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from seefar import metrics
from seefar.data.checks import Inspection, near_finding, worst_first
from seefar.evaluation.calibration import calibration, fit_temperature, selective, sure_from
from seefar.evaluation.clusters import Clusters, over_groups
from seefar.evaluation.confusions import Groups, groups, pairs, weak_classes
from seefar.evaluation.headline import headline, interval_of, why_not
from seefar.metrics import Share
from seefar.runs.folder import Run

TOP = (2, 3, 5)


@dataclass(frozen=True)
class Measured:
    """An accuracy on some of the images, and how many they are."""

    images: int
    accuracy: Share


def beliefs(
    run: Run, looked: Inspection, ids: Sequence[str], labels: np.ndarray, logits: np.ndarray, belongs: Sequence[str] = ()
) -> dict[str, Any]:
    """The figures of an Evaluation that say how far the others can be believed, by name.

    Args:
        run: holds `description-test.json`, if the split is "test".
        looked: what a look at the images found.
        ids: of all images of the split, `n`.
        labels: int64 `(n,)`.
        logits: `(n, classes)`.
        belongs: the group of each image; empty where that is not known. Intervals are then over groups.
    """
    clusters = Clusters(belongs) if len(belongs) else None
    counts, right = looked.distinct.counts, logits.argmax(1) == labels
    near, cannot, data = None, why_not(looked, labels), run.read("data.json")
    findings = looked.findings
    if looked.split == "test":
        copies = np.isin(np.array(ids), run.read("description-test.json")["leaks"]["test_ids"])
        findings = worst_first([*findings, *near_finding(int((counts & copies).sum()), int(counts.sum()))])
        if (counts & copies).any():
            near = _measured(right, counts & ~copies, clusters)
    if cannot:
        stated = None
    elif clusters:
        stated = over_groups(clusters[counts], right[counts], labels[counts], data["train"])
    else:
        recalls = [
            interval_of(float(right[own].mean()), independent(looked.bursts[own]))
            for own in (counts & (labels == label) for label in range(len(data["classes"])))
            if own.any()
        ]
        measured = _measured(right, counts, None)
        stated = headline(measured.accuracy, recalls, data["train"], measured.images, independent(looked.bursts[counts]))
    return {
        "headline": stated,
        "clusters": len(clusters[counts]) if clusters else None,
        "cannot": cannot,
        "raw": _measured(right, np.ones(len(right), bool), clusters),
        "left_out": looked.distinct.left_out,
        "near": near,
        "findings": findings,
    }


def independent(bursts: np.ndarray) -> int:
    """As how many independent images those of some bursts tell: as many as there are bursts if these are equally large, else fewer.

    Args:
        bursts: the number of the burst of each image, int64 `(n,)`; images of one burst are taken to be right or wrong together.

    Source: Kish 1965, Survey Sampling: the square of the sum of the sizes over the sum of their squares
    """
    sizes = np.unique(bursts, return_counts=True)[1]
    return round(float(sizes.sum() ** 2 / (sizes**2).sum())) if len(sizes) else 0


def _measured(right: np.ndarray, chosen: np.ndarray, clusters: Clusters | None) -> Measured:
    return Measured(int(chosen.sum()), _share(right[chosen], clusters[chosen] if clusters else None))


def _share(right: np.ndarray, clusters: Clusters | None) -> Share:
    """The share that is right, with an interval over groups where there are any."""
    return clusters.share(right) if clusters else metrics.wilson(int(right.sum()), len(right))


def figures(
    labels: np.ndarray,
    logits: np.ndarray,
    tta_logits: np.ndarray | None,
    classes: tuple[str, ...],
    validation_labels: np.ndarray,
    validation_logits: np.ndarray,
    belongs: Sequence[str] | np.ndarray = (),
) -> dict[str, Any]:
    """All figures of an Evaluation that follow from the answers for the images that count, by name.

    Args:
        labels: int64 `(n,)`; with none, nothing is known, and figures are None or empty.
        logits: `(n, classes)`.
        tta_logits: likewise with test-time augmentation; None if there is none.
        classes: the names.
        validation_labels: of the images that temperature and threshold are fitted on.
        validation_logits: the network's answers for them.
        belongs: the group of each of the `n` images; empty where that is not known. Intervals are then over groups.
    """
    if not len(labels):
        return _nothing(classes)
    predicted, probabilities = logits.argmax(1), metrics.softmax(logits)
    matrix = metrics.confusion_matrix(labels, predicted, len(classes))
    clusters = Clusters(belongs) if len(belongs) else None
    accuracy = _share(predicted == labels, clusters)
    scores = metrics.class_scores(labels, predicted, classes)
    if clusters:
        of_class = [labels == label for label in range(len(classes))]
        scores = [
            replace(score, recall=clusters[own].share(predicted[own] == labels[own])) if own.any() else score
            for score, own in zip(scores, of_class, strict=True)
        ]
    known = len(validation_labels) > 0
    temperature = fit_temperature(validation_labels, validation_logits) if known else 1.0
    threshold = sure_from(validation_labels, validation_logits, temperature) if known else None
    return {
        "accuracy": accuracy,
        "tta_accuracy": accuracy if tta_logits is None else _share(tta_logits.argmax(1) == labels, clusters),
        "top_k": {str(k): metrics.top_k(labels, logits, k) for k in TOP if k < len(classes)},
        "balanced_accuracy": metrics.balanced_accuracy(matrix),
        "loss": metrics.log_loss(labels, logits),
        "brier": metrics.brier(labels, probabilities),
        "f1_macro": fmean(score.f1 for score in scores),
        "f1_weighted": sum(score.f1 * score.support for score in scores) / len(labels),
        "roc_auc": metrics.roc_auc(labels, probabilities),
        "kappa": metrics.cohen_kappa(matrix),
        "scores": scores,
        "confusion": matrix.tolist(),
        "confusions": metrics.strongest_confusions(matrix, classes),
        "pairs": pairs(matrix, classes),
        "groups": groups(matrix, classes),
        "weak_classes": weak_classes(matrix, classes),
        "calibration": calibration(labels, logits, temperature, len(validation_labels)),
        "selective": selective(labels, logits, threshold, temperature),
    }


def _nothing(classes: tuple[str, ...]) -> dict[str, Any]:
    """The figures where no image counts."""
    none = ["accuracy", "tta_accuracy", "balanced_accuracy", "loss", "brier", "f1_macro", "f1_weighted", "roc_auc", "kappa"]
    none += ["calibration", "selective"]
    lists = ("scores", "confusion", "confusions", "pairs", "weak_classes")
    return dict.fromkeys(none) | {name: [] for name in lists} | {"top_k": {}, "groups": Groups([], list(classes), [], 0.0, 0.0)}
