"""The score that tells unlike images against a formula, its threshold against a count, and both against noise."""

import json

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.metrics.pairwise import cosine_similarity

import seefar as sf
from seefar.data.images import Dataset
from seefar.model.answers import Answers
from seefar.model.familiar import Familiar, energy, familiar_from_json, fit_familiar, similarity

RNG = np.random.default_rng(0)
FEATURES, LABELS = RNG.normal(1, 1, (200, 6)).astype(np.float32), np.arange(200) % 4
VALIDATION = RNG.normal(1, 1, (1000, 6)).astype(np.float32)


def answers(features: np.ndarray) -> Answers:
    return Answers(features, features, features)


def fitted() -> Familiar:
    blocks = [(FEATURES[:70], LABELS[:70]), (FEATURES[70:], LABELS[70:])]
    return fit_familiar(blocks, [VALIDATION[:400], VALIDATION[400:]], 4)


def test_the_score_is_the_largest_cosine_to_the_mean_of_a_class() -> None:
    found = fitted()
    means = np.stack([FEATURES[label == LABELS].mean(0) for label in range(4)])
    assert found.scores(answers(VALIDATION)) == pytest.approx(cosine_similarity(VALIDATION, means).max(1), abs=1e-3)
    assert similarity(np.zeros((2, 6)), means).tolist() == [0, 0]
    assert len(similarity(np.zeros((0, 6)), means)) == 0


def test_ninety_five_of_a_hundred_validation_images_pass() -> None:
    found = fitted()
    assert found.threshold.passed == pytest.approx(0.95, abs=0.001)
    assert found.unlike(answers(VALIDATION)).mean() == pytest.approx(0.05, abs=0.001)


def test_a_class_without_images_is_near_nothing() -> None:
    found = fit_familiar([(FEATURES, LABELS)], [VALIDATION], 5)
    assert found.means[4].tolist() == [0] * 6


def test_what_is_stored_answers_alike() -> None:
    found = fitted()
    again = familiar_from_json(json.loads(json.dumps(found.as_json())))
    assert np.array_equal(again.means, found.means)
    assert again.threshold == found.threshold
    for wrong in (
        {"means": "?"},
        {"means": "AAAA"},
        {"shape": [3, 3]},
        {"shape": [24]},
        {"score": "other"},
        {"threshold": "x"},
    ):
        with pytest.raises((ValueError, KeyError, TypeError)):
            familiar_from_json(found.as_json() | wrong)


def test_energy_is_the_logarithm_of_the_sum_of_exponentials() -> None:
    logits = RNG.normal(0, 300, (50, 7)).astype(np.float32)
    assert energy(logits) == pytest.approx(logsumexp(logits.astype(np.float64), axis=1))
    assert energy(logits[:0]).shape == (0,)


def test_it_is_stored_at_evaluation_on_validation(run: sf.Run, small_data: Dataset) -> None:
    sf.evaluate(run, "test", data=small_data)
    assert sf.load_model(run).familiar is None
    evaluation = sf.evaluate(run, data=small_data)
    model = sf.load_model(run)
    assert model.familiar is not None
    assert model.familiar.threshold == evaluation.familiar
    assert model.familiar.means.shape == (3, 16)
    stored = run.evaluation("validation")
    run.write("evaluation-validation.json", {name: value for name, value in stored.items() if name != "familiar"})
    assert sf.load_model(run).familiar is None  # evaluated by an earlier seefar
