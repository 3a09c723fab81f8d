"""What a trained network gets right and wrong, on images that it did not learn from."""

from collections import Counter
from dataclasses import asdict, dataclass, is_dataclass
from statistics import fmean
from typing import Any

import numpy as np

from seefar import metrics
from seefar.data.images import ImageSet
from seefar.display import Shown
from seefar.evaluation.calibration import Calibration, Selective, calibration, fit_temperature, selective, sure_from
from seefar.evaluation.confusions import Groups, Pair, WeakClass, groups, pairs, weak_classes
from seefar.metrics import ClassScore, Confusion, Share
from seefar.models.device import choose_device, choose_precision
from seefar.models.predict import predict
from seefar.recipes import from_json
from seefar.runs.folder import Run
from seefar.runs.ledger import record_look
from seefar.training.network import load_network

TOP = (2, 3, 5)
MISTAKES, OF_EACH = 600, 8  # thumbnails of mistakes kept for the report in all and of each confusion (chosen by hand)
PICTURES = 3_000_000  # bytes that they may have before compression, so that a report stays small


@dataclass(frozen=True)
class Evaluation(Shown):
    """The numbers of one evaluation; `evaluation-<split>.json` is exactly this.

    Attributes:
        split: "validation" or "test".
        images: how many.
        digest: of those images, `ImageSet.digest`.
        look: which look at the test images this was with this run's network; 0 for validation.
        look_on_machine: likewise with any network on this machine.
        accuracy: share of images that were right, with its Wilson interval.
        tta: the test-time augmentation of the recipe; all other figures are without it.
        tta_accuracy: the accuracy with it.
        top_k: the share of images whose class is among the k most probable, by k: 2, 3 and 5, as far as there are more classes.
        balanced_accuracy: mean recall over classes, 0..1.
        loss: mean cross-entropy in nats.
        brier: mean squared distance of the probabilities from the truth, 0..2.
        f1_macro: mean F1 over classes.
        f1_weighted: mean F1 over images.
        roc_auc: mean over classes of the area under the curve of each against all others; None if a class has no images.
        kappa: Cohen's kappa.
        scores: the classification report, a row a class.
        confusion: counts; the row is the true class, the column the predicted one.
        confusions: the strongest ones, by share of the true class.
        pairs: of classes that are taken for each other, both directions together.
        groups: of classes that are taken for each other.
        weak_classes: classes that do significantly worse than the others.
        calibration: whether the stated probabilities can be believed; the temperature is fitted on validation.
        selective: accuracy against coverage; the threshold, too, comes from validation.
    """

    split: str
    images: int
    digest: str
    look: int
    look_on_machine: int
    accuracy: Share
    tta: str
    tta_accuracy: Share
    top_k: dict[str, Share]
    balanced_accuracy: float
    loss: float
    brier: float
    f1_macro: float
    f1_weighted: float
    roc_auc: float | None
    kappa: float
    scores: list[ClassScore]
    confusion: list[list[int]]
    confusions: list[Confusion]
    pairs: list[Pair]
    groups: Groups
    weak_classes: list[WeakClass]
    calibration: Calibration
    selective: Selective

    def __repr__(self) -> str:
        share = self.accuracy
        return f"Evaluation({self.split}, {self.images:,} images: {share.value:.1%} right, {share.low:.1%} to {share.high:.1%})"


