"""The self-test: what is stored comes back, and what may differ by how much."""

import numpy as np
import pytest

from seefar.errors import ModelFileError
from seefar.model.self_test import Example, as_json, differences, from_json

EXAMPLES = [Example(b"\x89PNG", [1.0, -200.0], [0.9, 0.1]), Example(b"x", [0.5, 0.25], [0.6, 0.4])]


def test_what_is_stored_comes_back() -> None:
    assert from_json(as_json(EXAMPLES), 2) == EXAMPLES


def test_differences_up_to_the_tolerance_pass_and_beyond_do_not() -> None:
    logits, probabilities = (np.array([getattr(one, name) for one in EXAMPLES]) for name in ("logits", "probabilities"))
    assert differences(EXAMPLES, logits + 0.1, probabilities - 0.0009, 1e-3)["logits"] == pytest.approx(0.1)
    for more, less in ((0.3, 0.0), (0.0, 0.0011), (np.nan, 0.0), (0.0, np.nan)):
        with pytest.raises(ModelFileError, match="fails its self-test"):
            differences(EXAMPLES, logits + more, probabilities - less, 1e-3)
