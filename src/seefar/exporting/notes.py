"""What a Keras file or a torch program says of itself: `seefar.json` within it, which Keras and torch leave alone."""

import json
from collections.abc import Mapping
from typing import Any

from seefar.model import self_test

NAME = "seefar.json"


def notes(facts: Mapping[str, Any], examples: list[self_test.Example]) -> str:
    """The text of `seefar.json`: classes, size, preparation, origin, certificate and so on; under `self_test` images and their answers."""
    return json.dumps({**facts, "self_test": self_test.as_json(examples)}, ensure_ascii=False, allow_nan=False)