def evaluate(
    run: Run, images: ImageSet, split: str, validation: ImageSet, device: str = "auto", verb: str = "evaluate"
) -> Evaluation:
    """Evaluate the run's network on images, and write predictions and numbers into the run folder.

    Args:
        run: a trained run.
        images: the images of that split.
        split: "validation" or "test"; a look at test is entered into the ledger before the network sees the images.
        validation: the validation images, which the calibration is fitted on.
        device: where to compute.
        verb: what the ledger says that a look was for.

    Raises:
        ModelFileError: the run is unfinished or damaged.
        DiskError: the ledger cannot be written.
    """
    where = choose_device(device)
    network = load_network(run, where)
    looks = record_look(run, images.digest, verb) if split == "test" else None
    recipe = from_json(run.recipe())
    precision = choose_precision(recipe.precision, where)
    answers = {"logits": predict(network, images.pixels, precision)}
    if recipe.tta != "none":
        answers["tta_logits"] = predict(network, images.pixels, precision, tta=recipe.tta)
    fitting = images.labels, answers["logits"]
    if split != "validation":
        fitting = validation.labels, predict(network, validation.pixels, precision)
    run.write_arrays(f"predictions-{split}.npz", ids=np.array(images.ids), labels=images.labels, **answers)
    most = min(MISTAKES, max(PICTURES // images.pixels[:1].size, 1))
    worst = surest_mistakes(images.labels, answers["logits"], most)
    run.write_arrays(f"mistakes-{split}.npz", positions=worst, pixels=images.pixels[worst])
    evaluation = Evaluation(
        split=split,
        images=len(images),
        digest=images.digest,
        look=looks.run if looks else 0,
        look_on_machine=looks.machine if looks else 0,
        tta=recipe.tta,
        **numbers(images.labels, answers["logits"], answers.get("tta_logits"), images.classes, *fitting),
    )
    run.write(f"evaluation-{split}.json", asdict(evaluation))
    return evaluation


def numbers(
    labels: np.ndarray,
    logits: np.ndarray,
    tta_logits: np.ndarray | None,
    classes: tuple[str, ...],
    validation_labels: np.ndarray,
    validation_logits: np.ndarray,
) -> dict[str, Any]:
    """All figures of an Evaluation that follow from answers alone, by name.

    Args:
        labels: int64 `(n,)`.
        logits: `(n, classes)`.
        tta_logits: likewise with test-time augmentation; None if there is none.
        classes: the names.
        validation_labels: of the images that temperature and threshold are fitted on.
        validation_logits: the network's answers for them.
    """
    predicted, probabilities = logits.argmax(1), metrics.softmax(logits)
    matrix = metrics.confusion_matrix(labels, predicted, len(classes))
    accuracy = metrics.wilson(int(matrix.trace()), len(labels))
    scores = metrics.class_scores(labels, predicted, classes)
    temperature = fit_temperature(validation_labels, validation_logits)
    threshold = sure_from(validation_labels, validation_logits, temperature)
    return {
        "accuracy": accuracy,
        "tta_accuracy": accuracy
        if tta_logits is None
        else metrics.wilson(int((tta_logits.argmax(1) == labels).sum()), len(labels)),
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


def read_evaluation(run: Run, split: str) -> dict[str, Any]:
    """The numbers of an evaluation as JSON has them; those that an earlier seefar did not know are computed from stored answers.

    Raises:
        ModelFileError: there is no evaluation, or it is damaged, or too little is stored.
    """
    found: dict[str, Any] = run.evaluation(split)
    if "calibration" in found:
        return found
    answers, fitting = run.arrays(f"predictions-{split}.npz"), run.arrays("predictions-validation.npz")
    classes = tuple(run.read("data.json")["classes"])
    added = numbers(
        answers["labels"], answers["logits"], answers.get("tta_logits"), classes, fitting["labels"], fitting["logits"]
    )
    return {name: _plain(value) for name, value in added.items()} | found


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def surest_mistakes(labels: np.ndarray, logits: np.ndarray, most: int = MISTAKES) -> np.ndarray:
    """Positions of wrongly classified images, the most confident first and at most 8 of each confusion, int64 `(at most most,)`."""
    answers = logits.argmax(1)
    confidence = metrics.softmax(logits).max(1)
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    seen: Counter[tuple[int, int]] = Counter()
    chosen = []
    for i in wrong.tolist():
        cell = int(labels[i]), int(answers[i])
        seen[cell] += 1
        if seen[cell] <= OF_EACH:
            chosen.append(i)
    return np.array(chosen[:most], np.int64)
