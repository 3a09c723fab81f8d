"""Whether results can be trusted: corrupted images, foreign images, and the images and labels themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seefar import progress
from seefar.api.images import load
from seefar.api.results import images_of
from seefar.api.training import choose, data_of, open_run
from seefar.data.images import Dataset, ImageSet
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.training.launch import only_alone

if TYPE_CHECKING:
    from seefar.evaluation.audit import Audit
    from seefar.evaluation.out_of_distribution import OutOfDistribution
    from seefar.evaluation.robustness import Robustness

NOISE = 2000  # images of noise (chosen by hand: as many as the built-in shapes have for testing)


def robustness(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    files: str | Path | None = None,
    data: Dataset | None = None,
    device: str = "auto",
) -> "Robustness":
    """Accuracy on images that are noisy, blurred, snowed over or badly compressed: 15 corruptions at 5 severities.

    They are those of CIFAR-10-C, computed here (frost from a generated texture, so that the mean compares with no published
    one), or read from the published files.

    Args:
        run: a trained run or its folder.
        split: "validation", or "test": that is a look at the test images.
        files: the unpacked folder of CIFAR-10-C.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is damaged or was trained on other data.
        DataError: `files` are not CIFAR-10-C.
    """
    from seefar.evaluation.robustness import robustness
    from seefar.files import lock

    only_alone("robustness")
    run = open_run(run)
    images, _ = images_of(run, split, data)
    with lock(run.path / ".lock"), progress.bar("corrupting images") as tell:
        where = Path(files) if files is not None else None
        return robustness(run, images, split, files=where, device=device, progress=lambda done, total: tell(done, total, ""))


def out_of_distribution(
    run: str | Path | Run,
    split: Literal["validation", "test"] = "validation",
    *,
    others: Sequence[str | Path] = ("noise", "shapes"),
    data: Dataset | None = None,
    device: str = "auto",
) -> "OutOfDistribution":
    """How well the network tells images that are nothing like its own from its own: AUROC of three scores.

    Args:
        run: a trained run or its folder.
        split: its own images, "validation" or "test"; the latter is a look at the test images.
        others: "noise", or what `load` takes: "shapes", "cifar100", a folder, a zip. All images of them count.
        data: the data the run was trained on; by default it is loaded again from where it came from.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError: the run is damaged or was trained on other data.
    """
    from seefar.evaluation.out_of_distribution import noise, out_of_distribution
    from seefar.files import lock

    only_alone("out_of_distribution")
    run = open_run(run)
    data = data or data_of(run)
    images, _ = images_of(run, split, data)
    training = data.train.select(run.read("splits.json")["train"])

    def foreign(other: str | Path) -> np.ndarray:
        if other == "noise":
            return noise(NOISE, images.size)
        found = load(other, size=images.size)
        return np.concatenate([found.train.pixels, found.test.pixels])[-10 * NOISE :]

    sets = {Path(other).name: foreign(other) for other in others}
    with lock(run.path / ".lock"):
        return out_of_distribution(run, images, split, training, sets, device)


def audit(
    data: Dataset,
    *,
    out: str | Path | None = None,
    run: str | Path | Run | None = None,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    **changes: Any,
) -> "Audit":
    """Whether images and labels can be trusted: near duplicates, likely label errors, overlapping classes, strange images.

    Networks are trained on parts of the training images to judge the rest, so it takes some minutes. Needs the extra `audit`.

    Args:
        data: what `load` gave.
        out: a folder for `audit.json` and galleries of what was found.
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
    from dataclasses import asdict

    from seefar.evaluation.audit import audit, check
    from seefar.files import lock

    only_alone("audit")
    check()
    chosen = choose(recipe, data.train.size, **changes)
    if run is not None:
        images_of(run := open_run(run), "validation", data)
    with progress.bar("auditing") as tell:
        found = audit(data, chosen, seed, device, tell)
    if out is not None:
        from seefar.reporting.audit_pictures import write_audit

        write_audit(found, data, Path(out))
    if run is not None:
        from seefar.runs.pictures import keep_pictures_by_id

        shown = [
            *(id_ for pair in found.listed_duplicates for id_ in (pair.one, pair.other)),
            *(issue.id for issue in found.listed_label_issues),
            *found.strange,
        ]
        with lock(run.path / ".lock"):
            keep_pictures_by_id(run, "pictures-audit-test.npz", both(data), list(dict.fromkeys(shown)))
            run.write("audit-test.json", asdict(found))
    return found


def both(data: Dataset) -> ImageSet:
    """Training and test images as one set."""
    return ImageSet(
        np.concatenate([data.train.pixels, data.test.pixels]),
        np.concatenate([data.train.labels, data.test.labels]),
        data.classes,
        data.train.ids + data.test.ids,
    )
