"""What several of these tests start from: a data set whose names are out for trouble, and a run trained on it, which no test changes."""

from dataclasses import replace

import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset, ImageSet
from seefar.evaluation.audit import Audit, DuplicatePair, LabelIssue
from seefar.metrics import wilson
from seefar.runs.folder import Run

HOSTILE = ("<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "$\\frac{1}{0}$ 猫 & `{0}` {name} {{ 7*7 }}")


@pytest.fixture(scope="session")
def data() -> Dataset:
    """Three classes with names that are out for trouble."""

    def named(n: int, seed: int, split: str) -> ImageSet:
        return replace(images(n, seed, split), classes=HOSTILE)

    return Dataset(name="<b>colours</b>", train=named(120, 1, "train"), test=named(30, 2, "test"), source="<i>noise</i>")


@pytest.fixture(scope="session")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Evaluated on validation and looked into; its test images were not looked at."""
    folder = tmp_path_factory.mktemp("reporting")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        made = sf.train(data, "tiny", out=folder / "run", quiet=True, remember=True, flip="random", **SMALL)
        sf.evaluate(made, "validation", data=data)
        sf.see_inside(made, quick=True, data=data)
    return made


@pytest.fixture
def audit(data: Dataset) -> Audit:
    """One finding of each kind."""
    share, ids = wilson(9, 10), data.train.ids
    return Audit(
        name=HOSTILE[0],
        digests={},
        images={"training": 20, "test": 10},
        recipe="fast",
        folds=3,
        accuracy=share,
        test_accuracy=share,
        unseen_accuracy=share,
        duplicates={"test and training": 1, "within training": 0, "within test": 0},
        duplicated_test_ids=[data.test.ids[0]],
        listed_duplicates=[DuplicatePair(data.test.ids[0], ids[1], "test and training", 0.9, False, False)],
        label_issues={"training": 1, "test": 0},
        listed_label_issues=[LabelIssue(ids[0], "training", HOSTILE[0], HOSTILE[2], 0.97, 0.01)],
        overlaps=[],
        strange=[ids[2]],
    )
