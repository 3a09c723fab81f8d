"""The headline on real images that hold copies: CIFAR-10 as JPEG, whose near copies of training images stand beside it."""

import re

import numpy as np
import pytest
from tests.conftest import REAL_IMAGES
from tests.journeys import Journey, walk
from tests.planted import Planted, left_out
from tests.prose import Prose
from tests.truth import Truth, is_share

import seefar as sf

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """One epoch of `tiny`: how good the network is does not matter."""
    if not REAL_IMAGES.exists():
        pytest.skip(f"the real images are not here: {REAL_IMAGES}")
    folder = tmp_path_factory.mktemp("copies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        data = sf.load(REAL_IMAGES)
    reasons = left_out(data)
    clean = np.array([not reason for reason in reasons])
    counts = {reason: reasons.count(reason) for reason in ("copies", "repeats", "contradicting")}
    return walk(
        Planted(data, "near copies", clean, **counts),
        REAL_IMAGES,
        folder,
        "--recipe",
        "tiny",
        "--epochs",
        "1",
        "--set",
        "widths=[[8],[8]]",
    )


@pytest.fixture(scope="module")
def near(walked: Journey) -> np.ndarray:
    """Whether each of the test images that count is a near copy of a training image, as `describe` found them."""
    ids = walked.read("description-test.json")["leaks"]["test_ids"]
    stored = walked.answers
    found: np.ndarray = np.isin(stored["ids"][stored["counts"]], ids)
    return found


def test_the_headline_is_without_exact_copies(walked: Journey) -> None:
    found, truth = walked.read("evaluation-test.json"), Truth(walked)
    assert walked.code == 0, walked.told
    assert found["images"] == walked.planted.clean.sum() == len(truth.test)
    assert found["raw"]["images"] == 10_000 == found["images"] + sum(found["left_out"].values())
    assert found["headline"]["value"] == pytest.approx(truth.test.accuracy)
    assert found["raw"]["accuracy"]["value"] == pytest.approx(truth.test.raw)


def test_near_copies_stand_beside_it(walked: Journey, near: np.ndarray) -> None:
    found, truth = walked.read("evaluation-test.json"), Truth(walked)
    assert 100 < near.sum() < 500
    assert found["near"]["images"] == (~near).sum()
    assert found["near"]["accuracy"]["value"] == pytest.approx(truth.test.right[~near].mean())
    assert not [finding for finding in found["findings"] if finding["serious"]]


def test_everybody_reads_both_figures(walked: Journey, near: np.ndarray) -> None:
    truth = Truth(walked)
    page = " ".join(" ".join(Prose(walked.text("report.html")).everything).split())
    big = re.search(r'class="big">([^<]*)<', walked.text("report.html"))
    assert big
    assert is_share(big[1], truth.test.accuracy)
    others = f"{(~near).sum():,}"
    beside = re.search(rf"on the {others} that are not near copies of training images: ([\d.]+\s%)", page)
    assert beside
    assert is_share(beside[1], float(truth.test.right[~near].mean()))
    said = re.search(rf"without near copies of training images: accuracy ([\d.]+\s%) \({others} images\)", walked.terminal)
    assert said
    assert is_share(said[1], float(truth.test.right[~near].mean()))
    card = walked.text("README.md")
    assert f"{near.sum():,} of these images are near copies of training images" in card
    assert f"type: accuracy, value: {truth.test.accuracy:.4f}" in card
