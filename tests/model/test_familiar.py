"""The score that tells unlike images against scipy, and its threshold against a count."""

import numpy as np
import pytest
from scipy.special import logsumexp

import seefar as sf
from seefar.data.images import Dataset
from seefar.model.familiar import Familiar, energy, fit_familiar


def test_energy_is_the_logarithm_of_the_sum_of_exponentials() -> None:
    logits = np.random.default_rng(0).normal(0, 300, (50, 7)).astype(np.float32)
    assert energy(logits) == pytest.approx(logsumexp(logits.astype(np.float64), axis=1))
    assert energy(logits[:0]).shape == (0,)


def test_ninety_five_of_a_hundred_validation_images_pass() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (1000, 5))
    found = fit_familiar(logits)
    assert found.passed == pytest.approx(0.95, abs=0.001)
    assert found.unlike(logits).mean() == pytest.approx(0.05, abs=0.001)
    assert Familiar(**found.as_json()) == found  # type: ignore[arg-type]


def test_it_is_stored_at_evaluation_and_follows_from_the_answers_of_older_runs(run: sf.Run, small_data: Dataset) -> None:
    assert sf.load_model(run).familiar is None
    evaluation = sf.evaluate(run, data=small_data)
    stored = run.evaluation("validation")
    assert sf.load_model(run).familiar == evaluation.familiar == Familiar(**stored["familiar"])
    run.write("evaluation-validation.json", {name: value for name, value in stored.items() if name != "familiar"})
    assert sf.load_model(run).familiar == evaluation.familiar
