"""What a trained network gets right and wrong, on images that it did not learn from."""

from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np

from seefar import metrics
from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load_again
from seefar.display import Shown
from seefar.evaluation.calibration import Calibration, Selective, calibration, fit_temperature, selective, sure_from
from seefar.evaluation.confusions import Groups, Pair, WeakClass, groups, pairs, weak_classes
from seefar.files import lock
from seefar.metrics import ClassScore, Confusion, Share
from seefar.model.familiar import Familiar, Threshold, fit_familiar
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.run_images import check_split, describe_test, open_split, open_training, open_validation
from seefar.runs.folder import Run, open_run
from seefar.runs.ledger import count_looks
from seefar.seeds import derive
from seefar.torchrun import only_alone

TOP = (2, 3, 5)
KNOWN = 2000  # training images whose features stand for all, as many of each class (chosen by hand; a second or two)
BLOCK = 500  # of them at a time
MISTAKES = 600  # thumbnails of mistakes kept for the report (chosen by hand)
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
        familiar: from which score on images count as like the training images; only of validation, None on test.
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
    familiar: Threshold | None

    def __repr__(self) -> str:
        share = self.accuracy
        return f"Evaluation({self.split}, {self.images:,} images: {share.value:.1%} right, {share.low:.1%} to {share.high:.1%})"


def evaluate(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    data: Dataset | None = None,
    device: str = "auto",
    verb: str = "evaluate",
) -> Evaluation:
    """Evaluate a trained network; the numbers and the predictions go into the run folder.

    Args:
        run: a run or its folder.
        split: "validation", or "test": that is a look at the test images, counted in the run's ledger and in `SEEFAR_HOME`.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".
        verb: what the ledgers say that a look was for.

    Raises:
        ModelFileError: the run is unfinished, damaged, or was trained on other data.
        UsageError: there is no such split.
        DiskError: the ledger cannot be written.
    """
    only_alone("evaluate")
    check_split(split)
    run = open_run(run)
    data = load_again(run.read("data.json"), data)
    with lock(run.path / ".lock"):
        if split == "test":
            describe_test(run, data)
        model, validation = load_model(run, device), open_validation(run, data)
        images = open_split(run, split, verb, data)
        looks = count_looks(run, images.digest) if split == "test" else None
        tta = model.recipe.kept.tta
        answers = {"logits": model.logits(images.pixels)}
        if tta != "none":
            answers["tta_logits"] = model.logits(images.pixels, tta)
        fitting = answers["logits"] if split == "validation" else model.logits(validation.pixels)
        run.write_arrays(f"predictions-{split}.npz", ids=np.array(images.ids), labels=images.labels, **answers)
        most = min(MISTAKES, max(PICTURES // images.pixels[:1].size, 1))
        worst = metrics.surest_mistakes(images.labels, answers["logits"], most)
        run.write_arrays(f"mistakes-{split}.npz", positions=worst, pixels=images.pixels[worst])
        familiar = None
        if split == "validation":
            found = _familiar(model, open_training(run, data), validation)
            run.write_arrays("familiar.npz", means=found.means.astype("<f2"))
            familiar = found.threshold
        evaluation = Evaluation(
            split=split,
            images=len(images),
            digest=images.digest,
            look=looks.run if looks else 0,
            look_on_machine=looks.machine if looks else 0,
            tta=tta,
            familiar=familiar,
            **figures(images.labels, answers["logits"], answers.get("tta_logits"), images.classes, validation.labels, fitting),
        )
        run.write(f"evaluation-{split}.json", asdict(evaluation))
    return evaluation


def _familiar(model: Model, training: ImageSet, validation: ImageSet) -> Familiar:
    """What tells unlike images, from as many training images of each class; in blocks, since features may be large."""
    order = np.random.default_rng(derive(0, "familiar")).permutation(len(training))
    each = -(-KNOWN // len(training.classes))
    chosen = np.sort(np.concatenate([order[training.labels[order] == label][:each] for label in range(len(training.classes))]))
    blocks = [chosen[start : start + BLOCK] for start in range(0, len(chosen), BLOCK)]
    return fit_familiar(
        ((model.features(training.pixels[block]), training.labels[block]) for block in blocks),
        (model.features(validation.pixels[start : start + BLOCK]) for start in range(0, len(validation), BLOCK)),
        len(training.classes),
    )


def figures(
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
    added = figures(
        answers["labels"], answers["logits"], answers.get("tta_logits"), classes, fitting["labels"], fitting["logits"]
    )
    return {name: _plain(value) for name, value in added.items()} | {"familiar": None} | found


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
