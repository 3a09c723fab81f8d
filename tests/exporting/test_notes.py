"""What a file says of itself can be read back as it was said."""

import json

import numpy as np
import pytest

from seefar.exporting.notes import notes
from seefar.model.self_test import Example, from_json


def test_facts_and_self_test_are_read_back() -> None:
    examples = [Example(b"\x89PNG", [0.25, -1.0], [0.75, 0.25])]
    said = json.loads(notes({"classes": ["ä", "b"], "temperature": None}, examples))
    assert from_json(said.pop("self_test"), 2) == examples
    assert said == {"classes": ["ä", "b"], "temperature": None}


def test_what_json_has_no_number_for_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        notes({"temperature": np.inf}, [])
