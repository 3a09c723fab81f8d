"""What a trained network gets right and wrong, on images that it did not learn from."""

from dataclasses import asdict, dataclass

import numpy as np

from seefar import metrics
from seefar.data.images import ImageSet
from seefar.metrics import ClassScore, Confusion, Share
from seefar.models.device import choose_device, choose_precision
from seefar.models.predict import predict
from seefar.recipes import from_json
from seefar.runs.folder import Run
from seefar.runs.ledger import record_look
from seefar.training.network import load_network

MISTAKES = 24  # thumbnails of mistakes kept for the report (chosen by hand: a few rows on a screen)


@dataclass(frozen=True)
class Evaluation:
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
        balanced_accuracy: mean recall over classes, 0..1.
        loss: mean cross-entropy in nats.
        scores: the classification report, a row a class.
        confusion: counts; the row is the true class, the column the predicted one.
        confusions: the strongest ones, by share of the true class.
    """

    split: str
    images: int
    digest: str
    look: int
    look_on_machine: int
    accuracy: Share
    tta: str
    tta_accuracy: Share
    balanced_accuracy: float
    loss: float
    scores: list[ClassScore]
    confusion: list[list[int]]
    confusions: list[Confusion]


def evaluate(run: Run, images: ImageSet, split: str, device: str = "auto") -> Evaluation:
    """Evaluate the run's network on images, and write predictions and numbers into the run folder.

    Args:
        run: a trained run.
        images: the images of that split.
        split: "validation" or "test"; a look at test is entered into the ledger before the network sees the images.
        device: where to compute.

    Raises:
        ModelFileError: the run is unfinished or damaged.
        DiskError: the ledger cannot be written.
    """
    where = choose_device(device)
    network = load_network(run, where)
    looks = record_look(run, images.digest, "evaluate") if split == "test" else None
    recipe = from_json(run.recipe())
    precision = choose_precision(recipe.precision, where)
    logits = predict(network, images.pixels, precision)
    averaged = predict(network, images.pixels, precision, tta=recipe.tta) if recipe.tta != "none" else logits
    predicted = logits.argmax(1)
    matrix = metrics.confusion_matrix(images.labels, predicted, len(images.classes))
    evaluation = Evaluation(
        split=split,
        images=len(images),
        digest=images.digest,
        look=looks.run if looks else 0,
        look_on_machine=looks.machine if looks else 0,
        accuracy=metrics.wilson(int(matrix.trace()), len(images)),
        tta=recipe.tta,
        tta_accuracy=metrics.wilson(int((averaged.argmax(1) == images.labels).sum()), len(images)),
        balanced_accuracy=metrics.balanced_accuracy(matrix),
        loss=metrics.log_loss(images.labels, logits),
        scores=metrics.class_scores(images.labels, predicted, images.classes),
        confusion=matrix.tolist(),
        confusions=metrics.strongest_confusions(matrix, images.classes),
    )
    run.write_arrays(
        f"predictions-{split}.npz", ids=np.array(images.ids), labels=images.labels, logits=logits, tta_logits=averaged
    )
    worst = surest_mistakes(images.labels, logits)
    run.write_arrays(f"mistakes-{split}.npz", positions=worst, pixels=images.pixels[worst])
    run.write(f"evaluation-{split}.json", asdict(evaluation))
    return evaluation


def surest_mistakes(labels: np.ndarray, logits: np.ndarray, most: int = MISTAKES) -> np.ndarray:
    """Positions of the wrongly classified images, the most confident first, int64 `(at most `most`,)`."""
    confidence = metrics.probabilities(logits).max(1)
    wrong = np.flatnonzero(logits.argmax(1) != labels)
    chosen: np.ndarray = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return chosen
