"""What each value that a verb returns looks like: the value in, a Figure out. Nothing is computed and no file is read."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from seefar.data.describe import DataDescription, examples, mean_images
from seefar.data.images import Dataset, ImageSet
from seefar.errors import UsageError
from seefar.reporting import explanation_figures, figures, shaded_tables
from seefar.reporting.inside_words import called, method_name
from seefar.reporting.words import percent

if TYPE_CHECKING:
    from seefar.data.augmentation_preview import Augmented
    from seefar.evaluation.audit import Audit
    from seefar.evaluation.compare import Comparisons
    from seefar.evaluation.evaluate import Evaluation
    from seefar.evaluation.robustness import Robustness
    from seefar.explaining.explanation import Explanation
    from seefar.training.find_rate import RateCurve

COLUMNS = 10  # examples of each class (chosen by hand: a row that fits on a page)
SHOWN = 48  # images of each kind that an audit found (chosen by hand: as many as are readable on a page)


def examples_of(images: ImageSet, title: str) -> Figure:
    """A row of examples for each class, with the mean of all its images at the end."""
    shown = examples(images, COLUMNS)
    rows = np.full((len(images.classes), COLUMNS + 1, images.size, images.size, 3), 255, np.uint8)
    for label in range(len(images.classes)):
        pixels = shown.pixels[shown.labels == label]
        rows[label, : len(pixels)] = pixels
    rows[:, -1] = mean_images(images)
    return figures.gallery(rows, images.classes, title)


def dataset(data: Dataset, _other: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """Examples of the training images."""
    title = f"{data.name}: examples of each class, and the mean of all its images"
    return {"examples": lambda: examples_of(data.train, title)}


def description(found: DataDescription, _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """How bright and colourful the training images are."""
    return {"brightness": lambda: figures.brightness(asdict(found.train), "How often each value occurs in the training images")}


def augmented(found: "Augmented", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """A row for each image, the image itself first."""
    return {"augmented": lambda: figures.gallery(found.pixels, found.names, found.title)}


def rate_curve(curve: "RateCurve", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """Loss against learning rate."""
    return {"rates": lambda: figures.rate_curve(curve.rates, curve.losses, curve.suggestion, curve.title)}


def evaluation(found: "Evaluation", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """The confusion matrix."""
    names = [score.name for score in found.scores]
    title = f"True and predicted classes, {found.images:,} {found.split} images"
    return {"matrix": lambda: shaded_tables.matrix(found.confusion, names, title)}


def comparisons(found: "Comparisons", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """The differences to the first run, with intervals."""
    rows = [(pair.other, pair.difference.value, pair.difference.low, pair.difference.high) for pair in found.pairs]
    axis = f"points more than {found.pairs[0].base}, with 95 % interval"
    title = f"Differences on the same {found.images:,} {found.split} images"
    return {"differences": lambda: figures.intervals(rows, axis, title, zero=True)}


def robustness(found: "Robustness", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """Accuracy by corruption and severity."""
    title = "Accuracy in %, by corruption and severity"
    severities = [f"severity {number}" for number in range(1, 6)]
    return {"corruptions": lambda: shaded_tables.corruptions(found.accuracies, severities, found.clean.value, title)}


def explanation(found: "Explanation", _data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """The maps of each method laid over the images."""
    rows = zip(found.labels or found.images, found.predicted, found.targets, found.probability, strict=True)
    captions = [f"{called(name, said)}; evidence for {target} ({percent(chance)})" for name, said, target, chance in rows]
    maps = {method_name(name): values for name, values in found.maps.items()}
    title = f"{found.title}: where the network looked"
    return {"where": lambda: explanation_figures.overlays(found.pixels, maps, captions, title)}


def audit(found: "Audit", data: Dataset | None) -> dict[str, Callable[[], Figure]]:
    """Galleries of doubtful labels, near duplicates and strange images, as far as there are any; the images come from `data`."""
    if data is None:
        raise UsageError("the pictures of an audit show images; give the data set with data=...")
    issues, pairs = found.listed_label_issues[:SHOWN], found.listed_duplicates[:SHOWN]
    ids = [*(issue.id for issue in issues), *(i for pair in pairs for i in (pair.one, pair.other)), *found.strange[:SHOWN]]
    kept = data.select(list(dict.fromkeys(ids)))
    pixels = dict(zip(kept.ids, kept.pixels, strict=True))
    labels = {i: kept.classes[label] for i, label in zip(kept.ids, kept.labels, strict=True)}
    gap = np.full((kept.size, 2, 3), 255, np.uint8)

    def gallery(shown: Sequence[np.ndarray], captions: Sequence[str], title: str) -> Callable[[], Figure]:
        return lambda: figures.captioned(shown, captions, f"{found.name}: {title}")

    made = {
        "label-errors": (
            [pixels[issue.id] for issue in issues],
            [f"{issue.label}\n→ {issue.suggested}" for issue in issues],
            "labels most likely wrong, with what networks that had not seen the image say instead",
        ),
        "near-duplicates": (
            [np.concatenate([pixels[pair.one], gap, pixels[pair.other]], axis=1) for pair in pairs],
            [pair.where for pair in pairs],
            "pairs of images that show the same",
        ),
        "strange": (
            [pixels[i] for i in found.strange[:SHOWN]],
            [labels[i] for i in found.strange[:SHOWN]],
            "images least like any other, strangest first",
        ),
    }
    return {name: gallery(*parts) for name, parts in made.items() if parts[0]}


# By the name of the class: each gives the pictures of a value by name, the usual one first
FIGURES: dict[str, Callable[[Any, Dataset | None], dict[str, Callable[[], Figure]]]] = {
    "Audit": audit,
    "Augmented": augmented,
    "Comparisons": comparisons,
    "DataDescription": description,
    "Dataset": dataset,
    "Evaluation": evaluation,
    "Explanation": explanation,
    "RateCurve": rate_curve,
    "Robustness": robustness,
}
