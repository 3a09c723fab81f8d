"""Whether the images and labels themselves can be trusted: duplicates, likely label errors, overlapping classes, strange images."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from seefar import progress
from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load_again
from seefar.data.near_duplicates import NearDuplicate, near_duplicates, unit
from seefar.display import Shown
from seefar.errors import DataError, UsageError
from seefar.evaluation.cross_validation import out_of_fold
from seefar.evaluation.out_of_distribution import KNOWN, nearness
from seefar.files import lock
from seefar.metrics import Share, wilson
from seefar.model.run_images import open_test_for_audit
from seefar.recipes import Recipe
from seefar.runs.folder import Run, open_run
from seefar.seeds import derive
from seefar.torchrun import only_alone
from seefar.training.check import choose

FOLDS = 3  # networks learn from two thirds each; more would take longer and doubt much the same labels (chosen by hand)
LISTED = 200  # pairs and labels listed in full (chosen by hand: more than anybody looks through in one go)
STRANGE = 48  # likewise for strange images


@dataclass(frozen=True)
class DuplicatePair:
    """A pair of near duplicates.

    Attributes:
        one, other: ids of the two images.
        where: "test and training", "within training" or "within test".
        detail: how well their details agree, 0.65 to 1.
        mirrored: whether one is the mirror image of the other.
        same_label: whether they are of one class.
    """

    one: str
    other: str
    where: str
    detail: float
    mirrored: bool
    same_label: bool


@dataclass(frozen=True)
class LabelIssue:
    """A label that networks that had not learned from the image do not believe.

    Attributes:
        id: of the image.
        split: "training" or "test".
        label: its class.
        suggested: the class that they find most probable.
        probability: of that class, 0..1.
        label_probability: of its own class.
    """

    id: str
    split: str
    label: str
    suggested: str
    probability: float
    label_probability: float


@dataclass(frozen=True)
class Overlap:
    """Two classes that labels mix up: about `images` images with the label of one belong to the other, by confident learning."""

    one: str
    other: str
    images: int


@dataclass(frozen=True)
class Audit(Shown):
    """What an audit found; `audit.json` is exactly this.

    Attributes:
        name: of the data.
        digests: of the training and the test images.
        images: how many there are of both.
        recipe: of the networks that judged.
        folds: how many of them, each trained on all training images but one fold.
        accuracy: theirs on the training images, each judged by the network that had not learned from it.
        test_accuracy: that of their mean answer on all test images.
        unseen_accuracy: the same on the test images that have no near duplicate among the training images.
        duplicates: how many pairs of near duplicates there are, by where.
        duplicated_test_ids: the test images that have one among the training images.
        listed_duplicates: up to 200 pairs, those across the splits first, then the most certain.
        label_issues: how many labels of each split are likely wrong, by confident learning.
        listed_label_issues: up to 200 of them, the most doubtful first.
        overlaps: the pairs of classes that labels mix up most.
        strange: the ids of the images that are least like any training image, strangest first, 48 at most.
    """

    name: str
    digests: dict[str, str]
    images: dict[str, int]
    recipe: str
    folds: int
    accuracy: Share
    test_accuracy: Share
    unseen_accuracy: Share
    duplicates: dict[str, int]
    duplicated_test_ids: list[str]
    listed_duplicates: list[DuplicatePair]
    label_issues: dict[str, int]
    listed_label_issues: list[LabelIssue]
    overlaps: list[Overlap]
    strange: list[str]

    def __repr__(self) -> str:
        return f"Audit({self.name}, {sum(self.images.values()):,} images)"


def check_cleanlab() -> None:
    """Raise UsageError if the library that judges labels is not there."""
    if find_spec("cleanlab") is None:
        raise UsageError("an audit needs cleanlab, which judges the labels; pip install 'seefar[audit]'")


def audit(
    data: Dataset,
    *,
    run: str | Path | Run | None = None,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    **changes: Any,
) -> Audit:
    """Whether images and labels can be trusted: near duplicates, likely label errors, overlapping classes, strange images.

    Networks are trained on parts of the training images, and they and a comparison of pixels judge all images: some minutes. No
    network learns from a test image, and none is kept; an audit is a look at the test images all the same. Needs the extra `audit`.

    Sources: Northcutt et al. 2021 (confident learning), https://arxiv.org/abs/1911.00068; Barz and Denzler 2020 (duplicates between
    the splits), https://arxiv.org/abs/1902.00423

    Args:
        data: what `load` returns.
        run: a run on these images; the findings are kept with it, and its report shows them.
        recipe: of the networks that judge.
        seed: of folds and networks.
        device: "auto", "cpu", "cuda" or "mps".
        changes: recipe fields to change.

    Raises:
        UsageError: cleanlab is missing, or the recipe does not work with such images.
        DataError: a class has too few images.
        ModelFileError: the run was trained on other images.
    """
    only_alone("audit")
    check_cleanlab()
    chosen = choose(recipe, data.train.size, **changes)
    opened = None if run is None else open_run(run)
    if opened:
        load_again(opened.read("data.json"), data)
    _check_counts(data.train)  # before anything looks at the test images
    with progress.bar("auditing") as tell:
        found = _audited(data.name, data.train, open_test_for_audit(data, opened), chosen, seed, device, tell)
    if opened:
        shown = [
            *(id_ for pair in found.listed_duplicates for id_ in (pair.one, pair.other)),
            *(issue.id for issue in found.listed_label_issues),
            *found.strange,
        ]
        kept = data.select(list(dict.fromkeys(shown)))
        with lock(opened.path / ".lock"):
            opened.write_arrays("pictures-audit-test.npz", ids=np.array(kept.ids), pixels=kept.pixels)
            opened.write("audit-test.json", asdict(found))
    return found


def _check_counts(train: ImageSet) -> None:
    """Raise DataError if a class is too small for the folds."""
    if train.counts().min() < FOLDS:
        scarce = train.classes[int(train.counts().argmin())]
        raise DataError(
            f"an audit needs {FOLDS} training images of each class; {scarce} has {train.counts().min()}: add images, or remove the class"
        )


def _audited(name: str, train: ImageSet, test: ImageSet, recipe: Recipe, seed: int, device: str, tell: progress.Tell) -> Audit:
    judged = out_of_fold(recipe, train, test, FOLDS, seed, device, lambda done, total: tell(done, total, "training networks"))

    def searching(done: int, total: int) -> None:
        tell(done, total, "comparing pairs")

    across = near_duplicates(test.pixels, judged.test_features, train.pixels, judged.train_features, searching)
    inside = near_duplicates(train.pixels, judged.train_features, tell=searching)
    among = near_duplicates(test.pixels, judged.test_features, tell=searching)
    seen = np.isin(np.arange(len(test)), [pair.one for pair in across])
    right = judged.test.argmax(1) == test.labels
    label_issues = {
        "training": _label_issues(train, judged.train, "training"),
        "test": _label_issues(test, judged.test, "test"),
    }
    ranked = sorted([*label_issues["training"], *label_issues["test"]], key=lambda issue: (issue.label_probability, issue.id))
    return Audit(
        name=name,
        digests={"training": train.digest, "test": test.digest},
        images={"training": len(train), "test": len(test)},
        recipe=recipe.name,
        folds=FOLDS,
        accuracy=wilson(int((judged.train.argmax(1) == train.labels).sum()), len(train)),
        test_accuracy=wilson(int(right.sum()), len(test)),
        unseen_accuracy=wilson(int(right[~seen].sum()), int((~seen).sum())),
        duplicates={"test and training": len(across), "within training": len(inside), "within test": len(among)},
        duplicated_test_ids=[test.ids[i] for i in np.flatnonzero(seen)],
        listed_duplicates=[
            *(_duplicate_pair(pair, test, train, "test and training") for pair in across),
            *(_duplicate_pair(pair, train, train, "within training") for pair in inside),
            *(_duplicate_pair(pair, test, test, "within test") for pair in among),
        ][:LISTED],
        label_issues={split: len(found) for split, found in label_issues.items()},
        listed_label_issues=ranked[:LISTED],
        overlaps=_overlaps(train, judged.train),
        strange=_strange(train, test, judged.train_features, judged.test_features),
    )


def _duplicate_pair(pair: NearDuplicate, ones: ImageSet, others: ImageSet, where: str) -> DuplicatePair:
    same = bool(ones.labels[pair.one] == others.labels[pair.other])
    return DuplicatePair(ones.ids[pair.one], others.ids[pair.other], where, pair.detail, pair.mirrored, same)


def _label_issues(images: ImageSet, probabilities: np.ndarray, split: str) -> list[LabelIssue]:
    """The labels that confident learning takes for wrong."""
    from cleanlab.filter import find_label_issues

    if not len(images) or len(np.unique(images.labels)) < len(images.classes):
        return []  # confident learning compares each class with the others: all must be there
    found = find_label_issues(images.labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [
        LabelIssue(
            id=images.ids[i],
            split=split,
            label=images.classes[images.labels[i]],
            suggested=images.classes[probabilities[i].argmax()],
            probability=round(float(probabilities[i].max()), 4),
            label_probability=round(float(probabilities[i, images.labels[i]]), 4),
        )
        for i in np.asarray(found).tolist()
    ]


def _overlaps(images: ImageSet, probabilities: np.ndarray, most: int = 10) -> list[Overlap]:
    """The pairs of classes with the largest joint share of labels and likely truth, both directions together."""
    from cleanlab.count import compute_confident_joint

    joint = np.asarray(compute_confident_joint(images.labels, probabilities))
    both = np.triu(joint + joint.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), len(both)) for cell in order]
    return [Overlap(images.classes[i], images.classes[j], int(both[i, j])) for i, j in cells if both[i, j]]


def _strange(train: ImageSet, test: ImageSet, train_features: np.ndarray, test_features: np.ndarray) -> list[str]:
    """The images whose features are farthest from those of training images."""
    chosen = np.random.default_rng(derive(0, "known")).permutation(len(train))[:KNOWN]
    familiar = unit(train_features[chosen])
    near = np.concatenate([nearness(train_features, familiar), nearness(test_features, familiar)])
    ids = [*train.ids, *test.ids]
    return [ids[i] for i in np.argsort(near, kind="stable")[:STRANGE]]
