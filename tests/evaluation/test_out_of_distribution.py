"""Out-of-distribution images: scores by their definitions, AUROC against planted separations, looks that are counted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import seefar as sf
from seefar.data.images import Dataset
from seefar.data.near_duplicates import unit
from seefar.evaluation import out_of_distribution as module
from seefar.evaluation.out_of_distribution import SCORES, familiarity, nearness, noise
from seefar.metrics import softmax
from seefar.model.answers import Answers
from seefar.model.load import load_model


def test_the_scores_by_their_definitions() -> None:
    rng = np.random.default_rng(0)
    logits, features, familiar = rng.normal(size=(6, 4)), rng.normal(size=(6, 8)), unit(rng.normal(size=(30, 8)))
    found = familiarity(Answers(logits, features, softmax(logits)), familiar)
    assert tuple(found) == SCORES
    assert found["max_probability"] == pytest.approx(softmax(logits).max(1))
    assert found["energy"] == pytest.approx(np.log(np.exp(logits).sum(1)))
    for row, value in zip(features, found["feature_distance"], strict=True):
        cosines = sorted((familiar @ row / np.linalg.norm(row)).tolist(), reverse=True)
        assert value == pytest.approx(cosines[9])


def test_with_few_known_images_the_farthest_of_them_counts() -> None:
    assert nearness(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [0.0]
    assert len(nearness(np.zeros((0, 2)), np.eye(2))) == 0


def test_auroc_is_the_share_of_pairs_in_which_the_own_image_looks_more_familiar(run: sf.Run, small_data: Dataset) -> None:
    found = sf.out_of_distribution(run, "test", others=["noise"], data=small_data, device="cpu")
    model = load_model(run, "cpu")
    own, theirs = (softmax(model.logits(pixels)).max(1) for pixels in (small_data.test.pixels, noise(module.NOISE, 16)))
    pairs = (own[:, None] > theirs) + 0.5 * (own[:, None] == theirs)
    (row,) = found.foreign
    assert row.images == module.NOISE
    assert row.auroc["max_probability"] == pytest.approx(pairs.mean())
    assert row.missed["max_probability"] == (theirs >= np.quantile(own, 0.05)).mean()
    assert run.read("out-of-distribution-test.json") == dataclasses.asdict(found)


def test_the_own_images_cannot_be_told_from_themselves(
    run: sf.Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "noise", lambda n, size: small_data.test.pixels)
    found = sf.out_of_distribution(run, "test", others=["noise"], data=small_data)
    assert found.foreign[0].auroc == pytest.approx(dict.fromkeys(SCORES, 0.5))


def test_on_test_it_is_a_look(run: sf.Run, small_data: Dataset) -> None:
    sf.out_of_distribution(run, "validation", others=["noise"], data=small_data)
    assert not run.has("test-ledger.jsonl")
    sf.out_of_distribution(run, "test", others=["noise"], data=small_data)
    assert '"verb": "out of distribution"' in (run.path / "test-ledger.jsonl").read_text()


def test_noise_is_the_same_each_time_and_uses_every_level() -> None:
    drawn = noise(50, 16)
    assert drawn.shape == (50, 16, 16, 3)
    assert np.array_equal(drawn, noise(50, 16))
    assert len(np.unique(drawn)) == 256


def test_a_folder_of_images_is_one_set(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / "other" / name).mkdir(parents=True)
        for i in range(10):
            Image.fromarray(noise(1, 16, seed=i)[0]).save(tmp_path / "other" / name / f"{i}.png")
    found = sf.out_of_distribution(run, others=[tmp_path / "other"], data=small_data)
    assert [(row.name, row.images) for row in found.foreign] == [("other", 20)]
