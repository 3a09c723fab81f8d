"""What a trained network gets right and wrong, on images that it did not learn from."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from seefar import metrics
from seefar.data.checks import Finding
from seefar.data.images import Dataset
from seefar.data.load import load_again
from seefar.display import Shown
from seefar.evaluation.calibration import Calibration, Selective
from seefar.evaluation.confusions import Groups, Pair, WeakClass
from seefar.evaluation.familiarity import familiar_to
from seefar.evaluation.figures import Measured, beliefs, figures
from seefar.evaluation.headline import Headline
from seefar.evaluation.highlights import highlights
from seefar.evaluation.left_out import left_out
from seefar.files import lock
from seefar.metrics import ClassScore, Confusion, Share
from seefar.model.familiar import Threshold
from seefar.model.load import load_model
from seefar.model.run_images import check_split, counting, describe_test, inspect, open_split, open_training, open_validation
from seefar.runs.folder import Run, open_run
from seefar.runs.ledger import count_looks
from seefar.torchrun import only_alone

MISTAKES = 600  # thumbnails of mistakes kept for the report (chosen by hand)
PICTURES = 3_000_000  # bytes that they may have before compression, so that a report stays small


@dataclass(frozen=True)
class Evaluation(Shown):
    """The numbers of one evaluation; `evaluation-<split>.json` is exactly this.

    All figures but `raw` are on the images that count: each once, none that equals a training image, none with two labels.

    Attributes:
        split: "validation" or "test".
        images: how many count.
        digest: of all images of the split, `ImageSet.digest`.
        headline: the figure to believe; None if nothing can be measured on these images.
        cannot: why not: "few", or what took most of them away: "copies", "repeats" or "contradicting"; empty if it can.
        raw: on all images, as they came.
        left_out: how many do not count: "copies" of training images, "repeats" and "contradicting" ones.
        clusters: to how many groups those that count belong; None if groups are not known. If they are, intervals are over groups.
        near: without near copies of training images, too, where that was looked for; None else.
        findings: what is wrong with the images, worst first.
        look: which look at the test images this was with this run's network; 0 for validation.
        look_on_machine: likewise with any network on this machine.
        accuracy: share of images that were right, with its Wilson interval; None if no image counts, as are the other figures then.
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
    headline: Headline | None
    cannot: str
    raw: Measured
    left_out: dict[str, int]
    clusters: int | None
    near: Measured | None
    findings: list[Finding]
    look: int
    look_on_machine: int
    tta: str
    accuracy: Share | None
    tta_accuracy: Share | None
    top_k: dict[str, Share]
    balanced_accuracy: float | None
    loss: float | None
    brier: float | None
    f1_macro: float | None
    f1_weighted: float | None
    roc_auc: float | None
    kappa: float | None
    scores: list[ClassScore]
    confusion: list[list[int]]
    confusions: list[Confusion]
    pairs: list[Pair]
    groups: Groups
    weak_classes: list[WeakClass]
    calibration: Calibration | None
    selective: Selective | None
    familiar: Threshold | None

    def __repr__(self) -> str:
        if self.headline is None:
            return f"Evaluation({self.split}: cannot be measured, {self.images:,} of {self.raw.images:,} images count)"
        said = self.headline
        return (
            f"Evaluation({self.split}, {self.images:,} images: {said.name} {said.value:.2%}, {said.low:.2%} to {said.high:.2%})"
        )


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
        familiar = None
        if split == "validation":
            known, logits = familiar_to(model, open_training(run, data), images)
            run.write_arrays("familiar.npz", means=known.means.astype("<f2"))
            answers, familiar = {"logits": logits}, known.threshold
        else:
            answers = {"logits": model.logits(images.pixels)}
        if tta != "none":
            answers["tta_logits"] = model.logits(images.pixels, tta)
        looked = inspect(run, split, images, data)
        counts = looked.distinct.counts
        if split == "validation":
            fitting = images.labels[counts], answers["logits"][counts]
        else:
            fits = counting(run, "validation", validation, data)
            fitting = validation.labels[fits], model.logits(validation.pixels[fits])
        if images.groups:
            answers["groups"] = np.array(images.groups)
        run.write_arrays(f"predictions-{split}.npz", ids=np.array(images.ids), labels=images.labels, counts=counts, **answers)
        counted = np.flatnonzero(counts)
        belongs = np.array(images.groups)[counted] if images.groups else ()
        own = images.labels[counted], answers["logits"][counted]
        most = min(MISTAKES, max(PICTURES // images.pixels[:1].size, 1))
        worst = counted[metrics.surest_mistakes(*own, most)]
        run.write_arrays(f"mistakes-{split}.npz", positions=worst, pixels=images.pixels[worst])
        shown = counted[highlights(*own)]
        run.write_arrays(f"highlights-{split}.npz", positions=shown, pixels=images.pixels[shown])
        out, times = left_out(images.pixels, counts)
        run.write_arrays(f"left-out-{split}.npz", positions=out, times=times, pixels=images.pixels[out])
        evaluation = Evaluation(
            split=split,
            images=len(counted),
            digest=images.digest,
            look=looks.run if looks else 0,
            look_on_machine=looks.machine if looks else 0,
            tta=tta,
            familiar=familiar,
            **beliefs(run, looked, images.ids, images.labels, answers["logits"], images.groups),
            **figures(*own, answers["tta_logits"][counted] if tta != "none" else None, images.classes, *fitting, belongs),
        )
        run.write(f"evaluation-{split}.json", asdict(evaluation))
    return evaluation
